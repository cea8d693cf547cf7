"""Membership and keys."""

from ledger.objects import KeyRole, Role
from wire.codec import Record
from wire.ids import Lei


class MemberKey(Record, frozen=True):
    """A key that an applicant brings, and what it is for."""

    public_key: bytes
    role: KeyRole


class ApplyMembership(Record, frozen=True, tag=8):
    """A legal entity asks to become a member; every key it names signs, to show that it is held."""

    lei: Lei
    name: str
    group: Lei
    roles: tuple[Role, ...]
    """VALIDATOR is not asked for: whoever brings a consensus key may be given power."""
    keys: tuple[MemberKey, ...]
    seed_link: bytes
    """The end of its seed chain if it brings a consensus key, else empty."""


class RotateKey(Record, frozen=True, tag=9):
    """A member puts a new key in the place of an old one; the new key signs too."""

    member: Lei
    role: KeyRole
    old: bytes
    """Empty if the member has had no key of this role."""
    new: bytes
    seed_link: bytes
    """The end of a new seed chain for a consensus key, else empty."""


class StandDown(Record, frozen=True, tag=10):
    """A validator leaves the validator set, two heights later; it stays a member."""

    member: Lei
