"""What a block does about defaults: at its start, at its end, and when a date is closed.

At the start, before any transaction: declarations, so that a defaulter's transactions in the same
block find it in default, and rounds that were not final are computed again. At the end: notices
that are cured or given, stages that begin, close-outs, losses, and what is due to estates.
"""

import msgspec

from ledger import objects as o
from ledger import settlement
from ledger import tables as t
from ledger.default import (
    cases,
    closeout,
    declaration,
    estate,
    losses,
    notices,
    recomputing,
    sizing,
)
from ledger.default.prices import Prices
from ledger.events import Event
from ledger.state import Draft, State
from wire.ids import Date


def begin(draft: Draft, height: int, link: bytes) -> list[Event]:
    """Declarations and ends of stays that block `height` starts with."""
    events = declaration.due(draft, height)
    if events:
        events += recomputing.without_defaulters(draft, height, link)
    return events


def date_closed(draft: Draft, date: Date, height: int) -> list[Event]:
    """A date has been closed: close-outs under way may use its marks; the fund is sized."""
    draft.put(t.DATE_CLOSES, t.DATE_CLOSES.key(date), o.DateClose(height))
    for number, row in cases.in_states(draft, (o.CaseState.CLOSE_OUT,)):
        cases.put(draft, number, msgspec.structs.replace(row, mark_date=date))
    return sizing.resize(draft, date)


def proceed(draft: Draft, height: int) -> list[Event]:
    """Everything that waits for this height, or for nothing more."""
    events = notices.end_cured(draft)
    events += notices.open_overdue(draft, height)
    for number, row in cases.in_states(draft, (o.CaseState.DECLARED,)):
        if row.until <= height:
            why = "the window for porting is over"
            events.append(declaration.start_close_out(draft, number, row, height, why))
    for number, row in cases.in_states(draft, (o.CaseState.CLOSE_OUT,)):
        if row.until <= height:
            events += _close_out(draft, number, row, height)
    events += losses.due(draft)
    return [*events, *estate.collect(draft, height)]


def pending(state: State) -> bool:
    """Whether something waits for blocks: the network does not idle meanwhile."""
    waiting = (*cases.IN_DEFAULT, o.CaseState.NOTICE)
    return (
        any(state.indexed(t.DEFAULT_CASES, one) for one in waiting)
        or bool(state.indexed(t.OVERDUES, 0))
        or bool(state.indexed(t.CALLS, t.UNMET))
        or bool(state.indexed(t.CLOSE_OUTS, t.close_outs_in(o.CloseOutState.DUE)))
    )


def _close_out(draft: Draft, number: int, row: o.DefaultCase, height: int) -> list[Event]:
    book, prices = closeout.book_of(draft, row), Prices(draft, number, row)
    if not closeout.is_ready(draft, book, prices):
        return []
    events = settlement.cancel_those_of(draft, row.defaulter, in_netting=True)
    book = closeout.book_of(draft, row)
    events += closeout.fix(draft, number, row, book, prices, height)
    events += estate.take_over(draft, number, row)
    fixed = msgspec.structs.replace(row, fixed=height)
    why = "every netting set has its amount"
    return [*events, cases.move(draft, number, fixed, o.CaseState.WATERFALL, 0, why)]
