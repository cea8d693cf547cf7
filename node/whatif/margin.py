"""What if a transaction were decided, prices moved, or the date closed now: my margin and calls.

The next close is rehearsed on a draft: every oracle marks the open date at the prices given, and
the ledger closes the date, runs its margin cycle and issues its calls. Before: the same close
without the change (of a plain cycle: no close at all).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ledger import calls, cash, checks, im, margin, oracles, requirement
from ledger import objects as o
from ledger import tables as t
from ledger.actions import Action
from ledger.execution import RULES
from ledger.state import Draft, State
from node.whatif.marks import NothingMarked, moved_prices
from wire.errors import Rejection
from wire.ids import AssetCode, Lei, Party, member_of


class NoDateOpen(Rejection):
    """The calendar is at its end: there is no next margin cycle."""

    code = "WHATIF_NO_DATE_OPEN"
    remedy = "A proposal can extend the calendar: `dcn governance propose`."


class NoQuorum(Rejection):
    """The network has not enough oracles to close a date."""

    code = "WHATIF_NO_QUORUM"
    remedy = "The rulebook's `oracle_quorum` says how many it takes."


class Position(msgspec.Struct, frozen=True):
    """A netting set in one currency, seen from my side; minor units."""

    party: Party
    counterparty: Party
    asset: AssetCode
    live: int
    """Contracts."""
    notional: int
    settled: int
    """Variation margin received so far and held, less what was paid and is held by the other."""
    calls: dict[str, int]
    """What falls due by origin (VM, COUPON, INTEREST, FEE ...): positive is paid to me."""


class InitialMargin(msgspec.Struct, frozen=True):
    """Initial margin of a netting set, in its CSA's currency; each way."""

    party: Party
    counterparty: Party
    asset: AssetCode
    required: int
    posted: int
    """After haircuts."""
    call: int
    """What I am called for."""
    required_of_them: int
    posted_by_them: int
    call_on_them: int


class Cash(msgspec.Struct, frozen=True):
    """What I need of one asset to meet everything that is due, netted."""

    party: Party
    asset: AssetCode
    free: int
    pays: int
    receives: int
    margin: int
    """Called for initial margin in this asset."""
    short: int
    """Of that need, what is not free."""


class View(msgspec.Struct, frozen=True):
    """How I stand."""

    positions: tuple[Position, ...]
    initial_margin: tuple[InitialMargin, ...]
    cash: tuple[Cash, ...]


class Report(msgspec.Struct, frozen=True):
    """A rehearsal, tied to the block that its state is of."""

    height: int
    block: str
    state_root: str
    rulebook_version: int
    me: Lei
    what: str
    prices: dict[str, int]
    """At which the date is closed in `after`; none: no feed has a price, and no date is closed."""
    before: View
    after: View


Change = Callable[[Draft], None]


def transaction(state: State, block: str, me: Lei, action: Action) -> Report:
    """What if `action` stood in the next block, signed by all who must, and the date closed then
    at the last prices; raises its `Rejection`."""

    def change(draft: Draft) -> None:
        height = draft.must(t.NETWORK, t.network_key()).height
        RULES[type(action)].run(draft, action, height)

    return _report(state, block, me, type(action).__name__, change, {}, closed_before=True)


def move(state: State, block: str, me: Lei, moves: Mapping[str, int]) -> Report:
    """What if feeds moved by basis points before the next close; raises `BadMove`."""
    what = ", ".join(f"{feed} {bps:+d} bps" for feed, bps in sorted(moves.items()))
    return _report(state, block, me, what, _nothing, moves, closed_before=True)


def cycle(state: State, block: str, me: Lei) -> Report:
    """What if the open date closed now, at the prices of the moment."""
    return _report(state, block, me, "the next cycle", _nothing, {}, closed_before=False)


def _nothing(_draft: Draft) -> None:
    """Nothing changes."""


def _report(
    state: State,
    block: str,
    me: Lei,
    what: str,
    change: Change,
    moves: Mapping[str, int],
    *,
    closed_before: bool,
) -> Report:
    checks.member(Draft(state), me)
    before, after = _next_block(state), _next_block(state)
    # A transaction says something before there is any price: the margin that it locks.
    closes = change is _nothing or _can_close(before)
    change(after)
    if closed_before and closes:
        _close(before, {})
    prices = _close(after, moves) if closes else {}
    return Report(
        height=state.must(t.NETWORK, t.network_key()).height,
        block=block,
        state_root=state.root.hex(),
        rulebook_version=state.must(t.RULEBOOK, t.rulebook_key()).version,
        me=me,
        what=what,
        prices=prices,
        before=_view(state, before, me),
        after=_view(state, after, me),
    )


def _next_block(state: State) -> Draft:
    draft = Draft(state)
    network = state.must(t.NETWORK, t.network_key())
    draft.put(
        t.NETWORK, t.network_key(), msgspec.structs.replace(network, height=network.height + 1)
    )
    return draft


def _can_close(draft: Draft) -> bool:
    network = draft.must(t.NETWORK, t.network_key())
    return network.business_date is not None and None not in moved_prices(draft, {}).values()


