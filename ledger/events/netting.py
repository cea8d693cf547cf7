"""Netting rounds."""

from ledger.objects import (
    RoundFigures,
)
from wire.codec import Record
from wire.ids import Party


class RoundFrozen(Record, frozen=True, tag=4):
    """A netting round took its input."""

    number: int
    obligations: int


class RoundCleared(Record, frozen=True, tag=5):
    """Cycles are cancelled; pay-ins are published."""

    number: int
    figures: tuple[RoundFigures, ...]


class RoundSettled(Record, frozen=True, tag=6):
    """Net cash moved."""

    number: int
    figures: tuple[RoundFigures, ...]
    failed: tuple[Party, ...]
    liquidity_events: tuple[Party, ...]
