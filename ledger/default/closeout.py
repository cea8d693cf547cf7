"""Close-out: every netting set of a defaulter gets one amount, in both directions.

Seen from the party that is not in default: the contracts' close-out values with their bid-offer,
less what has settled, plus what is unpaid to it, less what it has not paid, plus collateral it has
posted as variation margin, less what it holds. Positive, it is a claim; negative, the party owes it
to the estate: nobody walks away from a debt.
"""

from collections import defaultdict
from typing import NamedTuple

import msgspec

from ledger import checks, sets
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases, estate
from ledger.default.prices import Prices, bid_offer, draft_mark
from ledger.events import ClosedOut, Event, InstrumentPriced
from ledger.obligations import discharge
from ledger.rulebook import settle_height
from ledger.state import Draft
from wire.ids import AssetCode, Date, Party
from wire.money import BPS

Pair = tuple[Party, Party]
"""(the defaulter's side, the other side)."""

replace = msgspec.structs.replace


class Book(NamedTuple):
    """What a case closes out, by pair."""

    contracts: dict[Pair, list[o.Contract]]
    debts: dict[Pair, list[tuple[bytes, o.Obligation]]]


class _Sums:
    """One netting set, by asset, seen from the creditor."""

    def __init__(self) -> None:
        self.values: dict[AssetCode, int] = defaultdict(int)
        self.unpaid_to: dict[AssetCode, int] = defaultdict(int)
        self.unpaid_by: dict[AssetCode, int] = defaultdict(int)
        self.not_covered: dict[AssetCode, int] = defaultdict(int)
        """Gains on contracts that the fund does not cover."""


def book_of(draft: Draft, row: o.DefaultCase) -> Book:
    """The frozen contracts and the debts of a defaulter."""
    book = Book(defaultdict(list), defaultdict(list))
    for key in draft.indexed(t.CONTRACTS, o.ContractState.IN_TERMINATION):
        contract = draft.must(t.CONTRACTS, key)
        for pair in _seen(contract.trade.buyer, contract.trade.seller, row):
            book.contracts[pair].append(contract)
    for state in o.ObligationState:
        for key in draft.indexed(t.OBLIGATIONS, state):
            debt = draft.must(t.OBLIGATIONS, key)
            for pair in _seen(debt.debtor, debt.creditor, row):
                book.debts[pair].append((t.OBLIGATIONS.parts(key)[0], debt))
    return book


def _seen(one: Party, other: Party, row: o.DefaultCase) -> list[Pair]:
    both = ((one, other), (other, one))
    return [pair for pair in both if pair[0].startswith(row.defaulter)]


def is_ready(draft: Draft, book: Book, prices: Prices) -> bool:
    """Whether every contract has a price, and no round holds a debt of the defaulter."""
    for (_, creditor), contracts in book.contracts.items():
        for contract in contracts:
            code = contract.trade.instrument
            instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code))
            if prices.of(instrument, creditor) is None:
                return False
    debts = [debt for found in book.debts.values() for _, debt in found]
    return all(debt.state != o.ObligationState.FROZEN for debt in debts)


def fix(
    draft: Draft, number: int, row: o.DefaultCase, book: Book, prices: Prices, height: int
) -> list[Event]:
    """Close every netting set of the case out, at these prices."""
    events: list[Event] = []
    for key, one in cases.close_outs(draft, number):
        if one.state == o.CloseOutState.FROZEN:
            told = _told(draft, one, book, prices)
            amount = valued(draft, row, one, book, prices, with_bid_offer=True)
            _wind_up(draft, one, book)
            events += [*told, *_fixed(draft, key, row, amount, height)]
    return events


def _told(draft: Draft, one: o.CloseOut, book: Book, prices: Prices) -> list[Event]:
    """The price of each instrument of the set."""
    events: list[Event] = []
    codes = {contract.trade.instrument for contract in book.contracts.get(_pair(one), [])}
    for code in sorted(codes):
        instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code))
        price = prices.of(instrument, one.creditor)
        assert price is not None, "is_ready has said so"
        events.append(InstrumentPriced(one.case, one.creditor, instrument.code, *price))
    return events


def _pair(one: o.CloseOut) -> Pair:
    return one.debtor, one.creditor


def valued(
    draft: Draft,
    row: o.DefaultCase,
    one: o.CloseOut,
    book: Book,
    prices: Prices,
    *,
    with_bid_offer: bool,
) -> o.CloseOut:
    """The close-out of a set with its amount; nothing is changed by it."""
    sums = _summed(draft, row, one, book, prices, with_bid_offer)
    return _totalled(draft, one, sums, prices)


def _summed(
    draft: Draft,
    row: o.DefaultCase,
    one: o.CloseOut,
    book: Book,
    prices: Prices,
    with_bid_offer: bool,
) -> _Sums:
    sums = _Sums()
    pair = (one.debtor, one.creditor)
    rules = cases.rules_of(draft, row)
    between_estates = cases.in_default(draft, one.creditor)
    for contract in book.contracts.get(pair, []):
        trade = contract.trade
        instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
        price = prices.of(instrument, one.creditor)
        assert price is not None, "is_ready has said so"
        exponent = checks.asset(draft, instrument.currency).exponent
        value = sets.contract_value(trade, instrument, price.value, exponent)
        value = value if trade.buyer == one.creditor else -value
        if with_bid_offer and not between_estates:
            value += bid_offer(draft, rules, trade, instrument, price.value)
        sums.values[instrument.currency] += value
        if value > 0 and not _is_covered(draft, row, contract, instrument):
            sums.not_covered[instrument.currency] += value
    netting_set = draft.get(t.NETTING_SETS, t.netting_set_key(*pair))
    for entry in () if netting_set is None else netting_set.positions:
        moved = entry.settled + entry.held_first - entry.held_second
        first = one.creditor < one.debtor
        sums.values[entry.asset] -= moved if first else -moved
    for _, debt in book.debts.get(pair, []):
        unpaid = sums.unpaid_to if debt.debtor == one.debtor else sums.unpaid_by
        unpaid[debt.asset] += debt.amount
    return sums


