"""From blocks to the read store's rows: `project` for each block, `begin` for a state to start at.

Everything follows from a block, the state before it and what applying it has done (and alerts from
the rows and the node's thresholds), so that a store made again from stored blocks is the same as
one that was fed live.
"""

from collections.abc import Iterable

import msgspec

from ledger import tables as t
from ledger.apply import Applied
from ledger.state import State
from node.blocks import DecidedBlock
from node.config import AlertsSection
from node.observer.alerts.watch import STANDARD, watched
from node.observer.projection import blocks, cases, dates, looks, margin, rounds, rows, steps
from node.observer.projection.writing import Context
from node.observer.store import Reader, Statement, Writer


class Seen(msgspec.Struct, frozen=True):
    """One block, and what it did."""

    decided: DecidedBlock
    applied: Applied
    before: State
    """The state that it was applied to."""

    @property
    def height(self) -> int:
        """Of the block."""
        return self.decided.block.header.height


def begin(store: Writer, state: State) -> None:
    """Begin the store with a state, as of the genesis or a snapshot: nothing is known of before."""
    context = Context.of(state)
    found: list[Statement] = []
    for key, row in sorted(state.rows(), key=lambda one: one[0]):
        found += rows.changed(context, key, row)
    found += steps.known(context)
    with store.transaction():
        store.write(found)
        store.reached(context.height, context.height + 1)
        store.note("currency", context.currency)


def project(store: Writer, seen: Iterable[Seen], thresholds: AlertsSection = STANDARD) -> int:
    """Put consecutive blocks in, seen together or not at all; the store's height after them.

    Blocks that it has are left out; the first one that it has not must be the next.
    """
    with store.transaction():
        for one in seen:
            if one.height > store.height:
                assert one.height == store.height + 1, (one.height, store.height)
                store.write(_statements(one))
                store.note("currency", Context.of(one.applied.state).currency)
                store.reached(one.height)
                store.write(watched(Reader(store.db), thresholds))
    return store.height


def _statements(seen: Seen) -> Iterable[Statement]:
    state, applied = seen.applied.state, seen.applied
    context = Context.of(state)
    yield from margin.events(context, applied.events)
    for key, _ in applied.changes:
        row = state.row(key)
        yield from rows.changed(context, key, row)
        if key[0] == t.CALLS.tag and row is None:
            yield margin.call_gone(context, t.CALLS.parts(key)[0])
    yield from steps.taken(context, seen.decided, applied, seen.before)
    yield from blocks.block(context, seen.decided, applied, seen.before)
    yield from blocks.begin_to_vote(context, applied, seen.before)
    yield from rounds.cleared(context, seen.decided.block.certificates, seen.before, state)
    yield from rounds.settled(applied.results)
    yield from dates.closed(context, applied.events)
    yield from cases.steps(context, applied.events)
    yield from looks.events(context, applied.events)
