"""Mandates, and looks under them."""

from ledger.objects import Basis, Look
from wire.codec import Digest, Record
from wire.ids import Lei


class MandateGranted(Record, frozen=True, tag=85):
    """An authority is entitled to see what the mandate names."""

    authority: Lei
    reference: str
    basis: Basis


class MandateRevoked(Record, frozen=True, tag=86):
    """A mandate has ended; what was looked at under it is disclosed all the same."""

    authority: Lei
    reference: str
    basis: Basis


class LooksCommitted(Record, frozen=True, tag=87):
    """Looks at members' data are on record, by their hashes."""

    authority: Lei
    mandate: str
    routine: bool
    digests: tuple[Digest, ...]
    due: int
    """Last block to disclose them in."""


class LookDisclosed(Record, frozen=True, tag=88):
    """A member learns what an authority has looked at."""

    look: Look


class LookOverdue(Record, frozen=True, tag=89):
    """An authority has not disclosed a look in time."""

    authority: Lei
    digest: Digest
    committed: int
