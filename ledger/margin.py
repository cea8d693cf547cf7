"""The margin cycle: variation margin of every netting set, at the close of a date or intraday.

Seen from a set's first party, D = sum of contract values at the marks - settled. Settled to market:
if |D| reaches the minimum transfer amount, D rounded toward zero to the rounding unit moves, and
`settled` grows by exactly what moves. Collateralised: each secured party in turn is brought to
max(0, exposure - threshold). A contract on its last date is settled in full: its set's D moves to
the last minor unit, and the contract leaves value and `settled` alike. Coupons fall due in the same
transition as the marks that go without them, so exposure never jumps.
"""

from collections import defaultdict
from collections.abc import Callable

import msgspec

from ledger import calls, checks, csa, im, marks, schedule, sets
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases
from ledger.events import ContractMatured, Event, MarginCycle
from ledger.obligations import owe
from ledger.state import Draft
from wire.ids import AssetCode, Date, Party, member_of, ordinal
from wire.money import BPS, Rounding, muldiv

Slot = tuple[Party, Party, AssetCode]
"""(first party, second party, currency) of a netting set."""

Prices = Callable[[str], int | None]
"""The mark of a feed; None: it has none yet."""


class _Terms(msgspec.Struct, frozen=True):
    """What valuing a contract needs of its instrument."""

    instrument: o.Instrument
    mark: int
    exponent: int
    matures: bool
    coupons: tuple[o.Coupon, ...]
    """Due on the date of the cycle."""
    jump_bps: int | None
    """Of the mark, where it was carried forward: the feed's jump limit."""

    def jump(self, trade: o.Trade) -> int | None:
        """The same of a contract's value, minor units."""
        if self.jump_bps is None:
            return None
        full = sets.minor_units(trade.quantity, abs(self.mark), self.instrument, self.exponent)
        return muldiv(full, self.jump_bps, BPS, Rounding.FLOOR)


class _Valuation:
    """Sums of one netting set and currency, seen from its first party, in minor units."""

    __slots__ = ("matured", "value")

    def __init__(self) -> None:
        self.value = 0
        self.matured: list[tuple[o.Contract, int, _Terms]] = []
        """(contract, final value seen from the buyer, terms) of contracts on their last date."""


class _Cycle(msgspec.Struct):
    """One cycle under way."""

    draft: Draft
    date: Date
    height: int
    kind: o.CallKind
    prices: Prices
    previous: Date | None
    """The date closed before `date`."""
    events: list[Event]
    noticed: frozenset[str] = frozenset()
    """Members with an open default case."""
    agreed: marks.Agreed | None = None
    """Values by the parties themselves; at the close only."""


def is_closed(draft: Draft, date: Date) -> bool:
    """Whether this date has just been closed."""
    return draft.must(t.NETWORK, t.network_key()).closed_date == date


def is_intraday(draft: Draft, height: int) -> bool:
    """Whether the rulebook has a cycle at this height, between two closes."""
    every = draft.must(t.RULEBOOK, t.rulebook_key()).margin.cycle_blocks
    return every > 0 and height % every == 0


def cycle(draft: Draft, date: Date, height: int) -> list[Event]:
    """The cycle of a date: at its close, or between two."""
    return _close(draft, date, height) if is_closed(draft, date) else _intraday(draft, height)


def _close(draft: Draft, date: Date, height: int) -> list[Event]:
    """The cycle of a date that has just been closed: its marks are all written."""

    def price(feed: str) -> int | None:
        return _marked(draft, feed, date).value

    some = next(iter(draft.indexed(t.FEEDS, 0)))
    before = _marked(draft, t.FEEDS.parts(some)[0], date).previous
    run = _Cycle(draft, date, height, o.CallKind.VM, price, before, [])
    marks.supersede(draft, run.events)
    run.agreed = marks.Agreed(draft, date)
    _all_sets(run)
    marks.forget(draft)
    run.agreed.keep_provisional(draft, run.events)
    _initial_margin(run)
    return run.events


def _intraday(draft: Draft, height: int) -> list[Event]:
    """A cycle between two closes, at the medians of the open date where a quorum has marked, else
    at the last close. Nothing matures in it and no coupon falls due."""
    network = draft.must(t.NETWORK, t.network_key())
    if network.business_date is None:
        return []
    prices = marks.latest(draft)
    run = _Cycle(
        draft, network.business_date, height, o.CallKind.INTRADAY, prices, network.closed_date, []
    )
    _all_sets(run)
    return run.events


def _all_sets(run: _Cycle) -> None:
    run.noticed = frozenset(row.defaulter for _, row in cases.in_states(run.draft, cases.OPEN))
    gross: dict[AssetCode, int] = defaultdict(int)
    count: dict[AssetCode, int] = defaultdict(int)
    valuations = _value_contracts(run)
    rulebook = run.draft.must(t.RULEBOOK, t.rulebook_key())
    for slot in sorted(valuations):
        moved = _settle_set(run, rulebook, slot, valuations[slot])
        if moved:
            gross[slot[2]] += moved
            count[slot[2]] += 1
    run.events += [
        MarginCycle(run.date, asset, gross[asset], count[asset]) for asset in sorted(gross)
    ]


