"""Fees: the published schedule to the minor unit, who owes them, and where they show."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import objects as o
from ledger import tables as t
from ledger.actions import AmendTrade
from ledger.fees import amount
from ledger.genesis import BadGenesis, Genesis
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, World
from wire.ids import Lei
from wire.limits import AMOUNT_MAX


def schedule(
    flat: int = 0,
    ppm: int = 0,
    cap: int = 0,
    discounts: tuple[tuple[int, int], ...] = (),
    collector: Lei | None = None,
) -> o.FeeSchedule:
    return o.FeeSchedule(collector, flat, ppm, cap, tuple(o.FeeDiscount(*x) for x in discounts))


def charging(fees: o.FeeSchedule) -> World:
    """The last member collects."""

    def change(genesis: Genesis) -> Genesis:
        traders = [who.lei for who in genesis.members if o.Role.MEMBER in who.roles]
        named = msgspec.structs.replace(fees, collector=fees.collector or traders[-1])
        rulebook = msgspec.structs.replace(genesis.rulebook, fees=named)
        return msgspec.structs.replace(genesis, rulebook=rulebook)

    return World(maturity=CALENDAR[4], change=change)


@pytest.mark.parametrize(
    ("fees", "notional", "contribution", "expected"),
    [
        (schedule(), 10**12, 0, 0),
        (schedule(flat=7), 10**12, 0, 7),
        (schedule(ppm=100), 123_450_000, 0, 12_345),  # a basis point
        (schedule(ppm=1), 500_000, 0, 0),  # a half, to even
        (schedule(ppm=1), 1_500_000, 0, 2),
        (schedule(flat=500, ppm=100, cap=2_000), 10**8, 0, 2_000),
        (schedule(flat=1_000, discounts=((10, 2_500), (20, 10_000))), 0, 9, 1_000),
        (schedule(flat=1_000, discounts=((10, 2_500), (20, 10_000))), 0, 10, 750),
        (schedule(flat=1_000, discounts=((10, 2_500), (20, 10_000))), 0, 20, 0),
        (schedule(flat=1, discounts=((0, 5_000),)), 0, 0, 0),  # a half, to even
    ],
)
def test_a_fee_is_exact_by_rule(
    fees: o.FeeSchedule, notional: int, contribution: int, expected: int
) -> None:
    assert amount(fees, notional, contribution) == expected


@given(
    flat=st.integers(0, 10**15),
    ppm=st.integers(0, 100_000),
    cap=st.integers(1, 10**15),
    notional=st.integers(0, AMOUNT_MAX),
    bps=st.integers(0, 10_000),
)
def test_no_fee_is_negative_nor_above_its_cap_and_more_contribution_never_costs_more(
    flat: int, ppm: int, cap: int, notional: int, bps: int
) -> None:
    fees = schedule(flat, ppm, cap, ((100, bps),))
    full, less = amount(fees, notional, 0), amount(fees, notional, 100)
    assert 0 <= less <= full <= cap


def test_both_parties_owe_the_collector_and_the_contract_shows_it() -> None:
    world = charging(schedule(flat=30))
    a, b, c = world.members
    tx = world.trade(a, b, 1, 1_000)
    world.must(tx, world.mint(a, 100), world.mint(b, 100))
    assert world.obligations() == {(a.lei, c.lei): 30, (b.lei, c.lei): 30}
    ((_, contract),) = world.state.scan(t.CONTRACTS)
    assert contract.fees == (o.TradeFee(a.lei, 30), o.TradeFee(b.lei, 30))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert [world.cash(who) for who in (a, b, c)] == [70, 70, 60]


def test_the_collector_pays_no_fee_to_itself_and_an_amendment_costs_nothing() -> None:
    world = charging(schedule(flat=30))
    a, _, c = world.members
    terms = world.terms(a, c, 1, 1_000)
    world.must(world.register(terms, a, c))
    assert world.obligations() == {(a.lei, c.lei): 30}
    more = AmendTrade(msgspec.structs.replace(terms, quantity=2))
    world.must(world.sign(more, a.key("trade"), c.key("trade")))
    assert world.obligations() == {(a.lei, c.lei): 30}
    ((_, contract),) = world.state.scan(t.CONTRACTS)
    assert contract.fees == (o.TradeFee(a.lei, 30),)


def test_a_contribution_to_the_fund_lowers_the_fee() -> None:
    world = charging(schedule(flat=30, discounts=((50, 5_000),)))
    a, b, c = world.members
    world.must(world.mint(a, 50))
    world.must(defaults.contribution(world, a, 50))
    world.must(world.trade(a, b, 1, 1_000))
    assert world.obligations() == {(a.lei, c.lei): 15, (b.lei, c.lei): 30}


@pytest.mark.parametrize(
    "fees",
    [
        schedule(flat=-1),
        schedule(ppm=100_001),
        schedule(cap=10**15 + 1),
        schedule(discounts=((2, 1), (1, 1))),
        schedule(discounts=((1, 10_001),)),
        schedule(collector=Lei("NOBODY")),
    ],
)
def test_a_schedule_out_of_range_is_no_rulebook(fees: o.FeeSchedule) -> None:
    with pytest.raises(BadGenesis):
        charging(fees)
