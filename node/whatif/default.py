"""What if a member defaulted now: who would lose what, by the very code that would decide it.

On a draft of a live state: notice and declaration of the members named, marks moved, the margin
cycle of everybody else, close-out at the moved marks, and the waterfall of the rulebook. The draft
is thrown away. What is not known today is left out: firm quotes, cures, ported clients.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Final

import msgspec

from ledger import margin
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases, closeout, declaration, estate, losses, notices, recomputing
from ledger.default.prices import Prices
from ledger.events import ClaimCovered, ClosedOut, Event, TrancheBears
from ledger.state import Draft, State
from node.whatif.marks import BadMove, NothingMarked, moved_prices
from wire.ids import Date, Lei, member_of

MOVES_TRIED_BPS: Final = (-3_000, -2_000, -1_000, -500, 0, 500, 1_000, 2_000, 3_000)
"""Of each feed alone, and of all together, when the worst is searched for."""


class Part(msgspec.Struct, frozen=True):
    """A loss of one member in one tranche, and the rule behind it."""

    tranche: str
    amount: int
    rule: str


class Cycle(msgspec.Struct, frozen=True):
    """What one margin cycle asks of a member, in the rulebook's currency."""

    name: str
    pays: int
    """To members that are not in default."""
    receives: int
    misses: int
    """Receipts from the defaulters that do not come."""
    need: int
    """Cash to find: what it pays, less what it receives, if that is more than nothing."""
    short: int
    """Of that, what its free cash does not cover."""
    rule: str


class Effect(msgspec.Struct, frozen=True):
    """What the default does to one member."""

    lei: Lei
    claim: int
    """Of all its netting sets with the defaulters."""
    covered: int
    """By margin and by the contributions of others."""
    losses: tuple[Part, ...]
    residual: int
    """Part of the losses: what nobody covers."""
    loss: int
    owes_estate: int
    cycles: tuple[Cycle, ...]


class Report(msgspec.Struct, frozen=True):
    """A default rehearsed on a state."""

    height: int
    block: str
    """Id of the block that the state is of."""
    state_root: str
    rulebook_version: int
    defaulters: tuple[Lei, ...]
    moves: dict[str, int]
    """Basis points by feed."""
    loss: int
    """Of all claims."""
    borne: dict[str, int]
    """By tranche; all of it is `loss`."""
    members: tuple[Effect, ...]


def default(state: State, block: str, leis: tuple[Lei, ...], moves: Mapping[str, int]) -> Report:
    """Rehearse the default of `leis` with feeds moved by `moves` (basis points).

    Raises `UnknownMember`, `WrongMemberState`, `NothingMarked`, `BadMove`.
    """
    draft = Draft(state)
    height = state.must(t.NETWORK, t.network_key()).height
    date = _move_marks(draft, moves)
    before = _obligations(draft)
    declared = [_declare(draft, lei, height + 1) for lei in leis]
    events = recomputing.without_defaulters(draft, height + 1, bytes(32))
    open_now = _debts(draft, before)
    open_date = draft.must(t.NETWORK, t.network_key()).business_date
    if open_date is not None:
        margin.cycle(draft, open_date, height + 1)
    called = _debts(draft, _obligations(draft) - before)
    events += _close_out(draft, declared, date, height + 1)
    events += losses.due(draft)
    return _report(state, block, leis, moves, draft, events, {"open": open_now, "next": called})


def worst(state: State, block: str, me: Lei, most: int = 2) -> tuple[Report, int]:
    """The default of up to `most` other members, and the move of one feed or of all, by which
    `me` loses most; and how many were tried."""
    others = [lei for lei in _members(state) if lei != me]
    feeds = [t.FEEDS.parts(key)[0] for key in state.indexed(t.FEEDS, 0)]
    best: tuple[int, Report] | None = None
    tried = 0
    for count in range(1, most + 1):
        for leis in combinations(others, count):
            for moves in _moves(state, feeds):
                report = default(state, block, leis, moves)
                tried += 1
                mine = next(effect.loss for effect in report.members if effect.lei == me)
                if best is None or mine > best[0]:
                    best = mine, report
    if best is None:
        raise BadMove("nobody else could default")
    return best[1], tried


def _moves(state: State, feeds: list[str]) -> Iterator[dict[str, int]]:
    """Each feed alone, all together, and the rulebook's stress scenarios."""
    for bps in MOVES_TRIED_BPS:
        yield dict.fromkeys(feeds, bps)
        if bps and len(feeds) > 1:
            for feed in feeds:
                yield {feed: bps}
    for scenario in state.must(t.RULEBOOK, t.rulebook_key()).default.scenarios:
        yield {shift.feed: shift.bps for shift in scenario.shifts}


# -------------------------------------------------------------------- the draft
def _move_marks(draft: Draft, moves: Mapping[str, int]) -> Date:
    """Move the last prices and make them the marks of the last closed date; what oracles have said
    of the open one is in them already."""
    network = draft.must(t.NETWORK, t.network_key())
    date = network.closed_date
    if date is None:
        raise NothingMarked(f"height {network.height}")
    for feed, value in moved_prices(draft, moves).items():
        row = draft.get(t.MARKS, t.MARKS.key(feed, date))
        if row is not None and value is not None:
            draft.put(t.MARKS, t.MARKS.key(feed, date), msgspec.structs.replace(row, value=value))
        for key in draft.indexed(t.MEMBERS, o.Role.ORACLE):
            given = t.ORACLE_MARKS.key(feed, t.MEMBERS.parts(key)[0])
            if draft.get(t.ORACLE_MARKS, given) is not None:
                draft.delete(given)
    return date


