"""Staying out of a date's rounds: no way out of a debt, and nothing that it does to others."""

import msgspec
import pytest

from ledger import objects as o
from ledger import paying
from ledger import tables as t
from ledger.actions import Approve, CreateBatch, OpenClientAccount, PayDebts, StayOut
from ledger.genesis import Genesis
from ledger.rejections import NothingToPay
from ledger.state import Draft
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import AssetCode, Party

BOND = AssetCode("BOND")
replace = msgspec.structs.replace


def _out(world: World, who: Identity, date: int) -> Transaction:
    return world.sign(StayOut(who.lei, CALENDAR[date], True), who.key("treasury"))


def _with_a_bond(genesis: Genesis) -> Genesis:
    bond = o.AssetTerms(BOND, o.AssetKind.SECURITY, genesis.assets[0].issuer, 0)
    return replace(genesis, assets=(*genesis.assets, bond))


def _every_block(genesis: Genesis) -> Genesis:
    margin = replace(genesis.rulebook.margin, cycle_blocks=1)
    return replace(genesis, rulebook=replace(genesis.rulebook, margin=margin))


def test_an_exchange_is_in_the_round_whoever_stays_out_of_it() -> None:
    """Else it would be a free option: approved, and settled on the date that suits one side."""
    world = World(change=_with_a_bond)
    buyer, seller, _ = world.members
    legs = (o.Leg(buyer.lei, seller.lei, USD, 300), o.Leg(seller.lei, buyer.lei, BOND, 20))
    batch = CreateBatch(buyer.lei, "R1", legs, CALENDAR[0], 60, 0, True)
    world.must(world.mint(buyer, 300), world.sign(batch, buyer.key("treasury")))
    for who in (buyer, seller):
        world.must(world.sign(Approve(who.lei, buyer.lei, "R1"), who.key("treasury")))
    world.must(_out(world, seller, 0))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    ((_, row),) = world.state.scan(t.BATCHES)
    assert row.state == o.BatchState.CANCELLED, "the seller had no bonds: it failed, for good"
    assert world.state.scan(t.OBLIGATIONS) == []


def test_with_a_cycle_in_every_block_debts_fall_due_with_the_round_they_stayed_out_of() -> None:
    world = World(maturity=CALENDAR[4], change=_every_block, shares=("AAA", "BBB"))
    a, b, _ = world.members
    world.close(CALENDAR[0], AAA=1_000, BBB=1_000)
    world.must(world.trade(a, b, 40, 1_000), _out(world, a, 1))
    world.must(*world.all_marks(CALENDAR[1], AAA=990))  # BBB is not marked: the date stays open
    for _ in range(7):
        world.apply()
    assert world.network.business_date == CALENDAR[1]
    (debt,) = [row for _, row in world.state.scan(t.OBLIGATIONS)]
    assert (debt.debtor, debt.state) == (a.lei, o.ObligationState.FAILED)


def test_who_is_let_down_by_one_that_stays_out_and_does_not_pay_has_not_failed() -> None:
    """B owes what A owes it: A's staying out must not make of B's liquidity event a default."""
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.trade(a, b, 40, 1_010), world.trade(b, c, 30, 1_010), _out(world, a, 0))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    states = {row.debtor: row.state for _, row in world.state.scan(t.OBLIGATIONS)}
    assert states == {a.lei: o.ObligationState.FAILED, b.lei: o.ObligationState.LATE}
    (row,) = [row for _, row in world.state.scan(t.ROUNDS)]
    assert (row.failed, row.liquidity_events) == ((), (b.lei,))


def test_who_misses_more_than_it_is_let_down_by_has_failed() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.trade(a, b, 20, 1_010), world.trade(b, c, 30, 1_010), _out(world, a, 0))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    states = {row.debtor: row.state for _, row in world.state.scan(t.OBLIGATIONS)}
    assert states == {a.lei: o.ObligationState.FAILED, b.lei: o.ObligationState.FAILED}


def test_the_open_debts_are_gone_through_once_however_many_stay_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(maturity=CALENDAR[4])
    a, b, _ = world.members
    for number in range(20):
        opened = OpenClientAccount(a.lei, f"C{number}", bytes(32))
        world.must(world.sign(opened, a.key("governance")))
        out = StayOut(Party(f"{a.lei}:C{number}"), CALENDAR[0], True)
        world.must(world.sign(out, a.key("treasury")))
    walks: list[int] = []
    monkeypatch.setattr(paying, "waiting", lambda _draft: walks.append(1) or [])
    world.must(world.trade(a, b, 40, 1_010))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert len(walks) <= 2
    assert world.state.scan(t.STAYING_OUT) == []


def test_a_payment_looks_at_the_debtors_debts_and_at_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.trade(a, b, 40, 1_010))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    draft = Draft(world.state)
    looked = []
    must = Draft.must
    monkeypatch.setattr(
        Draft, "must", lambda self, table, key: looked.append(table) or must(self, table, key)
    )
    with pytest.raises(NothingToPay):
        paying.pay_debts(draft, PayDebts(c.lei, b.lei, USD))
    assert t.OBLIGATIONS not in looked
