"""Obligations and the rounds that net them."""

from ledger.objects.enums import ObligationState, Origin, RoundState
from wire.codec import Record
from wire.ids import AssetCode, Date, Party


class Obligation(Record, frozen=True):
    """Debtor owes creditor an amount; the key is its id."""

    debtor: Party
    creditor: Party
    asset: AssetCode
    amount: int
    due: Date
    origin: Origin
    state: ObligationState
    instruction: bytes
    """Legs of one instruction settle together or not at all; empty for a debt of its own."""


class RoundFigures(Record, frozen=True):
    """A round's figures in one asset, minor units."""

    asset: AssetCode
    gross: int
    """Of the frozen obligations."""
    set_off: int
    """Cancelled within pairs, both sides counted."""
    cleared: int
    """Cancelled in cycles."""
    objective: int
    """1 optimal, 2 maximal (greedy); 0 until cleared."""
    remaining: int
    """gross - set_off - cleared."""
    discharged: int
    """Of `remaining`, what settlement discharged."""
    cash_moved: int
    """Net cash that moved for it."""


class NettingRound(Record, frozen=True):
    """A multilateral netting round of one service, all its assets linked, and its figures."""

    number: int
    service: str
    date: Date
    state: RoundState
    root: bytes
    """RFC 6962 root of the frozen obligations: the round's id."""
    obligations: tuple[bytes, ...]
    """Ids of the frozen obligations, oldest first; empty once settled."""
    freeze_height: int
    links: tuple[bytes, ...]
    """Seed links revealed by the freezing block and the next."""
    settle_height: int
    figures: tuple[RoundFigures, ...]
    """One an asset, sorted."""
    failed: tuple[Party, ...]
    liquidity_events: tuple[Party, ...]


class PayIn(Record, frozen=True):
    """What a member has to hold free of an asset at a round's settlement."""

    amount: int


class Flow(Record, frozen=True):
    """What a round cancelled of one frozen obligation without cash."""

    cancelled: int


class StayingOut(Record, frozen=True):
    """A party that is in no round of a date; the key is (party, date)."""

    date: Date
    dues: tuple[int, ...]
    """Heights by which it pays its debts of the date singly: one for each round that is frozen
    without it and has not settled yet, ascending."""
