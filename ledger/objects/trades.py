"""Instruments, trades, netting sets and marks."""

from ledger.objects.enums import AssetClass, ContractState, Product, Side, TradeSource
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei, Party, Uti


class Delivery(Record, frozen=True):
    """What the seller delivers on the last date, against payment at the last mark."""

    asset: AssetCode
    per_unit: int
    """Minor units of `asset` for one unit of quantity."""


class FixedCoupon(Record, frozen=True, tag=1):
    """A payment known beforehand."""

    date: Date
    payer: Side
    amount: int
    """For one unit of quantity, in units of the instrument's price scale."""


class FloatingCoupon(Record, frozen=True, tag=2):
    """A payment on the trade's notional, by a fixing."""

    date: Date
    payer: Side
    fixing: FeedCode
    fixing_date: Date
    """A business date not after `date`."""
    spread: int
    """Added to the fixing, in units of its scale."""
    days: int
    day_basis: int


Coupon = FixedCoupon | FloatingCoupon


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
    asset_class: AssetClass
    issuer: Lei | None
    """Whose obligation or share it is on; its group posts the full value (wrong-way risk)."""
    delivery: Delivery | None
    """None: settled in cash."""
    coupons: tuple[Coupon, ...]
    """Ascending by date."""


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


class TradeFee(Record, frozen=True):
    """What a party was charged for a trade, minor units of its currency."""

    party: Party
    amount: int


class Contract(Record, frozen=True):
    """A registered trade and where it stands."""

    trade: Trade
    state: ContractState
    height: int
    """Of the block that registered it."""
    fees: tuple[TradeFee, ...]
    """Of buyer and seller, where there is one."""


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
    held_first: int
    """Collateralised: variation margin that the first party holds."""
    held_second: int


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
    value_min: int
    """No mark is lower: 1 for prices, negative for rates."""
    value_max: int
    """No mark and no price is higher: bounds the value of every contract before it is opened."""
    jump_bps: int
    """A median further from the last mark waits for a second quorum; 0: no limit."""


class HeldMark(Record, frozen=True):
    """A median that jumped: used once a second quorum, of marks after `height`, confirms."""

    date: Date
    value: int
    height: int


class OracleMark(Record, frozen=True):
    """An oracle's latest mark of a feed."""

    date: Date
    value: int
    height: int


class Mark(Record, frozen=True):
    """The median of a quorum of oracles for a feed and date; final once the date is closed."""

    value: int
    oracles: int
    """How many gave it; 0: there was no quorum, and the mark before is carried forward."""
    previous: Date | None
    """The date closed before."""


class Termination(Record, frozen=True, tag=1):
    """One party asks to end a contract, or a part of it, at a price."""

    by: Party
    quantity: int
    price: int
    """At which the part is valued, in the instrument's price scale."""


class Novation(Record, frozen=True, tag=2):
    """One party hands its side of a contract over to another."""

    leaving: Party
    entering: Party
    new_uti: Uti
    payment: int
    """To the entering party by the leaving one; negative: the other way. Minor units."""
    consents: tuple[Party, ...]


class Pending(Record, frozen=True):
    """What waits for the consent of others, until a height."""

    what: Termination | Novation
    until: int
