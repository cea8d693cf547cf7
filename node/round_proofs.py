"""A party's own part of a netting round, as a file that anybody can check under one header.

The results of the round settled by block h are leaves of the tree whose root stands in the header
of block h + 1. A file holds that header, the commit that decided it, and the party's leaves with
their paths. Every leaf bears a salt, so the paths give away nothing of anybody else. Each result
in the file is proved; that there are no others is not.
"""

from typing import Any, Final

from consensus.messages import Certificate
from ledger.receipts import RoundResult
from node.blocks import DecidedBlock, Header, block_id
from node.plain import plain
from wire.codec import Digest, Record, decode, encode
from wire.errors import BadProof
from wire.ids import member_of
from wire.merkle import inclusion_proofs, verify_inclusion

FORMAT: Final = "dcn-round-proof/1"

BYTES_MAX: Final = 16 << 20
"""Of the content of a proof file."""


class ProvedResult(Record, frozen=True):
    """One leaf and its way to the root."""

    index: int
    result: RoundResult
    path: tuple[Digest, ...]


class ProvedPart(Record, frozen=True):
    """The content of a proof file."""

    header: Header
    commit: Certificate
    round: int
    party: str
    """A member, with its client accounts, or one account."""
    size: int
    """Leaves of the tree."""
    results: tuple[ProvedResult, ...]


def prove_part(
    successor: DecidedBlock, leaves: list[bytes], number: int, party: str
) -> ProvedPart | None:
    """The part of `party` in round `number`, or None if it had none.

    `leaves`: all results of the block that settled it, encoded; `successor`: the block after it.
    """
    results = [decode(leaf, RoundResult, BYTES_MAX) for leaf in leaves]
    mine = [
        place
        for place, result in enumerate(results)
        if result.number == number and _concerns(result, party)
    ]
    if not mine:
        return None
    paths = inclusion_proofs(leaves, mine)
    return ProvedPart(
        successor.block.header,
        successor.commit,
        number,
        party,
        len(leaves),
        tuple(ProvedResult(i, results[i], path) for i, path in zip(mine, paths, strict=True)),
    )


def proof_file(form: str, header: Header, claim: dict[str, Any], proved: bytes) -> dict[str, Any]:
    """The one form of all proof files."""
    return {
        "format": form,
        "chain_id": header.chain_id,
        "state_after_height": header.height - 1,
        "header_height": header.height,
        "header_id": block_id(header).hex(),
        "claim": claim,
        "proved": proved.hex(),
    }


def to_file(proved: ProvedPart) -> dict[str, Any]:
    """The proof as JSON: bytes for machines, the claim for people."""
    return proof_file(FORMAT, proved.header, claim_of(proved), encode(proved))


def claim_of(proved: ProvedPart) -> dict[str, Any]:
    """What a proof says, decoded from its own bytes."""
    rows = [plain(one.result) for one in proved.results]
    return {"table": "result", "key": [proved.round, proved.party], "row": rows}


def check_part(proved: ProvedPart) -> None:
    """Raise `BadProof` unless all results are leaves under the header, and of this party."""
    for one in proved.results:
        if one.result.number != proved.round or not _concerns(one.result, proved.party):
            raise BadProof(f"result {one.index} is not of {proved.party} in round {proved.round}")
        leaf = encode(one.result)
        verify_inclusion(leaf, one.index, proved.size, one.path, proved.header.results_root)


def _concerns(result: RoundResult, party: str) -> bool:
    parties = (result.debtor, result.creditor)
    return any(party in (one, member_of(one)) for one in parties)
