"""What a closed business date leaves: exposures of every pair, and losses under stress."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from ledger import checks, sets
from ledger import objects as o
from ledger import tables as t
from ledger.default import sizing
from ledger.default.prices import draft_mark
from ledger.events import DateClosed, Event, FundSized
from ledger.state import Draft, State
from node.observer.projection.writing import Context, Statement, put, rule_of
from wire.ids import AssetCode, Date, Party

DATE: Final = put("dates", "date", "height", "time_ms", "rulebook")
EXPOSURE: Final = put(
    "exposures", "date", "first", "second", "asset", "gross_first", "gross_second", "uncovered",
    "notional", "live", "height",
)  # fmt: skip
SIZE: Final = put(
    "fund_sizes", "date", "service", "requirement", "scenario", "parents", "fund", "rule",
    "height",
)  # fmt: skip
STRESSED: Final = put("stressed", "date", "scenario", "parent", "loss", "height")

Slot = tuple[Party, Party, AssetCode]


class Gross(msgspec.Struct):
    """What a pair's contracts are worth one by one, minor units of an asset."""

    first: int = 0
    """Sum of those that are worth something to the first party: its exposure without netting."""
    second: int = 0


def closed(context: Context, happened: Iterable[Event]) -> Iterator[Statement]:
    """The rows of a date that a block closes, after its margin cycle."""
    for event in happened:
        match event:
            case DateClosed(date=date):
                yield DATE, (date, context.height, context.time_ms, context.rulebook)
                yield from _exposures(context, date)
                yield from _stressed(context, date)
            case FundSized():
                yield SIZE, (
                    event.date, event.service, event.requirement, event.scenario,
                    " ".join(event.groups), event.fund, rule_of(event.basis), context.height,
                )  # fmt: skip
            case _:
                pass


def _exposures(context: Context, date: Date) -> Iterator[Statement]:
    draft = Draft(context.state)
    gross = gross_values(context.state, date)
    uncovered = sizing.uncovered(draft, lambda feed: draft_mark(draft, feed, date))
    slots = dict.fromkeys(gross)
    slots |= {(*pair, asset): None for pair, asset in uncovered}
    for first, second, asset in sorted(slots):
        worth = gross.get((first, second, asset), Gross())
        left = uncovered.get(((first, second), asset), 0)
        row = context.state.get(t.NETTING_SETS, t.NETTING_SETS.key(first, second))
        figures = o.Settled(asset, *sets.NOTHING) if row is None else sets.position(row, asset)
        yield EXPOSURE, (
            date, first, second, asset, worth.first, worth.second, left, figures.notional,
            figures.live, context.height,
        )  # fmt: skip


def gross_values(state: State, date: Date) -> dict[Slot, Gross]:
    """Of every pair's live contracts at the marks of a date, by asset, nothing set off."""
    draft = Draft(state)
    found: dict[Slot, Gross] = defaultdict(Gross)
    for key in state.indexed(t.CONTRACTS, o.ContractState.LIVE):
        trade = state.must(t.CONTRACTS, key).trade
        instrument = state.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
        mark = draft_mark(draft, instrument.feed, date)
        if mark is None:
            continue
        exponent = checks.asset(draft, instrument.currency).exponent
        value = sets.contract_value(trade, instrument, mark, exponent)
        seen = sets.seen_from_first(trade, value)
        first, second = sorted((trade.buyer, trade.seller))
        worth = found[first, second, instrument.currency]
        worth.first += max(0, seen)
        worth.second += max(0, -seen)
    return dict(found)


def _stressed(context: Context, date: Date) -> Iterator[Statement]:
    draft = Draft(context.state)
    rules = context.state.must(t.RULEBOOK, t.rulebook_key()).default
    for scenario in rules.scenarios:
        for parent, loss in sorted(sizing.stressed_losses(draft, date, scenario).items()):
            yield STRESSED, (date, scenario.name, parent, loss, context.height)
