"""Reading bytes of unknown kind: with `msgpack`, a decoder that is not ours, and by trial.

`msgpack` says what stands in the bytes, whether or not they are canonical; then every type that
the network, the store or a file knows is tried on them.
"""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec

from consensus.inputs import decode_input
from consensus.messages import Certificate, Proposal, Vote
from consensus.signer import SignerState
from ledger import tables as t
from ledger.actions import Action
from ledger.events import Event
from ledger.genesis import Genesis, genesis_hash
from ledger.objects import Trade
from ledger.receipts import Receipt, RoundResult
from ledger.recovery import SignedRecovery
from ledger.transactions import Transaction, tx_id
from node.blocks import Block, Bundle, DecidedBlock, EvidencePiece, Header, Proposed, block_id
from node.core.records import decode_record
from node.messages import decode_message
from node.plain import plain
from node.proofs import FORMAT, ProvedRow
from node.storage.records import StoredTip
from node.storage.trades import Differences
from node.wal import MAGIC, read_log
from wire.codec import decode, sha256
from wire.errors import CodedError, Rejection
from wire.statetree import StateProof

BYTES_MAX: Final = 256 << 20
TEXT_MAX: Final = 4 * BYTES_MAX


class Unreadable(Rejection):
    """The input is neither a file nor hex, or no MessagePack."""

    code = "INSPECT_UNREADABLE"
    remedy = "Give a file, hex digits, or `-` for standard input."


