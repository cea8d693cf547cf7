"""Members, their keys and power."""

from ledger.objects import (
    Basis,
    KeyRole,
    MemberState,
    OffenceKind,
    Standing,
)
from wire.codec import Record
from wire.ids import AssetCode, Date, Lei


class MemberApplied(Record, frozen=True, tag=9):
    """A legal entity has applied for membership."""

    lei: Lei


class MemberChanged(Record, frozen=True, tag=10):
    """A member's state has changed."""

    lei: Lei
    state: MemberState
    basis: Basis


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
    basis: Basis


class ValidatorSuspended(Record, frozen=True, tag=13):
    """Evidence in this block has taken a validator's power: for its supervisors."""

    lei: Lei
    kind: OffenceKind
    offence_height: int
    consensus_key: bytes
    basis: Basis


class NetworkRecovered(Record, frozen=True, tag=22):
    """The members have put new validators in the place of a lost quorum: for the supervisors."""

    height: int
    """Of the last block of the validators before."""
    round: int
    validators: tuple[Lei, ...]
    power: int
    reason: str
    basis: Basis


class KycAttested(Record, frozen=True, tag=40):
    """Somebody vouches for a member."""

    lei: Lei
    attestor: Lei
    expires: Date


class KycRevoked(Record, frozen=True, tag=41):
    """An attestor or the authority objects to a member."""

    lei: Lei
    attestor: Lei


class StandingChanged(Record, frozen=True, tag=42):
    """Where a member stands on the white list has changed; neither way is a default."""

    lei: Lei
    standing: Standing
    basis: Basis


class BalanceReleased(Record, frozen=True, tag=43):
    """What a member was paid while it was blocked is its own again."""

    lei: Lei
    asset: AssetCode
    amount: int


class CapitalAttested(Record, frozen=True, tag=44):
    """Somebody has stated a member's capital."""

    lei: Lei
    attestor: Lei
    amount: int


class MemberResigned(Record, frozen=True, tag=45):
    """A member leaves; the first height at which it may exit."""

    lei: Lei
    leaves_from: int
    basis: Basis


class KeyVetoed(Record, frozen=True, tag=84):
    """A recovered key never signs for initial margin."""

    member: Lei
    key: bytes
    by: Lei
    basis: Basis
