"""Initial margin: what each party of a netting set has to have in custody, by the CSA's model.

What stands in custody, and how it moves, is `ledger/im.py`.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ledger import checks, csa, immodels, sets
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft
from wire.ids import AssetCode, Date, FeedCode, Party
from wire.money import BPS, Rounding, muldiv


class Both(NamedTuple):
    """Amounts by poster, minor units of the CSA's IM currency."""

    first: int
    second: int


class _Exposure(NamedTuple):
    """A live contract as the models see it, in the IM currency, seen from the first party."""

    instrument: o.Instrument
    quantity: int
    """Positive if the first party bought."""
    notional: int
    value: int
    full: int
    """quantity * mark: what is lost if the underlying is worth nothing."""


def required(draft: Draft, terms: o.Csa) -> Both:
    """What each party must have posted, at the last closed marks."""
    row = draft.get(t.NETTING_SETS, t.NETTING_SETS.key(terms.first, terms.second))
    if row is None or not any(entry.live for entry in row.positions):
        return Both(0, 0)
    network = draft.must(t.NETWORK, t.network_key())
    today = network.business_date or network.closed_date
    assert today is not None, "a contract is live, so a date has been open"
    match terms.im.model:
        case o.ImModel.FIXED:
            base = Both(terms.im.fixed_first, terms.im.fixed_second)
        case o.ImModel.EXTERNAL:
            agreed = draft.get(t.AGREED_IM, t.AGREED_IM.key(terms.first, terms.second))
            base = Both(0, 0) if agreed is None else Both(agreed.first, agreed.second)
        case _:
            base = Both(0, 0)
    exposures = _exposures(draft, terms, row, network.closed_date)
    step = 0
    if draft.get(t.PROVISIONAL, t.PROVISIONAL.key(terms.first, terms.second)) is not None:
        step = draft.must(t.RULEBOOK, t.rulebook_key()).margin.provisional_im_bps
    amounts = [
        amount + _of_poster(draft, terms, exposures, today, poster)
        for amount, poster in ((base.first, terms.first), (base.second, terms.second))
    ]
    return Both(*(muldiv(amount, BPS + step, BPS, Rounding.CEIL) for amount in amounts))


def _of_poster(
    draft: Draft, terms: o.Csa, exposures: list[_Exposure], today: Date, poster: Party
) -> int:
    """What the model asks of one party; contracts on its own group's paper count in full."""
    own = [x for x in exposures if checks.is_of_group(draft, x.instrument.issuer, poster)]
    rest = [x for x in exposures if x not in own]
    netted = csa.is_netted(terms, today)
    collected_by_first = poster == terms.second
    total = sum(abs(x.full) for x in own)
    match terms.im.model:
        case o.ImModel.SCHEDULE:
            total += _schedule(rest, today, collected_by_first, netted)
        case o.ImModel.HISTORICAL:
            total += _historical(draft, terms, rest, today, collected_by_first, netted)
        case _:
            pass
    return total


def _schedule(
    exposures: list[_Exposure], today: Date, collected_by_first: bool, netted: bool
) -> int:
    weighted = sum(
        x.notional
        * immodels.schedule_percent(x.instrument.asset_class, today, x.instrument.maturity)
        for x in exposures
    )
    values = [x.value if collected_by_first else -x.value for x in exposures]
    return immodels.schedule_margin(weighted, values, netted=netted)


def _historical(
    draft: Draft,
    terms: o.Csa,
    exposures: list[_Exposure],
    today: Date,
    collected_by_first: bool,
    netted: bool,
) -> int:
    """The quantile of what the collecting party would gain, and so not be paid."""
    if not exposures:
        return 0
    if not netted:
        alone = [_historical(draft, terms, [x], today, collected_by_first, True) for x in exposures]
        return sum(alone)
    im = terms.im
    wanted = max(im.look_back, im.long_look_back) + im.horizon + 1
    gains = _scenarios(draft, terms, exposures, wanted, collected_by_first)
    found = [gain for _, gain in gains]
    model = immodels.quantile(found[: im.look_back], im.confidence_bps)
    before = immodels.quantile(found[1 : im.look_back + 1], im.confidence_bps)
    model = immodels.capped(model, before, im.rise_bps_max)
    match im.tool:
        case o.Procyclicality.BUFFER:
            model = immodels.buffered(model)
        case o.Procyclicality.STRESS_WEIGHT:
            assert im.stress_from is not None
            assert im.stress_to is not None
            every = _scenarios(draft, terms, exposures, csa.HISTORY_MAX, collected_by_first)
            hard = [gain for date, gain in every if im.stress_from <= date <= im.stress_to]
            stress = immodels.quantile(hard, im.confidence_bps)
            model = immodels.stressed(model, stress, im.stress_bps)
        case o.Procyclicality.LONG_FLOOR:
            floor = immodels.quantile(found[: im.long_look_back], im.confidence_bps)
            model = max(model, floor)
    if len(found) < im.look_back:
        # A ledger too young for the model: not below the schedule.
        return max(model, _schedule(exposures, today, collected_by_first, netted))
    return model


