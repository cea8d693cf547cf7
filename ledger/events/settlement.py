"""Settlement batches."""

from ledger.objects import (
    Basis,
    BatchState,
    Leg,
)
from wire.codec import Record
from wire.ids import Lei, Party


class BatchInstructed(Record, frozen=True, tag=18):
    """A settlement batch waits for its senders and receivers."""

    creator: Lei
    reference: str
    legs: tuple[Leg, ...]


class BatchProgressed(Record, frozen=True, tag=19):
    """A sender has allocated, or a receiver approved; irrevocable once all have."""

    creator: Lei
    reference: str
    party: Party
    state: BatchState


class BatchSettled(Record, frozen=True, tag=20):
    """Every leg has been delivered, in one transition."""

    creator: Lei
    reference: str


class BatchCancelled(Record, frozen=True, tag=21):
    """Nothing is delivered; what was in escrow is back."""

    creator: Lei
    reference: str
    by: Lei | None
    """None: it has failed, and has no window left."""
    basis: Basis


class BatchRetried(Record, frozen=True, tag=56):
    """A batch has failed and gets another window: until a deadline, or in the next round (0)."""

    creator: Lei
    reference: str
    deadline: int
    retries_left: int
    basis: Basis
