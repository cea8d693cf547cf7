"""The margin cycle: variation margin of every netting set, settled to market, on a closed date.

Seen from a set's first party, D = sum of contract values at the marks - settled. If |D| reaches
the minimum transfer amount, D rounded toward zero to the rounding unit moves, and `settled` grows
by exactly what moves. A contract on its last date is settled in full: its set's D moves to the
last minor unit, and the contract leaves value and `settled` alike.
"""

from collections import defaultdict

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger import trades
from ledger.events import ContractMatured, Event, MarginCycle
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import AssetCode, Date, Party
from wire.money import Rounding, muldiv

SetAsset = tuple[Party, Party, AssetCode]
"""(first party, second party, currency) of a netting set."""


class _Valuation:
    """Sums of one netting set and currency, seen from its first party, in minor units."""

    __slots__ = ("matured", "value")

    def __init__(self) -> None:
        self.value = 0
        self.matured: list[tuple[bytes, o.Contract, int, o.Settled]] = []
        """(key, contract, final value, footprint) of contracts on their last date."""


def cycle(draft: Draft, date: Date) -> list[Event]:
    """Run the cycle of `date`, whose marks are all written; creates VM obligations."""
    events: list[Event] = []
    gross: dict[AssetCode, int] = defaultdict(int)
    count: dict[AssetCode, int] = defaultdict(int)
    valuations = _value_contracts(draft, date)
    for slot in sorted(valuations):
        moved, matured = _settle_set(draft, slot, valuations[slot], date)
        events += matured
        if moved:
            gross[slot[2]] += abs(moved)
            count[slot[2]] += 1
    events += [MarginCycle(date, asset, gross[asset], count[asset]) for asset in sorted(gross)]
    return events


def contract_value(trade: o.Trade, instrument: o.Instrument, mark: int, exponent: int) -> int:
    """Value of a forward at `mark` in minor units, seen from the buyer, half to even."""
    return trades.minor_units(trade.quantity, mark - trade.price, instrument, exponent)


def _value_contracts(draft: Draft, date: Date) -> dict[SetAsset, _Valuation]:
    sets: dict[SetAsset, _Valuation] = defaultdict(_Valuation)
    instruments: dict[str, tuple[o.Instrument, int, int]] = {}
    for key in draft.indexed(t.CONTRACTS, o.ContractState.LIVE):
        contract = draft.must(t.CONTRACTS, key)
        trade = contract.trade
        if trade.instrument not in instruments:
            instruments[trade.instrument] = _marked(draft, trade.instrument, date)
        instrument, mark, exponent = instruments[trade.instrument]
        value = contract_value(trade, instrument, mark, exponent)
        first, second = sorted((trade.buyer, trade.seller))
        seen = value if trade.buyer == first else -value
        valuation = sets[first, second, instrument.currency]
        valuation.value += seen
        if instrument.maturity <= date:
            feed = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed))
            leaves = trades.footprint(trade, instrument, feed, exponent)
            valuation.matured.append((key, contract, seen, leaves))
    return sets


def _marked(draft: Draft, code: str, date: Date) -> tuple[o.Instrument, int, int]:
    instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code))
    mark = draft.must(t.MARKS, t.MARKS.key(instrument.feed, date))
    asset = draft.must(t.ASSETS, t.ASSETS.key(instrument.currency))
    return instrument, mark.value, asset.exponent


def _settle_set(
    draft: Draft, slot: SetAsset, valuation: _Valuation, date: Date
) -> tuple[int, list[Event]]:
    """Create the set's VM obligation; returns what moves to the first party, and events."""
    first, second, asset = slot
    key = t.netting_set_key(first, second)
    row = draft.must(t.NETTING_SETS, key)
    old = trades.position(row, asset)
    moved = _amount_to_move(draft, valuation.value - old.settled, in_full=bool(valuation.matured))
    if moved:
        debtor, creditor = (second, first) if moved > 0 else (first, second)
        obligation = o.Obligation(
            debtor, creditor, asset, abs(moved), date, o.Origin.VM, o.ObligationState.OPEN
        )
        ident = sha256(encode(("dcn/obligation/1", "VM", date, first, second, asset)))
        draft.put(t.OBLIGATIONS, t.OBLIGATIONS.key(ident), obligation)
    new = msgspec.structs.replace(old, settled=old.settled + moved)
    events: list[Event] = []
    for contract_key, contract, final, leaves in valuation.matured:
        new = o.Settled(
            asset,
            new.settled - final,
            new.notional - leaves.notional,
            new.bound - leaves.bound,
            new.live - 1,
        )
        closed = o.Contract(contract.trade, o.ContractState.MATURED, contract.height)
        draft.put(t.CONTRACTS, contract_key, closed)
        events.append(ContractMatured(contract.trade.uti, date))
    if new != old:
        draft.put(t.NETTING_SETS, key, trades.with_position(row, new))
    return moved, events


def _amount_to_move(draft: Draft, difference: int, *, in_full: bool) -> int:
    if in_full:
        return difference
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    if abs(difference) < rulebook.minimum_transfer_amount:
        return 0
    unit = rulebook.rounding_unit
    return muldiv(difference, 1, unit, Rounding.TOWARD_ZERO) * unit
