"""Batches of instructions that settle together: delivery versus payment, and any more legs."""

from ledger.objects.enums import BatchState
from wire.codec import Record
from wire.ids import AssetCode, Date, Lei, Party


class Leg(Record, frozen=True):
    """One instruction of a batch: a sender delivers an amount of an asset to a receiver; each is a
    member's house or a client account."""

    sender: Party
    to: Party
    asset: AssetCode
    amount: int


class Batch(Record, frozen=True):
    """Instructions that settle all together or not at all; the key is (creator, reference)."""

    creator: Lei
    reference: str
    legs: tuple[Leg, ...]
    settle_date: Date | None
    """None: as soon as it is complete; else when that business date is open."""
    deadline: int
    """Height of the last block in which it may become complete; then it is cancelled."""
    allocated: tuple[Party, ...]
    """Senders whose legs are in escrow, ascending."""
    approved: tuple[Party, ...]
    """Receivers that have agreed to receive (in netting: every party), ascending."""
    state: BatchState
    retries_left: int
    """How many more windows it gets when it fails; then it is cancelled."""
    window: int
    """Blocks from one deadline to the next."""
    in_netting: bool
    """Its legs settle in a netting round, linked: all of them or none, without escrow."""
