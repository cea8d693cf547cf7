"""Instruments, trades, netting sets and marks."""

from ledger.objects.enums import ContractState, Product, TradeSource
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Party, Uti


class Instrument(Record, frozen=True):
    """What a trade is in: product, feed that marks it, currency, scale, last date."""

    code: InstrumentCode
    product: Product
    feed: FeedCode
    currency: AssetCode
    price_scale: int
    """Units of price in one unit of currency, e.g. 1000 for three decimals."""
    maturity: Date
    service: str


class Trade(Record, frozen=True):
    """One bilateral trade: one record, signed by both, one UTI from birth."""

    uti: Uti
    buyer: Party
    seller: Party
    instrument: InstrumentCode
    quantity: int
    """Units of the instrument, positive."""
    price: int
    """In units of the instrument's price scale, positive."""
    trade_date: Date
    source: TradeSource
    reference: str
    """Free text of the parties."""


class Contract(Record, frozen=True):
    """A registered trade and where it stands."""

    trade: Trade
    state: ContractState
    height: int
    """Of the block that registered it."""


class Settled(Record, frozen=True):
    """What has moved as variation margin in one currency, seen from the set's first party."""

    asset: AssetCode
    settled: int
    notional: int
    """Sum of quantity * price of the live contracts, in minor units."""
    bound: int
    """Sum of quantity * the feed's value_max: no sum of values of the set can exceed it."""
    live: int
    """Number of live contracts."""


class NettingSet(Record, frozen=True):
    """Everything between two parties that is netted bilaterally; first < second."""

    first: Party
    second: Party
    positions: tuple[Settled, ...]
    """One a currency, sorted by asset."""


class Limit(Record, frozen=True):
    """The most notional (minor units) a member accepts to have open with a counterparty."""

    notional_max: int


class Feed(Record, frozen=True):
    """What oracles mark once a business date."""

    code: FeedCode
    scale: int
    value_max: int
    """No mark and no price is higher: bounds the value of every contract before it is opened."""


class OracleMark(Record, frozen=True):
    """An oracle's latest mark of a feed."""

    date: Date
    value: int


class Mark(Record, frozen=True):
    """The median of a quorum of oracles for a feed and date; final once the date is closed."""

    value: int
    oracles: int
