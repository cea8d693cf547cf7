"""What a closed business date leaves: exposures of every pair, and losses under stress."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from ledger import checks, im, requirement, sets
from ledger import objects as o
from ledger import tables as t
from ledger.default import sizing
from ledger.default.prices import draft_mark
from ledger.events import DateClosed, Event, FundSized
from ledger.state import Draft, State
from node.observer.projection.writing import Context, put, rule_of
from node.observer.store import Statement
from wire.ids import AssetCode, Date, Party

DATE: Final = put("dates", "date", "height", "time_ms", "rulebook", "members", "clients")
EXPOSURE: Final = put(
    "exposures", "date", "first", "second", "asset", "gross_first", "gross_second", "uncovered",
    "notional", "live", "height",
)  # fmt: skip
SIZE: Final = put(
    "fund_sizes", "date", "service", "requirement", "scenario", "parents", "fund", "rule",
    "height",
)  # fmt: skip
COLLATERAL: Final = put(
    "collateral", "date", "first", "second", "asset", "settled", "held_first", "held_second",
    "posted_first", "posted_second", "height",
)  # fmt: skip
REQUIRED: Final = put(
    "im_required", "date", "first", "second", "asset", "model", "required_first",
    "required_second", "worth_first", "worth_second", "height",
)  # fmt: skip
RESOURCE: Final = put("resources", "date", "service", "lei", "kind", "amount", "required", "height")
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
                yield DATE, (
                    date, context.height, context.time_ms, context.rulebook, *_counts(context),
                )  # fmt: skip
                yield from _exposures(context, date)
                yield from _collateral(context, date)
                yield from _required(context, date)
                yield from _resources(context, date)
                yield from _stressed(context, date)
            case FundSized():
                yield SIZE, (
                    event.date, event.service, event.requirement, event.scenario,
                    " ".join(event.groups), event.fund, rule_of(event.basis), context.height,
                )  # fmt: skip
            case _:
                pass


def _counts(context: Context) -> tuple[int, int]:
    """(members that trade, client accounts)."""
    members = [row for _, row in context.state.scan(t.MEMBERS)]
    active = sum(
        o.Role.MEMBER in row.roles and row.state == o.MemberState.ACTIVE for row in members
    )
    return active, len(context.state.scan(t.CLIENTS))


def _exposures(context: Context, date: Date) -> Iterator[Statement]:
    draft = Draft(context.state)
    gross = gross_values(context.state, date)
    uncovered = sizing.uncovered(draft, lambda feed: draft_mark(draft, feed, date))
    slots = dict.fromkeys(gross)
    slots |= {(*pair, asset): None for pair, asset in uncovered}
    for _, kept in context.state.scan(t.NETTING_SETS):  # those with frozen contracts only, too
        slots |= {(kept.first, kept.second, x.asset): None for x in kept.positions if x.live}
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


def _collateral(context: Context, date: Date) -> Iterator[Statement]:
    """Every netting set's variation margin, and what stands in custody between two parties."""
    found: dict[Slot, list[int]] = defaultdict(lambda: [0] * 5)
    for key, row in context.state.scan(t.NETTING_SETS):
        first, second = t.NETTING_SETS.parts(key)
        for entry in row.positions:
            figures = [entry.settled, entry.held_first, entry.held_second]
            found[first, second, entry.asset][:3] = figures
    for key, account in context.state.scan(t.BALANCES):
        _, kind, reference, asset = t.BALANCES.parts(key)
        if kind == o.AccountKind.IM_ESCROW:
            poster, _, secured = reference.partition(">")
            first, second = sorted((poster, secured))
            found[first, second, asset][3 if poster == first else 4] += account.balance
    for slot, figures in sorted(found.items()):
        if any(figures):
            yield COLLATERAL, (date, *slot, *figures, context.height)


def _required(context: Context, date: Date) -> Iterator[Statement]:
    """Initial margin of every pair with terms: what its model asks for, and what is there after
    haircuts."""
    draft = Draft(context.state)
    for key, terms in context.state.scan(t.CSAS):
        pair = t.CSAS.parts(key)
        needed = requirement.required(draft, terms)
        worth = (im.held(draft, terms, *pair), im.held(draft, terms, *reversed(pair)))
        if any((*needed, *worth)):
            model = o.ImModel(terms.im.model).name
            yield REQUIRED, (
                date, *pair, terms.im.currency, model, *needed, *worth, context.height,
            )  # fmt: skip


def _resources(context: Context, date: Date) -> Iterator[Statement]:
    """What stands behind a default besides margin."""
    for key, row in context.state.scan(t.CONTRIBUTIONS):
        has = row.paid_in + row.restored - row.withdrawn - row.used
        slot = (*t.CONTRIBUTIONS.parts(key), "CONTRIBUTION")
        yield RESOURCE, (date, *slot, has, row.required, context.height)
    for key, account in context.state.scan(t.BALANCES):
        lei, kind, service, _ = t.BALANCES.parts(key)
        if kind == o.AccountKind.CAPITAL and account.balance:
            yield RESOURCE, (date, service, lei, "CAPITAL", account.balance, 0, context.height)


def _stressed(context: Context, date: Date) -> Iterator[Statement]:
    draft = Draft(context.state)
    rules = context.state.must(t.RULEBOOK, t.rulebook_key()).default
    for scenario in rules.scenarios:
        for parent, loss in sorted(sizing.stressed_losses(draft, date, scenario).items()):
            yield STRESSED, (date, scenario.name, parent, loss, context.height)