def _value_contracts(run: _Cycle) -> dict[Slot, _Valuation]:
    """Every set that has live contracts, or still something to settle.

    Intraday, a set with a contract that cannot be valued yet is left out as a whole.
    """
    draft = run.draft
    found: dict[Slot, _Valuation] = defaultdict(_Valuation)
    known: dict[str, _Terms | None] = {}
    unmarked: dict[tuple[Party, Party], None] = {}
    for key in draft.indexed(t.NETTING_SETS, t.WOUND_UP):
        row = draft.must(t.NETTING_SETS, key)
        for entry in row.positions:
            if not entry.live:
                found[row.first, row.second, entry.asset] = _Valuation()
    for key in draft.indexed(t.CONTRACTS, o.ContractState.LIVE):
        contract = draft.must(t.CONTRACTS, key)
        trade = contract.trade
        if trade.instrument not in known:
            known[trade.instrument] = _terms(run, trade.instrument)
        terms = known[trade.instrument]
        first, second = sorted((trade.buyer, trade.seller))
        if terms is None:
            unmarked[first, second] = None
            continue
        currency = terms.instrument.currency
        value = sets.contract_value(trade, terms.instrument, terms.mark, terms.exponent)
        if run.agreed is not None:
            value = run.agreed.value(trade, currency, value, terms.jump(trade))
        valuation = found[first, second, currency]
        if terms.coupons:
            schedule.fall_due(draft, trade, terms.instrument, terms.coupons, run.date, run.events)
        if terms.matures:
            valuation.matured.append((contract, value, terms))
        valuation.value += value if trade.buyer == first else -value
    return {slot: one for slot, one in found.items() if slot[:2] not in unmarked}


def _terms(run: _Cycle, code: str) -> _Terms | None:
    draft = run.draft
    instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code))
    mark = run.prices(instrument.feed)
    if mark is None:
        return None
    exponent = checks.asset(draft, instrument.currency).exponent
    closing = run.kind == o.CallKind.VM
    due = schedule.due(instrument, run.previous, run.date) if closing else ()
    matures = closing and instrument.maturity <= run.date
    jump_bps = None
    if closing and not _marked(draft, instrument.feed, run.date).oracles:
        jump_bps = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed)).jump_bps
    return _Terms(instrument, mark, exponent, matures, due, jump_bps)


def _marked(draft: Draft, feed: str, date: Date) -> o.Mark:
    return draft.must(t.MARKS, t.MARKS.key(feed, date))


def _settle_set(run: _Cycle, rulebook: o.Rulebook, slot: Slot, valuation: _Valuation) -> int:
    """One set and currency: variation margin, interest, final settlement; what moves, absolute."""
    first, second, asset = slot
    draft = run.draft
    row = draft.must(t.NETTING_SETS, t.NETTING_SETS.key(first, second))
    signed = csa.signed(draft, first, second)
    terms = _after_trigger(run, slot, csa.currency_terms(signed, rulebook, asset))
    old = sets.position(row, asset)
    if run.kind == o.CallKind.VM:
        _interest(run, slot, old, terms)
    if signed is not None and signed.mode == o.CsaMode.COLLATERALISED:
        moved, new = _secure(run, slot, old, terms, valuation)
    else:
        in_full = bool(valuation.matured) or not old.live
        difference = _undisputed(run, slot, valuation.value, old.settled)
        moved = difference if in_full else _rounded(difference, terms)
        new = msgspec.structs.replace(old, settled=old.settled + moved)
    if new != old:
        sets.put_position(draft, row, new)
    if moved:
        _call(run, slot, moved, valuation.value, old.settled + old.held_first - old.held_second)
    for contract, final, of in valuation.matured:
        _mature(run, contract, final, of)
    return abs(moved)


def _after_trigger(run: _Cycle, slot: Slot, terms: o.CurrencyTerms) -> o.CurrencyTerms:
    """From its notice on a member has no threshold and no minimum: all it owes is called."""
    first, second = (member_of(party) in run.noticed for party in slot[:2])
    if not first and not second:
        return terms
    return msgspec.structs.replace(
        terms,
        minimum_transfer_amount=0,
        threshold_first=0 if second else terms.threshold_first,
        threshold_second=0 if first else terms.threshold_second,
    )


def _undisputed(run: _Cycle, slot: Slot, value: int, settled: int) -> int:
    if run.agreed is None:
        return value - settled
    return marks.undisputed(
        run.draft, run.agreed, slot, value, settled, run.date, run.height, run.events
    )


def _rounded(difference: int, terms: o.CurrencyTerms) -> int:
    if abs(difference) < terms.minimum_transfer_amount:
        return 0
    unit = terms.rounding_unit
    return muldiv(difference, 1, unit, Rounding.TOWARD_ZERO) * unit


