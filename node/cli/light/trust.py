"""The light client's own directory: what it trusts, and forks that it has found."""

import json
import time
from pathlib import Path
from typing import Any, Final

from node.blocks import EvidencePiece, Header, accusation, block_id
from node.cli.output import UsageWrong, read_bytes, write_file
from node.home import read_genesis
from node.light.detection import Fork
from node.light.errors import BadHeaderName
from node.light.root import GenesisRoot, NamedHeader, Root, named_header
from node.light.store import TrustedStore, decode_store, encode_store
from node.messages import EvidenceMessage, encode_message
from wire.codec import decode, encode
from wire.errors import CodedError, EnvironmentFault

STORE_FILE: Final = "trusted.dcn"
HEADER_BYTES_MAX: Final = 1 << 16


class TrustedStoreDamaged(EnvironmentFault):
    """The file of trusted headers cannot be read, so nothing in it is trusted."""

    code = "LIGHT_STORE_DAMAGED"
    remedy = "Remove it and begin again from a header of your own: --genesis or --trust."


class NothingTrusted(EnvironmentFault):
    """The directory holds no trusted header to begin with."""

    code = "LIGHT_NOTHING_TRUSTED"
    remedy = "Say what to trust: --genesis FILE, --trusted-header FILE or --trust HEIGHT:ID."


def load_store(home: Path) -> TrustedStore | None:
    """What was trusted at the end of the last run; raises `TrustedStoreDamaged`."""
    path = home / STORE_FILE
    if not path.exists():
        return None
    try:
        return decode_store(read_bytes(path))
    except CodedError as error:
        raise TrustedStoreDamaged(f"{path}: {error}") from None


def save_store(home: Path, store: TrustedStore) -> None:
    """Keep what is trusted."""
    home.mkdir(parents=True, exist_ok=True)
    write_file(home / STORE_FILE, encode_store(store))


def root_of(genesis: Path | None, header: Path | None, named: str | None) -> Root | None:
    """The root that the command line names, at most one. Raises `UsageWrong`, `HomeIncomplete`."""
    if sum(given is not None for given in (genesis, header, named)) > 1:
        raise UsageWrong("--genesis, --trusted-header and --trust name three different beginnings")
    if genesis is not None:
        return _genesis_root(genesis)
    if header is not None:
        try:
            found = decode(read_bytes(header), Header, HEADER_BYTES_MAX)
        except CodedError as error:
            raise UsageWrong(f"{header} is no header: {error}") from None
        return NamedHeader(found.height, block_id(found))
    return None if named is None else trusted_option(named)


def trusted_option(named: str) -> NamedHeader:
    """What `--trust` names; raises `UsageWrong`."""
    try:
        return named_header(named)
    except BadHeaderName as error:
        raise UsageWrong(f"--trust {error.detail}") from None


def _genesis_root(path: Path) -> GenesisRoot:
    from ledger.genesis import genesis_hash
    from node.core.chain import Tip

    genesis = read_genesis(path)
    validators = Tip.at_genesis(genesis).validators
    return GenesisRoot(genesis.chain_id, genesis_hash(genesis), genesis.time_ms, validators.members)


def evidence_hex(evidence: tuple[EvidencePiece, ...]) -> list[str]:
    """Evidence as a node's API takes it."""
    return [encode_message(EvidenceMessage(piece)).hex() for piece in evidence]


def write_fork(home: Path, fork: Fork) -> tuple[Path, dict[str, Any]]:
    """Keep a fork with both light blocks and the evidence: its file, and what it says."""
    told = {
        "attack": str(fork.attack),
        "common_height": fork.common.header.height,
        "node": _side(fork.node, fork.ours.header, fork.against_ours()),
        "witness": _side(fork.witness, fork.theirs.header, fork.against_theirs()),
    }
    blocks = {
        "common": encode(fork.common).hex(),
        "node": encode(fork.ours).hex(),
        "witness": encode(fork.theirs).hex(),
    }
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = home / f"fork-{fork.ours.header.height}-{stamp}.json"
    home.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps({**told, "light_blocks": blocks}, indent=2).encode() + b"\n")
    return path, told


def _side(name: str, header: Header, evidence: tuple[EvidencePiece, ...]) -> dict[str, Any]:
    """`evidence`: against those who signed this side, for a network that is on the other."""
    return {
        "name": name,
        "height": header.height,
        "id": block_id(header).hex(),
        "accused": sorted(accusation(piece).consensus_key.hex() for piece in evidence),
        "evidence_against": evidence_hex(evidence),
    }
