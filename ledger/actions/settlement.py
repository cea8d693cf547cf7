"""Batches of instructions that settle together."""

from ledger.objects import Leg
from wire.codec import Record
from wire.ids import Date, Lei, Party


class CreateBatch(Record, frozen=True, tag=13):
    """A party instructs legs that settle all together or not at all (DvP, PvP, any more)."""

    creator: Lei
    reference: str
    legs: tuple[Leg, ...]
    settle_date: Date | None
    deadline: int
    retries: int
    """Windows it gets after the first, each as long; 0: cancelled when it fails."""
    in_netting: bool
    """Settle the legs as linked debts of a netting round; needs a date, and no escrow."""


class Allocate(Record, frozen=True, tag=14):
    """A sender puts what its legs of a batch deliver into escrow."""

    sender: Party
    creator: Lei
    reference: str


class Approve(Record, frozen=True, tag=15):
    """A receiver agrees to its legs of a batch; in netting, every party does."""

    receiver: Party
    creator: Lei
    reference: str


class CancelBatch(Record, frozen=True, tag=16):
    """A party withdraws a batch that is not yet complete."""

    member: Lei
    creator: Lei
    reference: str
