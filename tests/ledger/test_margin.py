"""The margin cycle: what moves between two members on a date, to the minor unit."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import objects as o
from ledger import tables as t
from ledger.events import ContractMatured, MarginCycle
from ledger.genesis import Genesis
from ledger.sets import contract_value
from tests.ledger.world import CALENDAR, USD, World, with_rulebook
from wire.limits import SET_BOUND_MAX

D1, D2, D3 = CALENDAR[:3]


def _rich(world: World) -> None:
    world.must(*[world.mint(member, 10**9) for member in world.members])


def test_the_loser_owes_the_winner_the_change_in_value() -> None:
    world = World()
    _rich(world)
    a, b, _ = world.members
    world.must(world.trade(a, b, 300, 10_000))
    applied = world.close(D1, AAA=10_500)
    assert MarginCycle(D1, USD, 15_000, 1) in applied.events
    assert world.obligations() == {(b.lei, a.lei): 15_000}
    assert world.position(a, b).settled == 15_000
    world.settle()
    assert (world.cash(a), world.cash(b)) == (10**9 + 15_000, 10**9 - 15_000)
    world.close(D2, AAA=9_900)
    assert world.obligations() == {(a.lei, b.lei): 18_000}
    assert world.position(a, b).settled == -3_000


def test_trades_of_a_pair_are_margined_together_and_pairs_apart() -> None:
    world = World(shares=("AAA", "BBB"))
    a, b, c = world.members
    world.must(
        world.trade(a, b, 10, 1_000, "AAA"),
        world.trade(b, a, 10, 1_000, "BBB"),
        world.trade(b, c, 10, 1_000, "BBB"),
    )
    applied = world.close(D1, AAA=1_500, BBB=1_200)
    assert world.obligations() == {(b.lei, a.lei): 300, (c.lei, b.lei): 200}
    assert MarginCycle(D1, USD, 500, 2) in applied.events


def test_no_change_in_value_moves_nothing() -> None:
    world = World()
    a, b, _ = world.members
    world.must(world.trade(a, b, 300, 10_000))
    applied = world.close(D1, AAA=10_000)
    assert [type(event).__name__ for event in applied.events] == ["DateClosed"]
    assert world.state.scan(t.ROUNDS) == []


def test_below_the_minimum_transfer_amount_nothing_moves_and_settled_stays() -> None:
    world = World(change=with_rulebook(minimum_transfer_amount=100))
    _rich(world)
    a, b, _ = world.members
    world.must(world.trade(a, b, 1, 1_000))
    world.close(D1, AAA=1_990)
    assert world.obligations() == {}
    assert world.position(a, b).settled == 0
    world.close(D2, AAA=2_000)
    assert world.obligations() == {(b.lei, a.lei): 100}


def test_what_moves_is_rounded_toward_zero_and_settled_grows_by_just_that() -> None:
    world = World(change=with_rulebook(rounding_unit=50))
    _rich(world)
    a, b, _ = world.members
    world.must(world.trade(a, b, 1, 10_000))
    world.close(D1, AAA=11_490)
    assert world.obligations() == {(b.lei, a.lei): 100}
    world.settle()
    world.close(D2, AAA=11_500)
    assert world.obligations() == {(b.lei, a.lei): 50}
    world.settle()
    world.close(D3, AAA=1_010)
    assert world.obligations() == {(a.lei, b.lei): 150 + 899}  # its last date: in full
    assert world.position(a, b) == o.Settled(USD, 0, 0, 0, 0, 0, 0)


def test_rounding_toward_zero_holds_for_the_party_that_owes_too() -> None:
    world = World(change=with_rulebook(rounding_unit=50))
    _rich(world)
    a, b, _ = world.members
    world.must(world.trade(a, b, 1, 10_000))
    world.close(D1, AAA=8_510)
    assert world.obligations() == {(a.lei, b.lei): 100}
    assert world.position(a, b).settled == -100


def test_on_its_last_date_a_contract_is_settled_in_full_and_leaves() -> None:
    world = World(change=with_rulebook(minimum_transfer_amount=10**6, rounding_unit=1_000))
    _rich(world)
    a, b, _ = world.members
    tx = world.trade(a, b, 1, 1_000)
    world.must(tx)
    for date in (D1, D2):
        world.close(date, AAA=1_230)
    assert world.obligations() == {}
    applied = world.close(D3, AAA=1_010)
    ((key, contract),) = world.state.scan(t.CONTRACTS)
    assert contract.state == o.ContractState.MATURED
    assert ContractMatured(contract.trade.uti, D3) in applied.events
    assert world.obligations() == {(b.lei, a.lei): 1}
    assert world.position(a, b) == o.Settled(USD, 0, 0, 0, 0, 0, 0)
    world.settle()
    world.close(CALENDAR[3], AAA=5_000)
    assert world.obligations() == {}
    assert t.CONTRACTS.parts(key) == (contract.trade.uti,)


def test_a_maturing_contract_leaves_the_rest_of_its_set_in_place() -> None:
    def two_maturities(genesis: Genesis) -> Genesis:
        first, second = genesis.instruments
        late = msgspec.structs.replace(second, maturity=CALENDAR[4])
        return msgspec.structs.replace(genesis, instruments=(first, late))

    world = World(shares=("AAA", "BBB"), maturity=D1, change=two_maturities)
    _rich(world)
    a, b, _ = world.members
    world.must(world.trade(a, b, 10, 1_000, "AAA"), world.trade(a, b, 7, 2_000, "BBB"))
    world.close(D1, AAA=1_100, BBB=1_900)
    assert world.obligations() == {(b.lei, a.lei): 100 - 70}
    assert world.position(a, b) == o.Settled(USD, -70, 1_400, 7 * 10**8, 1, 0, 0)
    world.settle()
    world.close(D2, AAA=5, BBB=2_000)
    assert world.obligations() == {(b.lei, a.lei): 70}


@given(
    quantity=st.integers(1, 10**6),
    price=st.integers(1, 10**9),
    mark=st.integers(1, 10**9),
    exponent=st.integers(0, 8),
    scale=st.sampled_from([1, 3, 8, 1_000, 10**6]),
)
def test_a_contracts_value_is_exact_and_rounded_once_half_to_even(
    quantity: int, price: int, mark: int, exponent: int, scale: int
) -> None:
    world = World()
    instrument = world.state.must(t.INSTRUMENTS, t.INSTRUMENTS.key("FWD-AAA"))
    instrument = msgspec.structs.replace(instrument, price_scale=scale)
    a, b, _ = world.members
    trade = world.terms(a, b, quantity, price)
    exact = Fraction(quantity * (mark - price) * 10**exponent, scale)
    assert contract_value(trade, instrument, mark, exponent) == round(exact)


def test_at_the_bound_of_a_set_the_largest_swing_still_fits() -> None:
    world = World()
    a, b, _ = world.members
    quantity = SET_BOUND_MAX // 10**8
    world.must(world.trade(a, b, quantity, 10**9))
    world.close(D1, AAA=1)
    fall = round(Fraction(-quantity * (10**9 - 1), 10))
    assert world.position(a, b).settled == fall
    world.must(world.mint(a, 1))
    assert world.obligations() == {(a.lei, b.lei): -fall}


@pytest.mark.parametrize("swings", [(1, 10**9, 1)])
def test_repeated_swings_at_the_bound_keep_every_figure_an_amount(swings: tuple[int, ...]) -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    quantity = SET_BOUND_MAX // 10**8
    for one, other in ((a, b), (b, c), (c, a)):
        world.must(world.trade(one, other, quantity, 5 * 10**8))
    for date, mark in zip(CALENDAR, swings, strict=False):
        world.close(date, AAA=mark)
        world.settle()
    assert sum(world.cash(member) for member in world.members) == 0
