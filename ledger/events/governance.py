"""Proposals and votes."""

from ledger.objects import (
    Basis,
    ProposalState,
)
from wire.codec import Record
from wire.ids import Lei


class ProposalOpened(Record, frozen=True, tag=14):
    """Votes are taken until `due`, by the rulebook of this version."""

    number: int
    proposer: Lei
    due: int
    basis: Basis


class VoteCast(Record, frozen=True, tag=15):
    """A member has voted."""

    number: int
    voter: Lei
    in_favour: bool


class ProposalDecided(Record, frozen=True, tag=16):
    """Votes are counted; adopted, it takes effect at `due`."""

    number: int
    state: ProposalState
    in_favour: int
    against: int
    entitled: int
    due: int
    basis: Basis


class ProposalEnacted(Record, frozen=True, tag=17):
    """A proposal has taken effect, or (any code but OK) could not."""

    number: int
    code: str
    detail: str
    basis: Basis