def _is_covered(
    draft: Draft, row: o.DefaultCase, contract: o.Contract, instrument: o.Instrument
) -> bool:
    """Whether the fund covers a contract: not one registered shortly before the notice at a price
    outside the band around the last mark that the oracles had closed by then."""
    rules = cases.rules_of(draft, row)
    if contract.height < row.opened - rules.look_back_blocks:
        return True
    dates = [(t.DATE_CLOSES.parts(key)[0], key) for key in draft.indexed(t.DATE_CLOSES, 0)]
    before = [d for d, key in dates if draft.must(t.DATE_CLOSES, key).height < contract.height]
    date: Date | None = max(before, default=None)
    mark = None if date is None else draft_mark(draft, instrument.feed, date)
    if mark is None:
        return True
    return abs(contract.trade.price - mark) * BPS <= rules.price_band_bps * abs(mark)


def _totalled(draft: Draft, one: o.CloseOut, sums: _Sums, prices: Prices) -> o.CloseOut:
    """One amount in the currency of the rulebook; what nothing prices is named in kind."""
    total: dict[str, int] = defaultdict(int)
    unconverted: list[o.AssetSum] = []
    parts = {
        "values": sums.values,
        "unpaid_to": sums.unpaid_to,
        "unpaid_by": sums.unpaid_by,
        "not_covered": sums.not_covered,
    }
    for asset in sorted({asset for part in parts.values() for asset in part}):
        converted = {name: prices.converted(asset, part[asset]) for name, part in parts.items()}
        if None in converted.values():
            rest = sums.values[asset] + sums.unpaid_to[asset] - sums.unpaid_by[asset]
            unconverted.append(o.AssetSum(asset, rest))
            continue
        for name, amount in converted.items():
            total[name] += amount or 0
    amount = total["values"] + total["unpaid_to"] - total["unpaid_by"]
    creditor, defaulter = one.creditor, one.debtor
    outsider = not cases.in_default(draft, creditor) and (
        checks.group_of(draft, creditor) != checks.group_of(draft, defaulter)
    )
    return replace(
        one,
        amount=amount,
        eligible=max(0, amount - total["not_covered"]) if outsider else 0,
        values=total["values"],
        unpaid_to=total["unpaid_to"],
        unpaid_by=total["unpaid_by"],
        unconverted=tuple(unconverted),
    )


def _wind_up(draft: Draft, one: o.CloseOut, book: Book) -> None:
    """Contracts, debts and figures of the set are gone: the one amount is in their place."""
    pair = (one.debtor, one.creditor)
    for contract in book.contracts.get(pair, []):
        key = t.CONTRACTS.key(contract.trade.uti)
        draft.put(t.CONTRACTS, key, replace(contract, state=o.ContractState.TERMINATED))
    for ident, _ in book.debts.get(pair, []):
        discharge(draft, ident)
    key = t.netting_set_key(*pair)
    row = draft.get(t.NETTING_SETS, key)
    if row is not None:
        draft.put(t.NETTING_SETS, key, replace(row, positions=()))


def _fixed(
    draft: Draft, key: bytes, row: o.DefaultCase, one: o.CloseOut, height: int
) -> list[Event]:
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    network = draft.must(t.NETWORK, t.network_key())
    events: list[Event] = [
        ClosedOut(
            one.case, one.debtor, one.creditor, one.amount, one.values, one.unpaid_to,
            one.unpaid_by, one.eligible, cases.basis(row, o.Clause.CLOSE_OUT),
        )
    ]  # fmt: skip
    if one.amount > 0:
        state = o.CloseOutState.CLAIM
    elif one.amount < 0 and not _mirrored(draft, one):
        state = o.CloseOutState.DUE
        date = network.business_date or network.closed_date
        assert date is not None, "something was marked, so a date has been open"
        estate.owe_estate(draft, one, rulebook.currency, date)
    else:
        state = o.CloseOutState.DONE
    due = settle_height(rulebook, height) if state == o.CloseOutState.DUE else 0
    draft.put(t.CLOSE_OUTS, key, replace(one, state=state, due=due))
    if state != o.CloseOutState.DUE and not cases.in_default(draft, one.creditor):
        estate.give_back(draft, one.creditor, one.debtor)
    return events


def _mirrored(draft: Draft, one: o.CloseOut) -> bool:
    """Of two defaulters' set, one amount: what it is to the other case, if that is still open."""
    if not cases.in_default(draft, one.creditor):
        return False
    for number, row in cases.in_states(draft, cases.IN_DEFAULT):
        key = t.CLOSE_OUTS.key(number, one.creditor, one.debtor)
        other = draft.get(t.CLOSE_OUTS, key)
        if other is not None and other.state == o.CloseOutState.FROZEN:
            mirrored = replace(
                one, case=number, debtor=one.creditor, creditor=one.debtor, amount=-one.amount,
                values=-one.values, unpaid_to=one.unpaid_by, unpaid_by=one.unpaid_to, eligible=0,
                state=o.CloseOutState.CLAIM,
            )  # fmt: skip
            assert row.defaulter in one.creditor
            draft.put(t.CLOSE_OUTS, key, mirrored)
            return True
    return False
