"""What instruments pay by their schedule: coupons, and the delivery on the last date."""

from ledger import checks, sets
from ledger import objects as o
from ledger import tables as t
from ledger.events import CouponPaid, Event
from ledger.obligations import owe
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import Date
from wire.money import Rounding, muldiv


def due(instrument: o.Instrument, after: Date | None, until: Date) -> tuple[o.Coupon, ...]:
    """The coupons after one closed date, up to and with the next."""
    return tuple(
        coupon
        for coupon in instrument.coupons
        if coupon.date <= until and (after is None or coupon.date > after)
    )


def fall_due(
    draft: Draft,
    trade: o.Trade,
    instrument: o.Instrument,
    coupons: tuple[o.Coupon, ...],
    date: Date,
    events: list[Event],
) -> None:
    """Turn a live contract's coupons of this date into debts; registered later, it has none."""
    for coupon in coupons:
        if trade.trade_date >= coupon.date:
            continue
        amount = _amount(draft, trade, instrument, coupon)
        to_buyer = amount if coupon.payer == o.Side.SELLER else -amount
        if to_buyer:
            payer, receiver = trade.seller, trade.buyer
            about = (trade.uti, instrument.coupons.index(coupon))
            owe(
                draft, about, to_buyer, payer, receiver,
                instrument.currency, date, o.Origin.COUPON,
            )  # fmt: skip
        events.append(CouponPaid(trade.uti, coupon.date, to_buyer))


def _amount(draft: Draft, trade: o.Trade, instrument: o.Instrument, coupon: o.Coupon) -> int:
    """Minor units; half to even, in one division."""
    exponent = checks.asset(draft, instrument.currency).exponent
    match coupon:
        case o.FixedCoupon(amount=amount):
            return sets.minor_units(trade.quantity, amount, instrument, exponent)
        case o.FloatingCoupon():
            feed = draft.must(t.FEEDS, t.FEEDS.key(coupon.fixing))
            fixing = _fixed(draft, coupon)
            notional = trade.quantity * trade.price * 10**exponent
            rate = (fixing + coupon.spread) * coupon.days
            basis = instrument.price_scale * feed.scale * coupon.day_basis
            return muldiv(notional, rate, basis, Rounding.HALF_EVEN)


def _fixed(draft: Draft, coupon: o.FloatingCoupon) -> int:
    """The last mark up to and with the fixing date; 0 if the feed is younger."""
    date = draft.must(t.NETWORK, t.network_key()).closed_date
    while date is not None:
        mark = draft.get(t.MARKS, t.MARKS.key(coupon.fixing, date))
        if mark is None:
            return 0
        if date <= coupon.fixing_date:
            return mark.value
        date = mark.previous
    return 0


def deliver(
    draft: Draft,
    trade: o.Trade,
    instrument: o.Instrument,
    mark: int,
    exponent: int,
    date: Date,
) -> None:
    """Delivery against payment at the last mark, linked: no leg settles without the other.

    What the price has moved since the trade has been settled as variation margin, so that both
    together come to the price agreed.
    """
    assert instrument.delivery is not None
    what = instrument.delivery
    instruction = sha256(encode(("dcn/delivery/1", trade.uti)))
    buyer, seller, asset = trade.buyer, trade.seller, what.asset
    price = sets.minor_units(trade.quantity, mark, instrument, exponent)
    if price:
        owe(
            draft, (trade.uti, "payment"), price, buyer, seller,
            instrument.currency, date, o.Origin.TRADE, instruction,
        )  # fmt: skip
    owe(
        draft, (trade.uti, "delivery"), trade.quantity * what.per_unit, seller, buyer,
        asset, date, o.Origin.TRADE, instruction,
    )  # fmt: skip