class _Signer(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The signer's state file: the state and its digest."""

    state: SignerState
    digest: bytes


def _typed(kind: Any) -> Callable[[bytes], object]:
    return lambda data: decode(data, kind, BYTES_MAX)


KINDS: Final[dict[str, Callable[[bytes], object]]] = {
    "genesis": _typed(Genesis),
    "decided block": _typed(DecidedBlock),
    "block": _typed(Block),
    "proposed block": _typed(Proposed),
    "header": _typed(Header),
    "recovery": _typed(SignedRecovery),
    "transaction": _typed(Transaction),
    "bundle": _typed(Bundle),
    "proof": _typed(ProvedRow),
    "state proof": _typed(StateProof),
    "direct message": decode_message,
    "log record": decode_record,
    "consensus input": decode_input,
    "signer state": _typed(_Signer),
    "tip record": _typed(StoredTip),
    "vote or proposal": _typed(Vote | Proposal),
    "certificate": _typed(Certificate),
    "evidence": _typed(EvidencePiece),
    "action": _typed(Action),
    "event": _typed(Event),
    "round result": _typed(RoundResult),
    "receipt": _typed(Receipt),
    "trade": _typed(Trade),
    "field differences": _typed(Differences),
}
"""What bytes may be, in the order in which it is tried."""


class Inspection(msgspec.Struct, frozen=True):
    """What can be said of some bytes."""

    size: int
    sha256: str
    canonical: bool
    why_not: str
    """Why the encoding is not canonical; empty if it is."""
    kinds: list[str]
    """Every type that the bytes are a value of."""
    ident: str
    """Of a block, header, transaction or genesis."""
    value: Any
    """The value with the field names of the first kind; null if there is none."""
    raw: Any
    """As `msgpack` reads it: lists, numbers, text, bytes in hex."""


def bytes_of(source: str, stdin: Callable[[], bytes]) -> bytes:
    """The bytes that a user means: a file, hex digits, or `-`; raises `Unreadable`.

    A file or input that holds hex digits, or a proof file, is unwrapped.
    """
    if source == "-":
        data = stdin()
    elif (path := Path(source)).is_file():
        data = path.read_bytes()
    else:
        return _hex(source)
    if len(data) > TEXT_MAX:
        raise Unreadable(f"{len(data)} bytes are more than anything of this network has")
    text = data.strip()
    if text.startswith(b"{"):
        return _proof_file(text)
    if text and all(byte in b"0123456789abcdefABCDEF \r\n\t" for byte in text):
        return _hex(text.decode())
    return data


def inspect(data: bytes, key: bytes | None = None) -> Inspection:
    """What `data` is; `key`: the state key that it is the row of. Raises `Unreadable`."""
    raw, why_not = _independently(data)
    whole = data if not why_not else _repacked(raw)
    kinds: list[str] = []
    value: object = None
    for name, read in _candidates(key).items():
        try:
            found = read(whole)
        except (CodedError, TypeError):
            continue
        value = found if not kinds else value
        kinds.append(name)
    return Inspection(
        size=len(data),
        sha256=sha256(data).hex(),
        canonical=not why_not,
        why_not=why_not,
        kinds=kinds,
        ident=_ident(value),
        value=plain(value),
        raw=_shown(raw),
    )


def is_log(data: bytes) -> bool:
    """Whether `data` is a consensus log file, which is not MessagePack as a whole."""
    return data.startswith(MAGIC)


def inspect_log(path: Path) -> dict[str, Any]:
    """A consensus log: its height, and every record; raises `LogDamaged`."""
    log = read_log(path)
    return {
        "kinds": ["consensus log"],
        "height": log.height,
        "torn_bytes": log.size - log.end,
        "damaged": log.damaged,
        "records": [msgspec.to_builtins(inspect(record)) for record in log.records],
    }


def _candidates(key: bytes | None) -> dict[str, Callable[[bytes], object]]:
    if key is not None:
        return {f"row of {t.table_of(key).name}": lambda data: t.decode_row(key, data)}
    rows = {f"row of {table.name}": _typed(table.row) for table in t.TABLES}
    return {**KINDS, **rows, "state key": _state_key}


def _state_key(data: bytes) -> dict[str, Any]:
    table = t.table_of(data)
    return {"table": table.name, "key": table.parts(data)}


def _independently(data: bytes) -> tuple[Any, str]:
    """The value as `msgpack` reads it, and why its encoding is not canonical (empty: it is)."""
    if data and data[0] in t.BY_TAG and len(data) > 1:
        try:
            return _independently(data[1:]) if _state_key(data) else (None, "")
        except (CodedError, TypeError, Unreadable):
            pass
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=BYTES_MAX)
    unpacker.feed(data)
    try:
        value = unpacker.unpack()
        again = _repacked(value)
    except (msgpack.UnpackException, ValueError, RecursionError, OverflowError) as error:
        raise Unreadable(f"not MessagePack: {str(error)[:80] or type(error).__name__}") from None
    used = unpacker.tell()
    if used < len(data):
        return value, f"{len(data) - used} bytes follow the value"
    forbidden = _forbidden(value)
    if forbidden:
        return value, forbidden
    return value, "" if again == data else "a longer form than necessary is used"


def _repacked(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def _forbidden(value: Any) -> str:
    """What the wire never has: maps, floats, extension types, text that is not NFC."""
    match value:
        case list():
            return next(filter(None, map(_forbidden, value)), "")
        case str():
            return "" if unicodedata.is_normalized("NFC", value) else "text is not NFC"
        case None | bool() | int() | bytes():
            return ""
        case _:
            return f"a {type(value).__name__} has no place on the wire"


def _ident(value: object) -> str:
    match value:
        case Genesis():
            return genesis_hash(value).hex()
        case Header():
            return block_id(value).hex()
        case Block() | Proposed():
            return block_id(value.header).hex()
        case DecidedBlock():
            return block_id(value.block.header).hex()
        case Transaction():
            return tx_id(value).hex()
        case _:
            return ""


def _shown(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case list():
            return [_shown(item) for item in value]
        case dict():
            return {str(key): _shown(item) for key, item in value.items()}
        case None | bool() | int() | str() | float():
            return value
        case _:
            return repr(value)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Unreadable(f"{text[:60]!r} is no file and no hex") from None


def _proof_file(text: bytes) -> bytes:
    try:
        content = json.loads(text)
        if content["format"] == FORMAT:
            return bytes.fromhex(content["proved"])
    except (ValueError, KeyError, TypeError):
        pass
    raise Unreadable("JSON, but no proof file")
