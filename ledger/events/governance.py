"""Proposals and votes."""

from ledger.objects import (
    Basis,
    ProposalKind,
    ProposalState,
    Role,
)
from wire.codec import Record
from wire.ids import Date, Lei


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


class Listed(Record, frozen=True, tag=46):
    """An asset, feed or instrument is on the ledger."""

    kind: str
    """`asset`, `feed` or `instrument`: its table."""
    code: str


class CalendarExtended(Record, frozen=True, tag=47):
    """Business dates have been added; the last one of them."""

    dates: int
    last: Date


class RulebookAmended(Record, frozen=True, tag=48):
    """A version of the rulebook is in force."""

    version: int
    rulebook_hash: bytes


class RolesChanged(Record, frozen=True, tag=49):
    """A member's roles have changed."""

    lei: Lei
    roles: tuple[Role, ...]
    basis: Basis


class GroupChanged(Record, frozen=True, tag=50):
    """A member has another ultimate parent."""

    lei: Lei
    group: Lei
    basis: Basis


class BootstrapActed(Record, frozen=True, tag=51):
    """The bootstrap key has done alone what would else take a vote; what it did follows."""

    kind: ProposalKind
    lei: Lei
    basis: Basis


class BootstrapRetired(Record, frozen=True, tag=52):
    """The bootstrap key can act no more, by its own word or because its time is over."""

    basis: Basis