def _close(draft: Draft, moves: Mapping[str, int]) -> dict[str, int]:
    """Close the open date by the ledger's own rules; returns the prices used."""
    network = draft.must(t.NETWORK, t.network_key())
    date, height = network.business_date, network.height
    if date is None:
        raise NoDateOpen(f"at height {height}")
    prices: dict[str, int] = {}
    for feed, value in moved_prices(draft, moves).items():
        if value is None:
            raise NothingMarked(f"feed {feed}")
        prices[feed] = value
        for key in draft.indexed(t.MEMBERS, o.Role.ORACLE):
            given = t.ORACLE_MARKS.key(feed, t.MEMBERS.parts(key)[0])
            draft.put(t.ORACLE_MARKS, given, o.OracleMark(date, value, height))
        # A jump is confirmed already: the question is what the price does, not whether it is true.
        draft.put(t.HELD_MARKS, t.HELD_MARKS.key(feed), o.HeldMark(date, value, height - 1))
    oracles.close_date(draft)
    if not margin.is_closed(draft, date):
        raise NoQuorum(f"{len(draft.indexed(t.MEMBERS, o.Role.ORACLE))} oracles")
    margin.cycle(draft, date, height)
    return prices


# -------------------------------------------------------------------- how I stand
def _view(state: State, draft: Draft, me: Lei) -> View:
    due = _due(state, draft, me)
    return View(
        positions=tuple(_positions(draft, me, due)),
        initial_margin=tuple(_margins(draft, me)),
        cash=tuple(_cash(draft, me)),
    )


_Slot = tuple[Party, Party, AssetCode]
"""(my party, counterparty, asset)."""


def _due(state: State, draft: Draft, me: Lei) -> dict[_Slot, dict[str, int]]:
    """Debts that are on the draft and not on the state: what the change and the close call for."""
    found: dict[_Slot, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, row in _debts(draft):
        if state.get(t.OBLIGATIONS, key) is not None:
            continue
        origin = o.Origin(row.origin).name
        if member_of(row.creditor) == me:
            found[row.creditor, row.debtor, row.asset][origin] += row.amount
        if member_of(row.debtor) == me:
            found[row.debtor, row.creditor, row.asset][origin] -= row.amount
    return found


def _debts(draft: Draft) -> list[tuple[bytes, o.Obligation]]:
    keys = [key for state in o.ObligationState for key in draft.indexed(t.OBLIGATIONS, state)]
    return [(key, draft.must(t.OBLIGATIONS, key)) for key in keys]


def _positions(draft: Draft, me: Lei, due: dict[_Slot, dict[str, int]]) -> list[Position]:
    figures: dict[_Slot, tuple[int, int, int]] = {}
    for row in _sets(draft, me):
        mine_first = member_of(row.first) == me
        pair = (row.first, row.second) if mine_first else (row.second, row.first)
        for entry in row.positions:
            moved = entry.settled + entry.held_first - entry.held_second
            seen = moved if mine_first else -moved
            figures[(*pair, entry.asset)] = (entry.live, entry.notional, seen)
    slots = sorted({**dict.fromkeys(figures), **dict.fromkeys(due)})
    return [
        Position(*slot, *figures.get(slot, (0, 0, 0)), dict(due.get(slot, {}))) for slot in slots
    ]


def _sets(draft: Draft, me: Lei) -> list[o.NettingSet]:
    rows = [draft.must(t.NETTING_SETS, key) for key in _own(draft, t.NETTING_SETS, me)]
    return [row for row in rows if me in (member_of(row.first), member_of(row.second))]


def _own(draft: Draft, table: t.Table[Any], me: Lei) -> list[bytes]:
    return draft.indexed(table, t.of_member(me))


def _margins(draft: Draft, me: Lei) -> list[InitialMargin]:
    found = []
    for source in o.MarkSource:
        for key in draft.indexed(t.CSAS, source):
            terms = draft.must(t.CSAS, key)
            if me in (member_of(terms.first), member_of(terms.second)):
                found.append(_margin(draft, terms, mine_first=member_of(terms.first) == me))
    return sorted(found, key=lambda one: (one.party, one.counterparty))


def _margin(draft: Draft, terms: o.Csa, *, mine_first: bool) -> InitialMargin:
    needed = requirement.required(draft, terms)
    mine, theirs = needed if mine_first else needed[::-1]
    pair = (terms.first, terms.second)
    me, other = pair if mine_first else pair[::-1]
    return InitialMargin(
        party=me,
        counterparty=other,
        asset=terms.im.currency,
        required=mine,
        posted=im.held(draft, terms, me, other),
        call=_called(draft, me, other),
        required_of_them=theirs,
        posted_by_them=im.held(draft, terms, other, me),
        call_on_them=_called(draft, other, me),
    )


def _called(draft: Draft, poster: Party, secured: Party) -> int:
    row = draft.get(t.CALLS, t.CALLS.key(calls.im_call(poster, secured)))
    return 0 if row is None else row.amount


def _cash(draft: Draft, me: Lei) -> list[Cash]:
    pays: dict[tuple[Party, AssetCode], int] = defaultdict(int)
    receives: dict[tuple[Party, AssetCode], int] = defaultdict(int)
    called: dict[tuple[Party, AssetCode], int] = defaultdict(int)
    for _, row in _debts(draft):
        if member_of(row.debtor) == me:
            pays[row.debtor, row.asset] += row.amount
        if member_of(row.creditor) == me:
            receives[row.creditor, row.asset] += row.amount
    for one in _margins(draft, me):
        called[one.party, one.asset] += one.call
    slots = {**dict.fromkeys(pays), **dict.fromkeys(receives), **dict.fromkeys(called)}
    found = []
    for party, asset in sorted(slots):
        slot = (party, asset)
        free = cash.means(draft, party, asset)
        need = max(0, pays[slot] - receives[slot]) + called[slot]
        short = max(0, need - free)
        found.append(Cash(party, asset, free, pays[slot], receives[slot], called[slot], short))
    return found