def _secure(
    run: _Cycle, slot: Slot, old: o.Settled, terms: o.CurrencyTerms, valuation: _Valuation
) -> tuple[int, o.Settled]:
    """Collateralised: what moves to the first party, and the new balances.

    Final values (of contracts closed early, in `settled`; of those that mature now) are paid apart.
    """
    first, second, asset = slot
    final = sum(sets.seen_from_first(c.trade, value) for c, value, _ in valuation.matured)
    if old.settled:
        about = ("closed", run.date, run.height, first, second, asset)
        owe(run.draft, about, -old.settled, second, first, asset, run.date, o.Origin.TRADE)
    if final:
        about = ("matured", run.date, run.height, first, second, asset)
        owe(run.draft, about, final, second, first, asset, run.date, o.Origin.TRADE)
    exposure = valuation.value - final
    in_full = old.live == len(valuation.matured)
    to_first = _delivery(exposure - terms.threshold_first, old.held_first, terms, in_full)
    to_second = _delivery(-exposure - terms.threshold_second, old.held_second, terms, in_full)
    new = msgspec.structs.replace(
        old,
        settled=0,
        held_first=old.held_first + to_first,
        held_second=old.held_second + to_second,
    )
    return to_first - to_second, new


def _delivery(secured: int, held: int, terms: o.CurrencyTerms, in_full: bool) -> int:
    """What goes to a secured party (negative: comes back): deliveries are rounded up, returns
    down, and neither happens below the minimum transfer amount."""
    missing = max(0, secured) - held
    if in_full:
        return missing
    if abs(missing) < terms.minimum_transfer_amount:
        return 0
    # Rounding a return toward zero and a delivery away from it are one rule: up.
    return muldiv(missing, 1, terms.rounding_unit, Rounding.CEIL) * terms.rounding_unit


def _call(run: _Cycle, slot: Slot, moved: int, value: int, before: int) -> None:
    """The debt, and the call that says why."""
    first, second, asset = slot
    about: tuple[str | int, ...] = (run.date, first, second, asset)
    if run.kind == o.CallKind.INTRADAY:
        about = (*about, run.height)
    ident = owe(run.draft, about, moved, second, first, asset, run.date, o.Origin.VM)
    calls.issue_vm(run.draft, ident, run.kind, run.height, value, before, run.prices, run.events)


def _interest(run: _Cycle, slot: Slot, old: o.Settled, terms: o.CurrencyTerms) -> None:
    """Price alignment on what has settled, or interest on the balance held: whoever has had the
    money pays; balance * rate * days / basis in one division, half to even."""
    if run.previous is None or not (terms.interest_bps or terms.interest_feed):
        return
    scale, mark = 1, 0
    if terms.interest_feed is not None:
        scale = run.draft.must(t.FEEDS, t.FEEDS.key(terms.interest_feed)).scale
        mark = run.prices(terms.interest_feed) or 0
    rate = mark * 10_000 + terms.interest_bps * scale
    days = ordinal(run.date) - ordinal(run.previous)
    had = old.settled + old.held_first - old.held_second
    amount = muldiv(had * rate, days, scale * 10_000 * terms.day_basis, Rounding.HALF_EVEN)
    if amount:
        first, second, asset = slot
        about = (run.date, first, second, asset)
        owe(run.draft, about, amount, first, second, asset, run.date, o.Origin.INTEREST)


def _mature(run: _Cycle, contract: o.Contract, final: int, terms: _Terms) -> None:
    """The contract's last value has been settled; what is to be delivered is delivered against
    payment at the last mark, both or neither."""
    trade, instrument = contract.trade, terms.instrument
    collateralised = _is_collateralised(run.draft, trade)
    sets.leave(run.draft, contract, o.ContractState.MATURED, 0 if collateralised else final)
    if instrument.delivery is not None:
        schedule.deliver(run.draft, trade, instrument, terms.mark, terms.exponent, run.date)
    run.events.append(ContractMatured(trade.uti, run.date))


def _initial_margin(run: _Cycle) -> None:
    """After variation margin: give back what ended sets had, call what live sets miss."""
    draft = run.draft
    signed = [key for source in o.MarkSource for key in draft.indexed(t.CSAS, source)]
    for terms in (draft.must(t.CSAS, key) for key in signed):
        row = draft.get(t.NETTING_SETS, t.NETTING_SETS.key(terms.first, terms.second))
        if row is not None and not cases.is_closing_out(draft, terms.first, terms.second):
            run.events += im.release_if_ended(draft, row)
            calls.issue_im(draft, terms, run.date, run.height, run.events)


def _is_collateralised(draft: Draft, trade: o.Trade) -> bool:
    signed = csa.signed(draft, trade.buyer, trade.seller)
    return signed is not None and signed.mode == o.CsaMode.COLLATERALISED