def _scenarios(
    draft: Draft,
    terms: o.Csa,
    exposures: list[_Exposure],
    count: int,
    collected_by_first: bool,
) -> list[tuple[Date, int]]:
    """(date, change of the set's value for the collecting party) under each past move, the latest
    first; as many as every feed has."""
    quantity: dict[str, int] = defaultdict(int)
    of: dict[str, o.Instrument] = {}
    for x in exposures:
        quantity[x.instrument.code] += x.quantity
        of[x.instrument.code] = x.instrument
    horizon = terms.im.horizon
    feeds = sorted({instrument.feed for instrument in of.values()})
    dates, histories = _histories(draft, feeds, count + horizon)
    found: list[tuple[Date, int]] = []
    for n in range(min(count, len(dates) - horizon)):
        gain = 0
        for code in sorted(of):
            instrument = of[code]
            history = histories[instrument.feed]
            lowest = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed)).value_min
            value, after, before = history[0], history[n], history[n + horizon]
            up, down = immodels.moved(value, before, after, lowest)
            exponent = checks.asset(draft, instrument.currency).exponent
            change = muldiv(
                quantity[code] * up,
                10**exponent,
                down * instrument.price_scale,
                Rounding.HALF_EVEN,
            )
            gain += _converted(draft, terms, change, instrument.currency)
        found.append((dates[n], gain if collected_by_first else -gain))
    return found


def _histories(
    draft: Draft, feeds: Sequence[str], count: int
) -> tuple[list[Date], dict[str, list[int]]]:
    """Closed dates on which every one of the feeds was marked, the latest first, and the marks.

    A mark carried forward is no move of the price, and the moves of one scenario are of one date.
    """
    date = draft.must(t.NETWORK, t.network_key()).closed_date
    dates: list[Date] = []
    values: dict[str, list[int]] = {feed: [] for feed in feeds}
    while date is not None and len(dates) < count:
        marks = [draft.get(t.MARKS, t.MARKS.key(feed, date)) for feed in feeds]
        known = [mark for mark in marks if mark is not None]
        if len(known) < len(feeds):
            break
        if all(mark.oracles for mark in known):
            dates.append(date)
            for feed, mark in zip(feeds, known, strict=True):
                values[feed].append(mark.value)
        date = known[0].previous
    return dates, values


def _exposures(
    draft: Draft, terms: o.Csa, row: o.NettingSet, closed: Date | None
) -> list[_Exposure]:
    found = []
    for _, contract in sets.contracts(draft, row):
        trade = contract.trade
        instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
        exponent = checks.asset(draft, instrument.currency).exponent
        mark = None
        if closed is not None:
            mark = draft.get(t.MARKS, t.MARKS.key(instrument.feed, closed))
        price = trade.price if mark is None else mark.value
        notional, value, full = (
            _converted(draft, terms, amount, instrument.currency)
            for amount in (
                sets.minor_units(trade.quantity, trade.price, instrument, exponent),
                sets.contract_value(trade, instrument, price, exponent),
                sets.minor_units(trade.quantity, price, instrument, exponent),
            )
        )
        bought = trade.buyer == row.first
        found.append(
            _Exposure(
                instrument,
                trade.quantity if bought else -trade.quantity,
                notional,
                value if bought else -value,
                full,
            )
        )
    return found


# -------------------------------------------------------------------- prices
def carried(draft: Draft, terms: o.Csa) -> FeedCode | None:
    """A feed that the set's margin rests on and whose last mark nobody gave; None: each was given.

    The feeds are those of live contracts and of what the CSA lists as eligible.
    """
    closed = draft.must(t.NETWORK, t.network_key()).closed_date
    row = draft.get(t.NETTING_SETS, t.NETTING_SETS.key(terms.first, terms.second))
    if closed is None or row is None:
        return None
    codes = {contract.trade.instrument: None for _, contract in sets.contracts(draft, row)}
    feeds = [draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code)).feed for code in codes]
    for feed in (*feeds, *(entry.feed for entry in terms.eligible if entry.feed is not None)):
        mark = draft.get(t.MARKS, t.MARKS.key(feed, closed))
        if mark is not None and not mark.oracles:
            return feed
    return None


def price_of(draft: Draft, terms: o.Csa, asset: AssetCode, feed: str | None) -> tuple[int, int]:
    """Minor units of the IM currency for one minor unit of the asset, as a fraction; an asset
    without a mark is worth nothing."""
    if feed is None:
        return 1, 1
    closed = draft.must(t.NETWORK, t.network_key()).closed_date
    mark = None if closed is None else draft.get(t.MARKS, t.MARKS.key(feed, closed))
    scale = draft.must(t.FEEDS, t.FEEDS.key(feed)).scale
    to, of = (checks.asset(draft, code).exponent for code in (terms.im.currency, asset))
    return (0 if mark is None else max(0, mark.value)) * 10**to, scale * 10**of


def _converted(draft: Draft, terms: o.Csa, amount: int, asset: AssetCode) -> int:
    """An amount in a contract's currency, in the IM currency, half to even."""
    if asset == terms.im.currency:
        return amount
    for entry in terms.eligible:
        if entry.asset == asset:
            up, down = price_of(draft, terms, asset, entry.feed)
            return muldiv(amount, up, down, Rounding.HALF_EVEN)
    raise r.BadCsa(f"{asset} has no price in {terms.im.currency}: list it as eligible, with a feed")
