"""What can be held, marked and traded, and on which dates: listed at genesis or by vote, by one set
of checks. Nothing that is listed is ever changed or listed again."""

import msgspec

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.events import CalendarExtended, Event, Listed
from ledger.state import Draft
from ledger.tables import R, Table
from wire import ids
from wire.errors import BadIdentifier
from wire.ids import Date
from wire.limits import AMOUNT_MAX, CALENDAR_DATES_MAX, EXPONENT_MAX, PRICE_MAX


def add_asset(draft: Draft, asset: o.AssetTerms) -> list[Event]:
    """A token or security of an issuer; nothing of it exists before it is minted."""
    issuer = draft.get(t.MEMBERS, t.MEMBERS.key(asset.issuer))
    fit = issuer is not None and issuer.state == o.MemberState.ACTIVE
    _require(
        fit and issuer is not None and o.Role.ISSUER in issuer.roles,
        f"issuer of {asset.code[:40]} is none",
    )
    _require(0 <= asset.exponent <= EXPONENT_MAX, f"exponent of {asset.code[:40]}")
    row = o.Asset(asset.code, asset.kind, asset.issuer, asset.exponent, 0, 0)
    return _listed(draft, t.ASSETS, asset.code, row)


def add_feed(draft: Draft, feed: o.Feed) -> list[Event]:
    """Something that oracles mark once a business date."""
    name, most = feed.code[:40], feed.value_max
    _require(0 < most <= PRICE_MAX, f"value_max of {name}")
    _require(-most <= feed.value_min <= most, f"value_min of {name}")
    _require(0 <= feed.jump_bps <= AMOUNT_MAX, f"jump limit of {name}")
    _require(0 < feed.scale <= AMOUNT_MAX, f"scale of {name} is not positive")
    return _listed(draft, t.FEEDS, feed.code, feed)


def add_instrument(draft: Draft, instrument: o.Instrument) -> list[Event]:
    """Something to trade, in the currency and by the feed that it names."""
    name = instrument.code[:40]
    feed = draft.get(t.FEEDS, t.FEEDS.key(instrument.feed))
    if feed is None:
        raise r.BadListing(f"{name} has no feed")
    _require(instrument.price_scale == feed.scale, f"prices and marks of {name} have two scales")
    currency = draft.get(t.ASSETS, t.ASSETS.key(instrument.currency))
    _require(currency is not None, f"{name} has no currency")
    _require_date(instrument.maturity)
    _check_delivery(draft, instrument)
    _check_coupons(draft, instrument)
    return _listed(draft, t.INSTRUMENTS, instrument.code, instrument)


def _check_delivery(draft: Draft, instrument: o.Instrument) -> None:
    code, delivery = instrument.code[:40], instrument.delivery
    if delivery is not None:
        known = draft.get(t.ASSETS, t.ASSETS.key(delivery.asset)) is not None
        _require(known, f"{code} delivers what is no asset")
        _require(delivery.asset != instrument.currency, f"{code} delivers its own currency")
        _require(0 < delivery.per_unit <= AMOUNT_MAX, f"{code} delivers nothing")


def _check_coupons(draft: Draft, instrument: o.Instrument) -> None:
    code = instrument.code[:40]
    dates = [coupon.date for coupon in instrument.coupons]
    _require(dates == sorted(dates), f"the coupons of {code} are not ascending")
    for coupon in instrument.coupons:
        _require_date(coupon.date)
        if isinstance(coupon, o.FixedCoupon):
            _require(0 < coupon.amount <= PRICE_MAX, f"a coupon of {code}")
            continue
        _require_date(coupon.fixing_date)
        known = draft.get(t.FEEDS, t.FEEDS.key(coupon.fixing)) is not None
        _require(known, f"a coupon of {code} has no fixing feed")
        _require(coupon.fixing_date <= coupon.date, f"a coupon of {code} is fixed too late")
        _require(abs(coupon.spread) <= PRICE_MAX, f"the spread of a coupon of {code}")
        _require(0 < coupon.days <= 3_660, f"the days of a coupon of {code}")
        _require(coupon.day_basis in (360, 365), f"the day basis of a coupon of {code}")


def extend_calendar(draft: Draft, dates: tuple[Date, ...]) -> list[Event]:
    """Business dates after all that have been; an exhausted calendar opens the first of them."""
    network = draft.must(t.NETWORK, t.network_key())
    for date in dates:
        _require_date(date)
    last = network.calendar[-1] if network.calendar else network.closed_date or 0
    _require(
        len(dates) > 0 and list(dates) == sorted({*dates}) and dates[0] > last,
        f"the calendar is not ascending, or not after {last}",
    )
    calendar = (*network.calendar, *dates)
    _require(len(calendar) <= CALENDAR_DATES_MAX, f"{len(calendar)} dates")
    changed = msgspec.structs.replace(network, calendar=calendar, business_date=calendar[0])
    if network.business_date is None:
        changed = msgspec.structs.replace(changed, opened=network.height + 1)
    draft.put(t.NETWORK, t.network_key(), changed)
    return [CalendarExtended(len(dates), dates[-1])]


def _listed(draft: Draft, table: Table[R], code: str, row: R) -> list[Event]:
    try:
        ids.code(code)
    except BadIdentifier as bad:
        raise r.BadListing(bad.detail) from None
    key = table.key(code)
    _require(draft.get(table, key) is None, f"{table.name} stands twice: {code}")
    draft.put(table, key, row)
    return [Listed(table.name, code)]


def _require_date(number: int) -> None:
    try:
        ids.date(number)
    except BadIdentifier as bad:
        raise r.BadListing(bad.detail) from None


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise r.BadListing(what)
