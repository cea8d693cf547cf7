"""The state rows and the tip's record of an audit, against the replay or against each other."""

from typing import Any

from ledger.invariants import InvariantBroken, check_full
from ledger.state import State
from ledger.tables import table_of
from node.audit.chain import Chain
from node.audit.findings import Findings
from node.audit.source import Source, blob
from node.core.chain import Tip
from node.storage.errors import StoreOfAnotherChain
from node.storage.records import StoredTip, Undo, stored_tip, undone
from node.storage.store import TIP_BYTES_MAX, UNDO_BYTES_MAX
from wire.codec import Digest, decode, digest_of, encode, sha256
from wire.errors import CodedError


def check_tip(source: Source, chain: Chain, genesis_hash: Digest, findings: Findings) -> None:
    """The tip's record says what the blocks say; nothing else stands beside it."""
    for (key,) in source.rows("SELECT key FROM meta WHERE key NOT IN ('tip', 'undo', 'oldest')"):
        findings.add(None, f"meta holds a surplus record {str(key)[:40]!r}")
    raw = source.scalar("SELECT value FROM meta WHERE key='tip'")
    if raw is None:
        if chain.height:
            findings.add(chain.height, "the tip record is missing")
        return
    try:
        stored = decode(blob(raw), StoredTip, TIP_BYTES_MAX)
    except CodedError as error:
        findings.add(chain.height, f"the tip record cannot be read: {error}")
        return
    if stored.height != chain.height:
        findings.add(stored.height, f"the tip record is of here, the last block is {chain.height}")
    elif chain.lost:
        if chain.last_id is not None and stored.block_id != chain.last_id:
            findings.add(chain.height, "the tip record names another block")
    else:
        wanted = stored_tip(chain.tip, genesis_hash)
        for name in wanted.__struct_fields__:
            found, expected = getattr(stored, name), getattr(wanted, name)
            if found != expected:
                findings.add(
                    chain.height,
                    f"the tip record: {name} is {_text(found)}, replay gives {_text(expected)}",
                )


def check_validators(source: Source, findings: Findings) -> None:
    """Each validator set stands under its own hash, and the tip's are there."""
    known = set()
    for ident, members in source.rows("SELECT hash, members FROM validators"):
        known.add(blob(ident))
        if sha256(blob(members)) != ident:
            findings.add(None, f"validator set {_text(blob(ident))} is not what its hash says")
    raw = source.scalar("SELECT value FROM meta WHERE key='tip'")
    try:
        stored = decode(blob(raw), StoredTip, TIP_BYTES_MAX)
    except CodedError:
        return  # said by `check_tip`
    for members in (stored.last_validators, stored.validators, stored.next_validators):
        if digest_of(members) not in known:
            findings.add(stored.height, f"validator set {_text(digest_of(members))} is missing")


def check_undo(source: Source, chain: Chain, findings: Findings) -> None:
    """The record that takes the last block back leads to the state that its header names."""
    if chain.lost or chain.height == chain.since:
        return
    raw = source.scalar("SELECT value FROM meta WHERE key='undo'")
    try:
        undo = decode(blob(raw), Undo, UNDO_BYTES_MAX)
        fits = undone(chain.tip.state, undo).root == chain.before_root
        if undo.height != chain.height or not fits:
            findings.add(chain.height, "the undo record does not lead to the state before")
    except CodedError as error:
        findings.add(chain.height, f"the undo record cannot be read: {error}")


def check_chain(source: Source, genesis_hash: Digest) -> None:
    """Raise `StoreOfAnotherChain` if the store has been filled from another genesis."""
    raw = source.scalar("SELECT value FROM meta WHERE key='tip'")
    try:
        stored = decode(blob(raw), StoredTip, TIP_BYTES_MAX)
    except CodedError:
        return
    if stored.genesis_hash == genesis_hash:
        return
    first = blob(source.scalar("SELECT decided FROM blocks WHERE height=1"))
    if first.find(genesis_hash) < 0:
        raise StoreOfAnotherChain(f"genesis {stored.genesis_hash.hex()[:16]}")


def check_state(source: Source, chain: Chain, findings: Findings) -> None:
    """Every state row is what replay gives; without a replay, the rows fit the recorded root."""
    if chain.lost:
        _check_root(source, chain, findings)
        return
    if not chain.height and source.scalar("SELECT count(*) FROM meta") == 0:
        return  # made, and never started
    expected = dict(chain.tip.state.rows())
    found = 0
    for key, row in source.rows("SELECT key, row FROM state"):
        wanted = expected.get(blob(key))
        if wanted is None:
            written = _written(chain, blob(key))
            findings.add(chain.height, f"surplus state row {name_of(blob(key))}{written}")
            continue
        found += 1
        if encode(wanted) != row:
            written = _written(chain, key)
            findings.add(
                chain.height, f"state row {name_of(key)} is not what replay gives{written}"
            )
    if found < len(expected):
        _name_missing(source, chain, expected, findings)
    check_invariants(chain.tip, findings)


def _name_missing(
    source: Source, chain: Chain, expected: dict[bytes, Any], findings: Findings
) -> None:
    there = {blob(key) for (key,) in source.rows("SELECT key FROM state")}
    for key in sorted(expected):
        if key not in there:
            findings.add(chain.height, f"state row {name_of(key)} is missing{_written(chain, key)}")


def check_invariants(tip: Tip, findings: Findings) -> None:
    """The conservation laws over every row."""
    try:
        check_full(tip.state)
    except InvariantBroken as broken:
        findings.add(tip.height, str(broken))


def _check_root(source: Source, chain: Chain, findings: Findings) -> None:
    """Rows that can be read, under the root that the tip's record names."""
    rows: list[tuple[bytes, bytes]] = []
    readable = True
    for key, row in source.rows("SELECT key, row FROM state"):
        try:
            State.load(iter([(blob(key), blob(row))]))
            rows.append((key, row))
        except CodedError as error:
            readable = False
            findings.add(chain.height, f"state row {name_of(blob(key))}: {error}")
    if not readable:
        return
    root = State.load(iter(rows)).root
    raw = source.scalar("SELECT value FROM meta WHERE key='tip'")
    try:
        stored = decode(blob(raw), StoredTip, TIP_BYTES_MAX)
    except CodedError:
        return  # said by `check_tip`
    if stored.state_root != root:
        findings.add(
            stored.height,
            f"the state rows have root {_text(root)}, recorded is {_text(stored.state_root)}",
        )


def name_of(key: bytes) -> str:
    """A state key for people: its table and parts."""
    try:
        table = table_of(key)
        return f"{table.name} {' '.join(_text(part) for part in table.parts(key))}".strip()
    except CodedError:
        return f"{key.hex()[:32]} (no such table)"


def _written(chain: Chain, key: bytes) -> str:
    height = chain.written.get(key)
    return " (as of genesis)" if height is None else f" (last changed at height {height})"


def _text(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)[:60]
