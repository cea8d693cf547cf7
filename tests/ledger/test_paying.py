"""Debts outside of rounds: paid singly; exchanges whole; and rounds that somebody stays out of."""

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.actions import Approve, CreateBatch, CureDefault, Mint, PayDebts, StayOut
from ledger.events import DebtPaid, NoticeEnded, RoundFrozen
from ledger.genesis import Genesis
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import AssetCode

BOND = AssetCode("BOND")
replace = msgspec.structs.replace


def _pay(world: World, debtor: Identity, creditor: Identity) -> Transaction:
    action = PayDebts(debtor.lei, creditor.lei, USD)
    return world.sign(action, debtor.key("treasury"))


def _out(world: World, who: Identity, date: int, *, out: bool = True) -> Transaction:
    return world.sign(StayOut(who.lei, CALENDAR[date], out), who.key("treasury"))


def test_a_late_debt_is_paid_as_soon_as_there_is_money() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.trade(a, b, 40, 1_010), world.trade(b, c, 30, 1_010))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    states = {row.debtor: row.state for _, row in world.state.scan(t.OBLIGATIONS)}
    assert states == {a.lei: o.ObligationState.FAILED, b.lei: o.ObligationState.LATE}
    assert world.codes(_pay(world, a, b)) == ["CASH_INSUFFICIENT"]
    applied = world.must(world.mint(a, 40), _pay(world, a, b), _pay(world, b, c))
    paid = [event for event in applied.events if isinstance(event, DebtPaid)]
    assert [event.amount for event in paid] == [40, 30]
    assert (world.cash(a), world.cash(b), world.cash(c)) == (0, 10, 30)
    assert world.obligations() == {}
    assert world.state.scan(t.CALLS) == world.state.scan(t.OVERDUES) == []


def test_what_a_round_holds_is_not_paid_singly() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, _ = world.members
    world.must(world.trade(a, b, 40, 1_010), world.mint(a, 100))
    world.close(CALENDAR[0], AAA=1_000)
    assert world.codes(_pay(world, a, b)) == ["DEBT_NONE"]
    world.settle()
    assert world.cash(b) == 40


def test_nobody_stays_out_of_a_round_that_is_frozen() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.trade(a, b, 40, 1_010), world.trade(b, c, 30, 1_010), world.mint(b, 100))
    world.close(CALENDAR[0], AAA=1_000)
    assert world.codes(_out(world, a, 0)) == ["ROUND_STAY_OUT"]


def test_who_stays_out_delays_others_and_has_no_claim_on_their_failure() -> None:
    """B is owed and owes: what A owes it waits; that A has not paid yet is no failure of A's."""
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(world.trade(a, b, 40, 1_010), world.trade(b, c, 30, 1_010), world.mint(a, 40))
    world.must(_out(world, b, 0))
    applied = world.close(CALENDAR[0], AAA=1_000)
    assert not any(isinstance(event, RoundFrozen) for event in applied.events)
    while world.state.scan(t.STAYING_OUT):
        world.apply()
    ((overdue, _),) = world.state.scan(t.OVERDUES)
    debt = world.state.must(t.OBLIGATIONS, t.OBLIGATIONS.key(*t.OVERDUES.parts(overdue)))
    assert (debt.debtor, debt.state) == (b.lei, o.ObligationState.FAILED)
    world.close(CALENDAR[1], AAA=1_000)  # it is in again, and A's payment funds it
    world.settle()
    assert (world.cash(a), world.cash(b), world.cash(c)) == (0, 10, 30)


def _exchange(seller_has: int) -> tuple[World, Identity, Identity]:
    """A linked exchange of 300 against 20 bonds that its seller has failed; the buyer has no money
    any more, the seller bonds."""

    def with_a_bond(genesis: Genesis) -> Genesis:
        bond = o.AssetTerms(BOND, o.AssetKind.SECURITY, genesis.assets[0].issuer, 0)
        return replace(genesis, assets=(*genesis.assets, bond))

    world = World(members=3, change=with_a_bond)
    buyer, seller, _ = world.members
    legs = (o.Leg(buyer.lei, seller.lei, USD, 300), o.Leg(seller.lei, buyer.lei, BOND, 20))
    batch = CreateBatch(buyer.lei, "R1", legs, CALENDAR[0], 60, 3, True)
    world.must(world.mint(buyer, 300), world.sign(batch, buyer.key("treasury")))
    for who in (buyer, seller):
        world.must(world.sign(Approve(who.lei, buyer.lei, "R1"), who.key("treasury")))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    # As a delivery of a contract would be, which nothing forgives.
    for key, row in world.state.scan(t.OBLIGATIONS):
        if row.debtor == seller.lei:
            ident = t.OBLIGATIONS.parts(key)[0]
            world.put({t.OVERDUES.key(ident): o.Overdue(1)})
    while not world.state.scan(t.DEFAULT_CASES):
        world.apply()
    world.must(world.transfer(buyer, world.members[2], 300))
    if seller_has:
        mint = Mint(BOND, seller.lei, seller_has, "R")
        world.must(world.sign(mint, world.issuer.key("treasury")))
    return world, buyer, seller


def _cure(world: World, who: Identity) -> Transaction:
    return world.sign(CureDefault(who.lei, 1), who.key("treasury"))


def test_a_failed_delivery_is_cured_against_its_payment() -> None:
    world, buyer, seller = _exchange(20)
    world.must(world.mint(buyer, 300))
    applied = world.must(_cure(world, seller))
    assert NoticeEnded(1, seller.lei, True) in applied.events
    assert world.cash(seller) == 300
    assert world.state.must(t.BALANCES, t.own_account(buyer.lei, BOND)).balance == 20


def test_who_could_deliver_is_cured_though_the_other_cannot_pay_and_delivers_nothing() -> None:
    world, _, seller = _exchange(20)
    applied = world.must(_cure(world, seller))
    assert NoticeEnded(1, seller.lei, True) in applied.events
    assert world.cash(seller) == 0
    assert world.state.must(t.BALANCES, t.own_account(seller.lei, BOND)).balance == 20


def test_who_cannot_deliver_is_not_cured() -> None:
    world, _, seller = _exchange(19)
    assert world.codes(_cure(world, seller)) == ["CASH_INSUFFICIENT"]


def test_an_exchange_with_one_in_default_takes_nothing_of_its_estate() -> None:
    """The seller delivers what it failed, when its buyer has been declared: what the buyer has is
    its creditors', and the exchange goes into the close-out."""
    world, buyer, seller = _exchange(20)
    world.must(world.mint(buyer, 300))
    key = t.MEMBERS.key(buyer.lei)
    row = world.state.must(t.MEMBERS, key)
    world.put({key: replace(row, state=o.MemberState.DEFAULTED)})
    applied = world.must(_cure(world, seller))
    assert NoticeEnded(1, seller.lei, True) in applied.events
    assert world.cash(buyer) == 300
    assert world.cash(seller) == 0
    assert world.state.must(t.BALANCES, t.own_account(seller.lei, BOND)).balance == 20
