"""Netting rounds."""

from ledger.objects import (
    Basis,
    RoundFigures,
)
from wire.codec import Record
from wire.ids import Date, Party


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


class StaysOut(Record, frozen=True, tag=81):
    """A party is in no round of the date, or (`out` is false) is after all."""

    party: Party
    date: Date
    out: bool
    basis: Basis
