"""Proposals and votes."""

from ledger.objects import ProposalBody
from wire.codec import Record
from wire.ids import Lei


class Propose(Record, frozen=True, tag=11):
    """A member opens a proposal."""

    proposer: Lei
    body: ProposalBody
    reason: str


class CastVote(Record, frozen=True, tag=12):
    """A member votes on an open proposal, or changes its vote."""

    voter: Lei
    proposal: int
    in_favour: bool
