"""Fees by the published schedule: charged when a trade is registered, as debts to the collector.

An amount is flat + notional * ppm / 1,000,000 (half to even), at most the cap, less the discount of
the bracket that the member's contribution to the default fund has reached (half to even).
"""

from typing import Final

from ledger import cash, sets
from ledger import objects as o
from ledger import tables as t
from ledger.events import Event, FeeCharged
from ledger.obligations import owe
from ledger.rulebook import basis
from ledger.state import Draft
from wire import ids
from wire.ids import Party
from wire.money import BPS, Rounding, muldiv

PPM: Final = 1_000_000


def amount(schedule: o.FeeSchedule, notional: int, contribution: int) -> int:
    """The fee of a trade, minor units of its currency."""
    gross = schedule.flat + muldiv(notional, schedule.notional_ppm, PPM, Rounding.HALF_EVEN)
    if schedule.cap:
        gross = min(gross, schedule.cap)
    reached = [x.discount_bps for x in schedule.discounts if x.contribution_min <= contribution]
    rest = BPS - (reached[-1] if reached else 0)
    return muldiv(gross, rest, BPS, Rounding.HALF_EVEN)


def charge(draft: Draft, trade: o.Trade) -> tuple[tuple[o.TradeFee, ...], list[Event]]:
    """Each party of `trade` owes its fee, due with the open date; the collector itself none."""
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    collector = rulebook.fees.collector
    if collector is None:
        return (), []
    footprint = sets.footprint(draft, trade)
    today = draft.must(t.NETWORK, t.network_key()).business_date
    assert today is not None, trade
    fees: list[o.TradeFee] = []
    events: list[Event] = []
    for party in (trade.buyer, trade.seller):
        due = amount(rulebook.fees, footprint.notional, contribution(draft, rulebook, party))
        if not due or ids.member_of(party) == collector:
            continue
        about, creditor = (trade.uti, party), ids.house(collector)
        owe(draft, about, due, party, creditor, footprint.asset, today, o.Origin.FEE)
        fees.append(o.TradeFee(party, due))
        because = basis(draft, o.Clause.FEES)
        events.append(FeeCharged(trade.uti, party, footprint.asset, due, because))
    return tuple(fees), events


def contribution(draft: Draft, rulebook: o.Rulebook, party: Party) -> int:
    """What the party's member has in the default fund of the service."""
    lei, kind = ids.member_of(party), o.AccountKind.DEFAULT_FUND
    account = t.BALANCES.key(lei, kind, rulebook.service, rulebook.currency)
    return cash.balance(draft, account).balance
