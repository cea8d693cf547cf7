"""Trades, dates, margin."""

from wire.codec import Record
from wire.ids import AssetCode, Date, Party, Uti


class TradeRegistered(Record, frozen=True, tag=1):
    """A contract became live."""

    uti: Uti
    buyer: Party
    seller: Party


class DateClosed(Record, frozen=True, tag=2):
    """A quorum of oracles has marked every feed: the business date is closed."""

    date: Date


class MarginCycle(Record, frozen=True, tag=3):
    """The margin cycle of a date: gross variation margin and the number of netting sets."""

    date: Date
    asset: AssetCode
    gross: int
    obligations: int


class ContractMatured(Record, frozen=True, tag=8):
    """A contract's last mark is settled; it is closed."""

    uti: Uti
    date: Date
