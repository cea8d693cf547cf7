"""Netting sets: what two parties net bilaterally, and how contracts come into one and leave it."""

from collections.abc import Iterator
from typing import Final

import msgspec

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft, State
from wire import ids
from wire.ids import AssetCode, Party
from wire.limits import SET_BOUND_MAX
from wire.money import Rounding, muldiv

NOTHING: Final = (0, 0, 0, 0, 0, 0)
"""Figures of a currency in which a set has nothing."""


def minor_units(quantity: int, price: int, instrument: o.Instrument, exponent: int) -> int:
    """quantity * price in minor units of the instrument's currency, half to even, rounded once."""
    return muldiv(quantity * price, 10**exponent, instrument.price_scale, Rounding.HALF_EVEN)


def contract_value(trade: o.Trade, instrument: o.Instrument, mark: int, exponent: int) -> int:
    """Value of a contract at `mark` in minor units, seen from the buyer, half to even."""
    return minor_units(trade.quantity, mark - trade.price, instrument, exponent)


def seen_from_first(trade: o.Trade, value: int) -> int:
    """A value seen from the buyer, as the set's first party sees it."""
    return value if trade.buyer < trade.seller else -value


def footprint(draft: Draft, trade: o.Trade) -> o.Settled:
    """What one contract adds to its set's figures while it is live."""
    instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    feed = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed))
    exponent = checks.asset(draft, instrument.currency).exponent
    notional = minor_units(trade.quantity, trade.price, instrument, exponent)
    bound = minor_units(trade.quantity, feed.value_max, instrument, exponent)
    return o.Settled(instrument.currency, 0, notional, bound, 1, 0, 0)


def join(draft: Draft, trade: o.Trade, settled: int = 0) -> None:
    """Count a contract into its netting set, within both members' limits; raises a `Rejection`.

    `settled`: what of its value has settled elsewhere already (novation), seen from the set's
    first party.
    """
    added = footprint(draft, trade)
    asset = added.asset
    first, second = sorted((trade.buyer, trade.seller))
    key = t.NETTING_SETS.key(first, second)
    row = draft.get(t.NETTING_SETS, key) or o.NettingSet(Party(first), Party(second), ())
    old = position(row, asset)
    total, bound = old.notional + added.notional, old.bound + added.bound
    if bound > SET_BOUND_MAX:
        raise r.BadAmount(f"value of the set could reach {bound}, at most {SET_BOUND_MAX}")
    members = (ids.member_of(trade.buyer), ids.member_of(trade.seller))
    for member, other in (members, members[::-1]):
        limit = draft.get(t.LIMITS, t.LIMITS.key(member, other, asset))
        if limit is not None and total > limit.notional_max:
            raise r.LimitReached(
                f"open notional with {other} would be {total}, limit of {member} is "
                f"{limit.notional_max}"
            )
    new = msgspec.structs.replace(
        old, settled=old.settled + settled, notional=total, bound=bound, live=old.live + 1
    )
    put_position(draft, row, new)


def leave(draft: Draft, contract: o.Contract, state: o.ContractState, final: int) -> None:
    """Close a contract at a final value, minor units seen from the buyer.

    The set's value and `settled` lose the same amount, so what of the final value has not moved
    yet is in the difference of the set's next cycle; nothing is paid twice, nothing is forgotten.
    """
    trade = contract.trade
    row = draft.must(t.NETTING_SETS, t.netting_set_key(trade.buyer, trade.seller))
    gone = footprint(draft, trade)
    old = position(row, gone.asset)
    new = msgspec.structs.replace(
        old,
        settled=old.settled - seen_from_first(trade, final),
        notional=old.notional - gone.notional,
        bound=old.bound - gone.bound,
        live=old.live - 1,
    )
    put_position(draft, row, new)
    closed = msgspec.structs.replace(contract, state=state)
    draft.put(t.CONTRACTS, t.CONTRACTS.key(trade.uti), closed)


def contracts(draft: Draft | State, row: o.NettingSet) -> Iterator[tuple[bytes, o.Contract]]:
    """The live contracts of a set, by UTI."""
    parties = (row.first, row.second)
    for key in draft.indexed(t.CONTRACTS, t.between(*parties)):
        contract = draft.must(t.CONTRACTS, key)
        if tuple(sorted((contract.trade.buyer, contract.trade.seller))) == parties:
            yield key, contract


def position(row: o.NettingSet, asset: str) -> o.Settled:
    """The set's figures in one currency; zeros if it has none."""
    for entry in row.positions:
        if entry.asset == asset:
            return entry
    return o.Settled(AssetCode(asset), *NOTHING)


def put_position(draft: Draft, row: o.NettingSet, new: o.Settled) -> None:
    """Put one currency's figures in the place of the old ones."""
    kept = [entry for entry in row.positions if entry.asset != new.asset]
    ordered = tuple(sorted([*kept, new], key=lambda entry: entry.asset))
    changed = msgspec.structs.replace(row, positions=ordered)
    draft.put(t.NETTING_SETS, t.NETTING_SETS.key(row.first, row.second), changed)


def open_of(draft: Draft, whose: str) -> list[str]:
    """What of the netting sets of a member with all its clients (an LEI), or of one party (its
    client account), is not over yet: each in a few words with its number."""
    live = unsettled = 0
    for key in draft.indexed(t.NETTING_SETS, t.of_member(whose)):
        row = draft.must(t.NETTING_SETS, key)
        if any(ids.is_of(party, whose) for party in (row.first, row.second)):
            live += sum(entry.live for entry in row.positions)
            unsettled += any(x.settled or x.held_first or x.held_second for x in row.positions)
    found = [f"{live} live contracts"] if live else []
    return found or ([f"{unsettled} netting sets to be settled"] if unsettled else [])
