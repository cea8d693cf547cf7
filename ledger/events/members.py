"""Members, their keys and power."""

from ledger.objects import (
    KeyRole,
    MemberState,
    OffenceKind,
)
from wire.codec import Record
from wire.ids import Lei


class MemberApplied(Record, frozen=True, tag=9):
    """A legal entity has applied for membership."""

    lei: Lei


class MemberChanged(Record, frozen=True, tag=10):
    """A member's state has changed."""

    lei: Lei
    state: MemberState


class KeyRotated(Record, frozen=True, tag=11):
    """A member's key of one role has been replaced."""

    lei: Lei
    role: KeyRole
    new: bytes


class PowerChanged(Record, frozen=True, tag=12):
    """A validator's voting power from a height on; 0: it does not vote."""

    lei: Lei
    power: int
    from_height: int


class ValidatorSuspended(Record, frozen=True, tag=13):
    """Evidence in this block has taken a validator's power: for its supervisors."""

    lei: Lei
    kind: OffenceKind
    offence_height: int
    consensus_key: bytes


class NetworkRecovered(Record, frozen=True, tag=22):
    """The members have put new validators in the place of a lost quorum: for the supervisors."""

    height: int
    """Of the last block of the validators before."""
    round: int
    validators: tuple[Lei, ...]
    power: int
    reason: str
