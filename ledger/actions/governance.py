"""Proposals and votes."""

from ledger.objects import AdmitMember, ProposalBody, SetPower
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


class Bootstrap(Record, frozen=True, tag=44):
    """The bootstrap key does alone what would else take a vote: a network's first steps."""

    key: bytes
    body: AdmitMember | SetPower


class RetireBootstrap(Record, frozen=True, tag=45):
    """The bootstrap key gives up its powers, for good."""

    key: bytes
