"""Trades, limits and oracle marks."""

from ledger.objects import Trade
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, Lei


class RegisterTrade(Record, frozen=True, tag=4):
    """Both parties register one trade; it is identified by its UTI, whoever submits it."""

    trade: Trade


class TradeBatch(Record, frozen=True, tag=5):
    """Both parties register many trades of their pair with one signature each."""

    trades: tuple[Trade, ...]


class FeedMark(Record, frozen=True):
    """One feed's value in one SubmitOracle."""

    feed: FeedCode
    value: int


class SubmitOracle(Record, frozen=True, tag=6):
    """An oracle marks feeds for the open business date."""

    oracle: Lei
    date: Date
    marks: tuple[FeedMark, ...]


class SetLimit(Record, frozen=True, tag=7):
    """A member bounds the open notional it accepts with one counterparty."""

    member: Lei
    counterparty: Lei
    asset: AssetCode
    notional_max: int
