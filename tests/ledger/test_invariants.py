"""Each invariant can fail: shown on a state that has been doctored."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ledger import invariants
from ledger import objects as o
from ledger import tables as t
from ledger.invariants import INVARIANTS, InvariantBroken, check_full, check_touched
from ledger.state import Draft, State
from tests.ledger.test_netting_rounds import mission
from tests.ledger.world import CALENDAR, USD, World
from wire.codec import encode


def _world() -> World:
    """Cash, trades, obligations and a round whose cycles are cancelled."""
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.mint(a, 1_000), world.mint(b, 500))
    mission(world)
    world.must(world.trade(b, a, 60, 1_010), world.trade(c, a, 5, 1_010))
    world.close(CALENDAR[0], AAA=1_000)
    world.apply()
    world.apply()
    return world


WORLD = _world()


def _first(state: State, table: t.Table[Any]) -> tuple[bytes, Any]:
    return state.scan(table)[0]


def _changed(table: t.Table[Any], **changes: object) -> Callable[[Draft], None]:
    def doctor(draft: Draft) -> None:
        key, row = _first(WORLD.state, table)
        draft.put(table, key, msgspec.structs.replace(row, **changes))

    return doctor


def _position(**changes: int) -> Callable[[Draft], None]:
    def doctor(draft: Draft) -> None:
        key, row = WORLD.state.scan(t.NETTING_SETS)[0]
        entry = msgspec.structs.replace(row.positions[0], **changes)
        draft.put(t.NETTING_SETS, key, msgspec.structs.replace(row, positions=(entry,)))

    return doctor


def _figures(**changes: int) -> Callable[[Draft], None]:
    def doctor(draft: Draft) -> None:
        key, row = WORLD.state.scan(t.ROUNDS)[0]
        entry = msgspec.structs.replace(row.figures[0], **changes)
        draft.put(t.ROUNDS, key, msgspec.structs.replace(row, figures=(entry,)))

    return doctor


def _one_party(draft: Draft) -> None:
    key, row = WORLD.state.scan(t.CONTRACTS)[0]
    trade = msgspec.structs.replace(row.trade, buyer=row.trade.seller)
    draft.put(t.CONTRACTS, key, msgspec.structs.replace(row, trade=trade))


def _stranger_account(draft: Draft) -> None:
    draft.put(t.BALANCES, t.own_account("NOBODY", USD), o.Balance(0, 0))


DOCTORED: list[tuple[str, Callable[[Draft], None]]] = [
    ("1-conservation", _changed(t.BALANCES, balance=1_001)),
    ("1-conservation", _changed(t.ASSETS, minted=1_501)),
    ("1-conservation", _changed(t.ASSETS, redeemed=1)),
    ("2-nothing-negative", _changed(t.BALANCES, locked=1_001)),
    ("2-nothing-negative", _changed(t.BALANCES, locked=-1)),
    ("2-nothing-negative", _changed(t.OBLIGATIONS, amount=0)),
    ("2-nothing-negative", _position(live=-1)),
    ("2-nothing-negative", _position(notional=-1)),
    ("3-round-figures", _figures(set_off=7)),
    ("3-round-figures", _figures(discharged=10**9)),
    ("3-round-figures", _figures(cash_moved=1)),
    ("6-two-parties", _one_party),
    ("8-no-dangling-id", _changed(t.OBLIGATIONS, debtor="NOBODY")),
    ("8-no-dangling-id", _changed(t.OBLIGATIONS, asset="XYZ")),
    ("8-no-dangling-id", _changed(t.NETTING_SETS, first="NOBODY")),
    ("8-no-dangling-id", _changed(t.ROUNDS, obligations=(bytes(32),))),
    ("8-no-dangling-id", _stranger_account),
]


@pytest.mark.parametrize(("name", "doctor"), DOCTORED, ids=[name for name, _ in DOCTORED])
def test_a_doctored_row_is_found_out(name: str, doctor: Callable[[Draft], None]) -> None:
    draft = Draft(WORLD.state)
    doctor(draft)
    with pytest.raises(InvariantBroken, match=f"invariant {name}: ") as caught:
        INVARIANTS[name](draft)
    assert caught.value.name == name
    with pytest.raises(InvariantBroken):
        check_touched(draft)


def _flows(change: Callable[[list[int]], list[int]]) -> Draft:
    """The round as it is cleared, its flows changed."""
    draft = Draft(State.empty())
    draft.changes.update(WORLD.state.rows())
    keys = [key for key, _ in WORLD.state.scan(t.FLOWS)]
    amounts = [row.cancelled for _, row in WORLD.state.scan(t.FLOWS)]
    for key, amount in zip(keys, change(amounts), strict=True):
        draft.put(t.FLOWS, key, o.Flow(amount))
    return draft


def test_flows_that_are_not_conserved_or_exceed_a_debt_are_found_out() -> None:
    check = INVARIANTS["3-round-flows"]
    check(_flows(lambda amounts: amounts))
    with pytest.raises(InvariantBroken, match="relieved"):
        check(_flows(lambda amounts: [amounts[0] - 1, *amounts[1:]]))
    with pytest.raises(InvariantBroken, match="is cancelled"):
        check(_flows(lambda amounts: [10**6, *amounts[1:]]))
    with pytest.raises(InvariantBroken, match="is cancelled"):
        check(_flows(lambda amounts: [-1, *amounts[1:]]))


def test_a_pair_whose_net_claim_rises_is_found_out() -> None:
    """A triangle beside a pair that is flat: cancelled without set-off, it makes a new exposure."""
    a, b, c = (member.lei for member in WORLD.members)
    debts = ((a, b), (b, a), (b, c), (c, a))
    draft = Draft(WORLD.state)
    idents = tuple(bytes([n]) * 32 for n in range(4))
    for ident, (debtor, creditor) in zip(idents, debts, strict=True):
        row = o.Obligation(
            debtor, creditor, USD, 10, CALENDAR[0], o.Origin.VM, o.ObligationState.FROZEN, b""
        )
        draft.put(t.OBLIGATIONS, t.OBLIGATIONS.key(ident), row)
        if (debtor, creditor) != (b, a):
            draft.put(t.FLOWS, t.FLOWS.key(9, ident), o.Flow(10))
    _, row9 = WORLD.state.scan(t.ROUNDS)[0]
    row9 = msgspec.structs.replace(row9, number=9, obligations=idents)
    draft.put(t.ROUNDS, t.ROUNDS.key(9), row9)
    with pytest.raises(InvariantBroken, match=f"{a} owed 0, now -10|{b} owed 0, now 10"):
        INVARIANTS["3-round-flows"](draft)


def test_a_sound_state_passes_in_full_and_the_names_are_told() -> None:
    assert check_full(WORLD.state) == tuple(INVARIANTS)


def test_a_flipped_balance_in_a_stored_state_is_found_out_in_full() -> None:
    rows = {key: encode(row) for key, row in WORLD.state.rows()}
    key = t.own_account(WORLD.members[0].lei, USD)
    rows[key] = encode(o.Balance(1_001, 0))
    with pytest.raises(InvariantBroken, match="1-conservation: USD is off by 1"):
        check_full(State.load(iter(rows.items())))


def test_a_bug_that_breaks_an_invariant_stops_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def broken(draft: Draft) -> None:
        raise InvariantBroken("1-conservation", "for the test")

    monkeypatch.setitem(invariants.INVARIANTS, "1-conservation", broken)
    with pytest.raises(InvariantBroken):
        world.apply()
    assert world.height == 0