def _declare(draft: Draft, lei: Lei, height: int) -> int:
    """The number of the case: one that is open already, or a new one."""
    found = cases.open_case(draft, lei)
    if found is None:
        notices.open_case(draft, lei, o.Trigger.DIRECTION, "what if", height)
        found = cases.open_case(draft, lei)
        assert found is not None
    number, row = found
    if row.state == o.CaseState.NOTICE:
        declaration.declare(draft, number, row, height)
    return number


def _close_out(draft: Draft, numbers: list[int], date: Date, height: int) -> list[Event]:
    events: list[Event] = []
    for number in numbers:
        row = draft.must(t.DEFAULT_CASES, t.DEFAULT_CASES.key(number))
        declaration.freeze(draft, row.defaulter)
        row = msgspec.structs.replace(row, window=height, mark_date=date)
        book, prices = closeout.book_of(draft, row), Prices(draft, number, row)
        events += closeout.fix(draft, number, row, book, prices, height)
        estate.take_over(draft, number, row)
        fixed = msgspec.structs.replace(row, fixed=height)
        cases.move(draft, number, fixed, o.CaseState.WATERFALL, 0, "what if")
    return events


def _obligations(draft: Draft) -> frozenset[bytes]:
    return frozenset(
        key for state in o.ObligationState for key in draft.indexed(t.OBLIGATIONS, state)
    )


def _debts(draft: Draft, keys: Iterable[bytes]) -> list[o.Obligation]:
    found = [draft.get(t.OBLIGATIONS, key) for key in sorted(keys)]
    return [debt for debt in found if debt is not None]


# -------------------------------------------------------------------- the report
def _members(state: State | Draft) -> list[Lei]:
    return [t.MEMBERS.parts(key)[0] for key in state.indexed(t.MEMBERS, o.Role.MEMBER)]


def _report(
    state: State,
    block: str,
    leis: tuple[Lei, ...],
    moves: Mapping[str, int],
    draft: Draft,
    events: list[Event],
    cycles: Mapping[str, list[o.Obligation]],
) -> Report:
    rulebook = state.must(t.RULEBOOK, t.rulebook_key())
    bears = [event for event in events if isinstance(event, TrancheBears)]
    borne: dict[str, int] = defaultdict(int)
    for event in bears:
        borne[o.Tranche(event.tranche).name] += event.amount
    operator = rulebook.default.operator
    everybody = sorted({*_members(state), *(() if operator is None else (operator,))})
    return Report(
        height=state.must(t.NETWORK, t.network_key()).height,
        block=block,
        state_root=state.root.hex(),
        rulebook_version=rulebook.version,
        defaulters=leis,
        moves=dict(moves),
        loss=sum(borne.values()),
        borne=dict(borne),
        members=tuple(
            _effect(lei, rulebook, state, events, cycles) for lei in everybody if lei not in leis
        ),
    )


def _effect(
    lei: Lei,
    rulebook: o.Rulebook,
    state: State,
    events: list[Event],
    cycles: Mapping[str, list[o.Obligation]],
) -> Effect:
    losses: dict[o.Tranche, int] = defaultdict(int)
    claim = covered = owes = 0
    for event in events:
        match event:
            case TrancheBears(tranche=tranche, bearer=bearer, amount=amount):
                if member_of(bearer) == lei:
                    losses[tranche] += amount
            case ClaimCovered(creditor=creditor, amount=amount, covered=part):
                if member_of(creditor) == lei:
                    claim, covered = claim + amount, covered + part
            case ClosedOut(creditor=creditor, amount=amount) if amount < 0:
                if member_of(creditor) == lei:
                    owes -= amount
            case _:
                pass
    order = rulebook.default.order
    return Effect(
        lei=lei,
        claim=claim,
        covered=covered,
        losses=tuple(
            Part(tranche.name, amount, _rule(rulebook.version, order, tranche))
            for tranche, amount in losses.items()
        ),
        residual=losses[o.Tranche.RESIDUAL],
        loss=sum(losses.values()),
        owes_estate=owes,
        cycles=tuple(
            _cycle(name, lei, rulebook, state, debts, events) for name, debts in cycles.items()
        ),
    )


def _rule(version: int, order: tuple[o.Tranche, ...], tranche: o.Tranche) -> str:
    if tranche == o.Tranche.RESIDUAL:
        return f"rulebook {version}: what no tranche bears stays with its creditor"
    return f"rulebook {version}: tranche {order.index(tranche) + 1} of {len(order)}"


def _cycle(
    name: str,
    lei: Lei,
    rulebook: o.Rulebook,
    state: State,
    debts: list[o.Obligation],
    events: list[Event],
) -> Cycle:
    """Debts that are open now, or that the next cycle at the moved marks would call."""
    gone = {event.debtor for event in events if isinstance(event, ClosedOut)}
    pays = receives = misses = 0
    for debt in debts:
        if debt.asset != rulebook.currency:
            continue
        if debt.debtor in gone or debt.creditor in gone:
            misses += debt.amount if member_of(debt.creditor) == lei else 0
        elif member_of(debt.debtor) == lei:
            pays += debt.amount
        elif member_of(debt.creditor) == lei:
            receives += debt.amount
    need = max(0, pays - receives)
    row = state.get(t.BALANCES, t.own_account(lei, rulebook.currency))
    free = 0 if row is None else row.balance - row.locked
    return Cycle(
        name=name,
        pays=pays,
        receives=receives,
        misses=misses,
        need=need,
        short=max(0, need - free),
        rule=f"rulebook {rulebook.version}: variation margin, netted in one round",
    )
