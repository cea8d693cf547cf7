"""Client accounts: apart from the house and from each other, whatever happens to the house."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CloseClientAccount, Exit, OpenClientAccount, Resign, Transfer
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
