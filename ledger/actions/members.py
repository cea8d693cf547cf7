"""Membership and keys."""

from ledger.objects import KeyRole, Role
from wire.codec import Record
from wire.ids import Date, Lei


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
    contribution: int
    """What it commits itself to pay into the default fund, at least; minor units."""


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


class AttestKyc(Record, frozen=True, tag=34):
    """An attestor (or the authority) vouches that it knows a member, until a date.

    Of an attestor that has revoked, it takes that back; of the authority, everybody's revocation.
    """

    attestor: Lei
    member: Lei
    file_hash: bytes
    """SHA-256 of the file, which stays with the attestor."""
    expires: Date
    """The last business date it is good for."""


class RevokeKyc(Record, frozen=True, tag=35):
    """An attestor objects to a member; two of them, or the authority alone, block it."""

    attestor: Lei
    member: Lei
    file_hash: bytes
    """SHA-256 of the reasons, which stay with the attestor."""


class AttestCapital(Record, frozen=True, tag=36):
    """An attestor (or the authority) states what capital a member has."""

    attestor: Lei
    member: Lei
    amount: int
    file_hash: bytes
    as_of: Date


class Resign(Record, frozen=True, tag=37):
    """A member begins to leave: it trades and votes no more, keeps its duties, stays liable."""

    member: Lei


class WithdrawResignation(Record, frozen=True, tag=38):
    """A resigning member stays after all; power as a validator it gets back by a vote only."""

    member: Lei


class Exit(Record, frozen=True, tag=39):
    """A resigned member leaves for good, its cooling-off over and nothing of it open."""

    member: Lei


class VetoKey(Record, frozen=True, tag=67):
    """An owner of initial margin with a member, or an authority, says of a recovered key of it that
    it is not the member's: it never signs for initial margin."""

    vetoer: Lei
    key: bytes
