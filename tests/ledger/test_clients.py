"""Client accounts: apart from the house and from each other, whatever happens to the house."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import (
    Allocate,
    Approve,
    CancelBatch,
    CloseClientAccount,
    CreateBatch,
    Exit,
    OpenClientAccount,
    Resign,
    Transfer,
)
from ledger.invariants import InvariantBroken, check_full
from ledger.state import Draft
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.test_leaving import cooling_off
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import Party

HASH = bytes(32)


def client(who: Identity, reference: str = "C1") -> Party:
    return Party(f"{who.lei}:{reference}")


def opened(world: World, who: Identity, reference: str = "C1") -> Transaction:
    action = OpenClientAccount(who.lei, reference, HASH)
    return world.sign(action, who.key("governance"))


def pay(world: World, by: Identity, sender: str, to: str, amount: int) -> Transaction:
    action = Transfer(USD, Party(sender), Party(to), amount, "")
    return world.sign(action, by.key("treasury"))


def held(world: World, party: str) -> int:
    row = world.state.get(t.BALANCES, t.own_account(party, USD))
    return 0 if row is None else row.balance


def test_an_account_is_opened_once_with_a_sound_reference() -> None:
    world = World()
    a, _, _ = world.members
    for reference in ("", "c1", "C" * 17, "A:B", "É"):
        assert world.codes(opened(world, a, reference)) == ["CLIENT_ACCOUNT_INVALID"]
    world.must(opened(world, a))
    assert world.codes(opened(world, a)) == ["CLIENT_ACCOUNT_INVALID"]
    short = OpenClientAccount(a.lei, "C2", b"")
    assert world.codes(world.sign(short, a.key("governance"))) == ["CLIENT_ACCOUNT_INVALID"]


def test_client_money_goes_to_clients_and_issuers_only() -> None:
    world = World()
    a, b, _ = world.members
    world.must(opened(world, a), opened(world, a, "C2"), opened(world, b), world.mint(a, 100))
    world.must(pay(world, a, a.lei, client(a), 90))
    refused = [
        pay(world, a, client(a), a.lei, 1),
        pay(world, a, client(a), b.lei, 1),
        pay(world, b, b.lei, client(a), 1),
    ]
    assert world.codes(*refused) == ["CLIENT_SEGREGATED"] * 3
    world.must(
        pay(world, a, client(a), client(a, "C2"), 10),
        pay(world, a, client(a), client(b), 20),
        pay(world, a, client(a), world.issuer.lei, 30),
    )
    accounts = (client(a), client(a, "C2"), client(b), world.issuer.lei, a.lei)
    assert [held(world, x) for x in accounts] == [30, 10, 20, 30, 10]


def test_only_its_member_signs_for_a_client() -> None:
    world = World()
    a, b, _ = world.members
    world.must(opened(world, a), opened(world, b))
    with pytest.raises(r.WrongSigners):
        world.check(pay(world, b, client(a), client(b), 1))
    with pytest.raises(r.UnknownAccount):
        world.check(pay(world, a, client(a, "C9"), client(b), 1))


def test_an_account_with_anything_in_it_is_not_closed_nor_does_its_member_leave() -> None:
    world = World(maturity=CALENDAR[0], change=cooling_off(0))
    a, b, _ = world.members
    world.must(opened(world, b), world.mint(b, 5), world.mint(a, 5))
    terms = msgspec.structs.replace(world.terms(a, b, 1, 1_000), seller=client(b))
    world.must(pay(world, b, b.lei, client(b), 5), world.register(terms, a, b))
    close = world.sign(CloseClientAccount(b.lei, "C1"), b.key("governance"))
    with pytest.raises(r.StillOpen, match="CLIENT USD holds 5; 1 live contracts"):
        world.check(close)
    world.close(CALENDAR[0], AAA=990)  # matured: a owes the client 1
    with pytest.raises(r.StillOpen, match="1 obligations"):
        world.check(close)
    world.settle()
    assert held(world, client(b)) == 6
    world.must(world.sign(Resign(b.lei), b.key("governance")))
    with pytest.raises(r.StillOpen, match="client account C1"):
        world.check(world.sign(Exit(b.lei), b.key("governance")))
    world.must(pay(world, b, client(b), world.issuer.lei, 6), close)
    world.must(world.sign(Exit(b.lei), b.key("governance")))


def _batch(world: World, by: Identity, *legs: o.Leg, in_netting: bool = False) -> Transaction:
    date = CALENDAR[0] if in_netting else None
    action = CreateBatch(by.lei, "B1", legs, date, world.height + 9, 0, in_netting)
    return world.sign(action, by.key("treasury"))


def _allocated(world: World, who: Identity, party: Party, creator: Identity) -> Transaction:
    return world.sign(Allocate(party, creator.lei, "B1"), who.key("treasury"))


def _approved(world: World, who: Identity, party: Party, creator: Identity) -> Transaction:
    return world.sign(Approve(party, creator.lei, "B1"), who.key("treasury"))


def test_a_client_delivers_from_its_own_account_and_not_from_its_house() -> None:
    world = World()
    a, b, _ = world.members
    mine = client(a)
    world.must(opened(world, a), world.mint(a, 100), world.mint(b, 7))
    world.must(pay(world, a, a.lei, mine, 40))
    legs = (o.Leg(mine, b.lei, USD, 41), o.Leg(b.lei, mine, USD, 7))
    world.must(_batch(world, a, *legs))
    assert world.codes(_allocated(world, a, mine, a)) == ["CASH_INSUFFICIENT"]
    assert world.codes(_allocated(world, a, a.lei, a)) == ["BATCH_NOT_A_PARTY"]
    world.must(pay(world, a, a.lei, mine, 1))
    close = world.sign(CloseClientAccount(a.lei, "C1"), a.key("governance"))
    world.must(_allocated(world, a, mine, a), _approved(world, a, mine, a))
    assert world.codes(close) == ["MEMBER_STILL_OPEN"]  # empty, but a batch will pay into it
    world.must(_allocated(world, b, b.lei, a), _approved(world, b, b.lei, a))
    assert (held(world, mine), held(world, a.lei), held(world, b.lei)) == (7, 59, 41)


def test_two_clients_of_a_member_are_two_senders_of_one_batch() -> None:
    world = World()
    a, b, _ = world.members
    one, two = client(a), client(a, "C2")
    world.must(opened(world, a), opened(world, a, "C2"), world.mint(a, 100))
    world.must(pay(world, a, a.lei, one, 30), pay(world, a, a.lei, two, 20))
    legs = (o.Leg(one, b.lei, USD, 30), o.Leg(two, b.lei, USD, 20))
    back = (o.Leg(b.lei, one, USD, 3), o.Leg(b.lei, two, USD, 2))
    world.must(_batch(world, a, *legs, *back))
    world.must(_allocated(world, a, one, a))
    assert (held(world, one), held(world, two)) == (0, 20)
    cancel = world.sign(CancelBatch(a.lei, a.lei, "B1"), a.key("treasury"))
    world.must(cancel)
    assert (held(world, one), held(world, two)) == (30, 20)


def test_a_house_exchanges_nothing_with_its_own_client_nor_two_clients_of_one_member() -> None:
    world = World()
    a, b, _ = world.members
    world.must(opened(world, a), opened(world, a, "C2"))
    for sender, to in ((a.lei, client(a)), (client(a), a.lei), (client(a), client(a, "C2"))):
        legs = (o.Leg(Party(sender), Party(to), USD, 1), o.Leg(b.lei, a.lei, USD, 1))
        assert world.codes(_batch(world, a, *legs)) == ["CLIENT_SEGREGATED"]


def test_a_clients_legs_settle_in_a_round_from_what_the_client_has() -> None:
    world = World()
    a, b, _ = world.members
    mine = client(a)
    world.must(opened(world, a), world.mint(a, 100), world.mint(b, 7))
    world.must(pay(world, a, a.lei, mine, 40))
    legs = (o.Leg(mine, b.lei, USD, 30), o.Leg(b.lei, mine, USD, 7))
    world.must(_batch(world, a, *legs, in_netting=True))
    world.must(_approved(world, a, mine, a), _approved(world, b, b.lei, a))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert (held(world, mine), held(world, a.lei), held(world, b.lei)) == (17, 60, 30)


def test_a_balance_of_a_client_that_has_no_account_breaks_the_invariant() -> None:
    world = World()
    a, _, _ = world.members
    world.must(opened(world, a), world.mint(a, 9), pay(world, a, a.lei, client(a), 9))
    check_full(world.state)
    draft = Draft(world.state)
    draft.delete(t.CLIENTS.key(a.lei, "C1"))
    with pytest.raises(InvariantBroken, match="2-clients"):
        check_full(world.state.folded(draft)[0])


@given(
    prices=st.lists(st.integers(500, 1_500), min_size=3, max_size=3),
    house=st.integers(0, 400),
    own=st.integers(0, 400),
    quantity=st.integers(-40, 40).filter(bool),
)
@settings(max_examples=15, deadline=None)
def test_no_loss_of_the_house_ever_reaches_a_client(
    prices: list[int], house: int, own: int, quantity: int
) -> None:
    """The house trades and may fail; the client, which does not trade, keeps what it has."""
    world = World(maturity=CALENDAR[4])
    a, b, _ = world.members
    world.must(opened(world, a), world.mint(a, house + own), world.mint(b, 100))
    if own:
        world.must(pay(world, a, a.lei, client(a), own))
    buyer, seller = (a, b) if quantity > 0 else (b, a)
    world.must(world.trade(buyer, seller, abs(quantity), 1_000))
    for date, price in zip(CALENDAR, prices, strict=False):
        world.close(date, AAA=price)
        world.settle()
        assert held(world, client(a)) == own


@pytest.mark.parametrize("in_netting", [False, True])
def test_a_batch_takes_nothing_of_a_client_for_nothing(in_netting: bool) -> None:
    """Else a house would have its client's money by way of another house."""
    world = World()
    a, b, _ = world.members
    world.must(opened(world, a), opened(world, b), world.mint(a, 100))
    world.must(pay(world, a, a.lei, client(a), 90))

    def batch(number: int, *legs: o.Leg) -> Transaction:
        action = CreateBatch(a.lei, f"R{number}", legs, CALENDAR[0], 40, 0, in_netting)
        return world.sign(action, a.key("treasury"))

    out = o.Leg(client(a), b.lei, USD, 90)
    refused = [batch(1, out), batch(2, out, o.Leg(b.lei, a.lei, USD, 90))]
    assert world.codes(*refused) == ["CLIENT_SEGREGATED"] * 2
    world.must(
        batch(3, out, o.Leg(b.lei, client(a), USD, 1)),
        batch(4, o.Leg(client(a), client(b), USD, 5)),
        batch(5, o.Leg(client(a), world.issuer.lei, USD, 5)),
    )
