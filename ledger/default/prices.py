"""What a contract of a defaulter is closed out at: firm quotes, else the oracles.

A price is the median of at least three firm quotes from outside both groups (of one group the
first counts); else the median of the oracles' marks given after the window opened, or of the last
date closed since. With no business date to come, the last close has to do.
"""

from typing import Final, NamedTuple

from ledger import checks, oracles, sets
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import SubmitQuote
from ledger.default import cases
from ledger.events import Event, QuoteTaken
from ledger.state import Draft
from wire.ids import AssetCode, Date, FeedCode, Lei, Party
from wire.money import BPS, Rounding, muldiv

QUOTES_MIN: Final = 3


class Price(NamedTuple):
    """A close-out price, in the scale of the instrument, and where it comes from."""

    value: int
    source: o.PriceSource
    date: Date | None


class Prices:
    """The prices of one case as they stand."""

    def __init__(self, draft: Draft, number: int, row: o.DefaultCase) -> None:
        self._draft = draft
        self._row = row
        network = draft.must(t.NETWORK, t.network_key())
        self._open = network.business_date
        self._closed = row.mark_date
        if self._open is None and self._closed is None:
            self._closed = network.closed_date
        self._fresh: dict[str, tuple[int, int]] = {}
        if self._open is not None:
            self._fresh = oracles.medians(draft, self._open, row.window)
        self._quotes: dict[str, list[tuple[Lei, int]]] = {}
        for key in draft.indexed(t.FIRM_QUOTES, number):
            _, code, member = t.FIRM_QUOTES.parts(key)
            price = draft.must(t.FIRM_QUOTES, key).price
            self._quotes.setdefault(code, []).append((member, price))

    def of(self, instrument: o.Instrument, creditor: Party) -> Price | None:
        """The price of an instrument in the set with `creditor`; None: there is none yet."""
        groups = [checks.group_of(self._draft, one) for one in (self._row.defaulter, creditor)]
        firm: dict[Lei, int] = {}
        for member, price in self._quotes.get(instrument.code, []):
            group = checks.group_of(self._draft, member)
            if group not in groups:
                firm.setdefault(group, price)
        if len(firm) >= QUOTES_MIN:
            return Price(oracles.median(list(firm.values())), o.PriceSource.QUOTES, None)
        return self.oracle(instrument.feed)

    def oracle(self, feed: FeedCode) -> Price | None:
        """The oracle median taken in the window."""
        if feed in self._fresh:
            return Price(self._fresh[feed][0], o.PriceSource.ORACLES, self._open)
        if self._closed is None:
            return None
        mark = draft_mark(self._draft, feed, self._closed, carried=self._open is None)
        return None if mark is None else Price(mark, o.PriceSource.ORACLES, self._closed)

    def converted(self, asset: AssetCode, amount: int) -> int | None:
        """An amount in the rulebook's currency, half to even; None: no feed prices it."""
        currency = self._draft.must(t.RULEBOOK, t.rulebook_key()).currency
        if asset == currency or not amount:
            return amount
        for entry in cases.rules_of(self._draft, self._row).conversions:
            price = self.oracle(entry.feed) if entry.asset == asset else None
            if price is not None:
                return convert(self._draft, currency, entry, amount, price.value)
        return None


def convert(draft: Draft, currency: AssetCode, entry: o.Conversion, amount: int, price: int) -> int:
    """An amount of an asset in the currency at a price for one whole unit, half to even."""
    to, of = (checks.asset(draft, code).exponent for code in (currency, entry.asset))
    scale = draft.must(t.FEEDS, t.FEEDS.key(entry.feed)).scale
    return muldiv(amount * price, 10**to, scale * 10**of, Rounding.HALF_EVEN)


def draft_mark(draft: Draft, feed: FeedCode, date: Date, *, carried: bool = True) -> int | None:
    """The mark of a feed on a closed date; `carried`: one without a quorum will do."""
    row = draft.get(t.MARKS, t.MARKS.key(feed, date))
    return None if row is None or not (carried or row.oracles) else row.value


def bid_offer(
    draft: Draft, rules: o.DefaultRules, trade: o.Trade, instrument: o.Instrument, price: int
) -> int:
    """What replacing the contract costs by the product's table, minor units, half to even."""
    bps = next((x.bps for x in rules.bid_offer if x.product == instrument.product), 0)
    exponent = checks.asset(draft, instrument.currency).exponent
    value = abs(sets.minor_units(trade.quantity, price, instrument, exponent))
    return muldiv(value, bps, BPS, Rounding.HALF_EVEN)


def quote(draft: Draft, action: SubmitQuote) -> list[Event]:
    """Take a firm quote; a later one of the same member replaces it. Raises a `Rejection`."""
    row = cases.must_be_in(draft, action.case, o.CaseState.CLOSE_OUT)
    member = checks.trading_member(draft, action.member)
    if member.group == checks.group_of(draft, row.defaulter):
        raise r.NotIndependent(f"{action.member} is of the defaulter's group")
    instrument = draft.get(t.INSTRUMENTS, t.INSTRUMENTS.key(action.instrument))
    if instrument is None:
        raise r.UnknownInstrument(f"instrument {action.instrument[:40]}")
    feed = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed))
    if not feed.value_min <= action.price <= feed.value_max:
        raise r.BadQuote(f"{action.price}, must be {feed.value_min} to {feed.value_max}")
    key = t.FIRM_QUOTES.key(action.case, action.instrument, action.member)
    draft.put(t.FIRM_QUOTES, key, o.FirmQuote(action.case, action.price))
    return [QuoteTaken(action.case, action.member, action.instrument, action.price)]
