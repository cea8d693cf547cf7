"""The settlement of a round: who is out, who is put back, and that nobody else is harmed."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netting.settle import Cause, Legs, Settlement, leg_nets, settle
from tests.netting.markets import EXAMPLES

Leg = tuple[int, int, int, int, int]
"""Debtor, creditor, asset, amount, number of its instruction's first leg."""


@dataclass(frozen=True)
class Case:
    n: int
    assets: int
    legs: list[Leg]
    cash: list[list[int]]
    absent: list[int]

    def run(self) -> Settlement:
        return settle(self.columns(), np.array(self.cash, np.int64), self.absent)

    def columns(self) -> Legs:
        table = np.array(self.legs, np.int64).reshape(-1, 5)
        return Legs(self.n, self.assets, *table.T)


def case(n: int, rows: list[tuple[int, int, int]], cash: list[int]) -> Case:
    """One asset, no instructions."""
    legs = [(a, b, 0, amount, place) for place, (a, b, amount) in enumerate(rows)]
    return Case(n, 1, legs, [[amount] for amount in cash], [])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n, assets = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    amount = st.integers(0, 12)
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, n - 1),
                st.integers(1, n - 1),
                st.integers(0, assets - 1),
                amount,
                st.integers(0, 3),
            ),
            max_size=25,
        )
    )
    legs: list[Leg] = []
    for place, (debtor, step, asset, owed, joins) in enumerate(rows):
        first = legs[-1][4] if legs and joins == 0 else place
        legs.append((debtor, (debtor + step) % n, asset, owed, first))
    cash = draw(
        st.lists(
            st.lists(st.integers(0, 15), min_size=assets, max_size=assets), min_size=n, max_size=n
        )
    )
    absent = draw(st.lists(st.integers(0, n - 1), max_size=1))
    return Case(n, assets, legs, cash, absent)


def by_the_book(market: Case) -> tuple[list[bool], dict[int, Cause]]:
    """The rule read literally, on sets, computing everything again at every step."""
    everybody = set(range(market.n))
    inside = everybody - set(market.absent)
    causes = dict.fromkeys(market.absent, Cause.ABSENT)
    parties: dict[int, set[int]] = {}
    for debtor, creditor, _, _, first in market.legs:
        parties.setdefault(first, set()).update((debtor, creditor))

    def settled(leg: Leg, ins: set[int]) -> bool:
        return parties[leg[4]] <= ins

    def missing(who: int, ins: set[int]) -> int:
        left = list(market.cash[who])
        for leg in market.legs:
            if settled(leg, ins):
                left[leg[2]] += leg[3] * ((leg[1] == who) - (leg[0] == who))
        return sum(max(0, -amount) for amount in left)

    shortfall: dict[int, int] = {}
    cause = Cause.FAILED
    while short := {who: missing(who, inside) for who in inside if missing(who, inside)}:
        causes |= dict.fromkeys(short, cause)
        if cause is Cause.LIQUIDITY_EVENT:
            shortfall |= short
        inside -= set(short)
        cause = Cause.LIQUIDITY_EVENT
    for _, who in sorted((amount, who) for who, amount in shortfall.items()):
        if not any(missing(one, inside | {who}) for one in inside | {who}):
            inside.add(who)
            del causes[who]
    return [settled(leg, inside) or leg[3] == 0 for leg in market.legs], causes


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(cases())
def test_it_is_the_rule_read_literally(market: Case) -> None:
    discharged, causes = by_the_book(market)
    outcome = market.run()
    assert outcome.discharged.tolist() == discharged
    assert {one.participant: one.cause for one in outcome.out} == causes


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(cases())
def test_cash_is_conserved_and_nobody_goes_below_zero(market: Case) -> None:
    outcome = market.run()
    assert not outcome.cash.sum(axis=0).any()
    assert (np.array(market.cash) + outcome.cash >= 0).all()
    for one in outcome.out:
        assert not outcome.cash[one.participant].any()


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(cases())
def test_instructions_settle_whole_or_not_at_all(market: Case) -> None:
    outcome = market.run()
    for leg, done in zip(market.legs, outcome.discharged.tolist(), strict=True):
        if leg[3]:
            whole = [
                other_done
                for other, other_done in zip(market.legs, outcome.discharged.tolist(), strict=True)
                if other[4] == leg[4] and other[3]
            ]
            assert all(whole) == done


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(cases())
def test_every_lateness_names_the_exclusion_that_caused_it(market: Case) -> None:
    outcome = market.run()
    out = {one.participant for one in outcome.out}
    late = np.flatnonzero(~outcome.discharged).tolist()
    assert outcome.late.tolist() == late
    for leg, culprit in zip(late, outcome.late_because_of.tolist(), strict=True):
        parties = {
            party for other in market.legs if other[4] == market.legs[leg][4] for party in other[:2]
        }
        assert culprit in parties & out
    for one in outcome.liquidity_events():
        assert one.let_down_by
        assert one.participant not in one.let_down_by


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(cases())
def test_nobody_out_of_reach_of_the_exclusion_sees_a_change(market: Case) -> None:
    """Whoever shares no instruction, directly or in a chain, with anybody out, is settled whole."""
    outcome = market.run()
    reach = {one.participant for one in outcome.out}
    while True:
        touched = {leg[4] for leg in market.legs if {leg[0], leg[1]} & reach}
        wider = {who for leg in market.legs if leg[4] in touched for who in leg[:2]} | reach
        if wider == reach:
            break
        reach = wider
    nets = leg_nets(market.columns())
    for who in range(market.n):
        if who not in reach:
            assert (outcome.cash[who] == nets[who]).all()


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(cases())
def test_full_funding_gives_exactly_the_multilateral_nets(market: Case) -> None:
    columns = market.columns()
    nets = leg_nets(columns)
    outcome = settle(columns, np.maximum(-nets, 0))
    assert outcome.out == ()
    assert outcome.discharged.all()
    assert (outcome.cash == nets).all()


def test_a_member_let_down_is_put_back_when_the_rest_funds() -> None:
    """0 cannot pay 1; 1 cannot pay 2 and 3 without it, who can wait for nothing else."""
    outcome = case(4, [(0, 1, 10), (1, 2, 6), (3, 1, 6)], [0, 0, 0, 6]).run()
    assert [one.participant for one in outcome.failed()] == [0]
    assert outcome.liquidity_events() == ()
    assert outcome.discharged.tolist() == [False, True, True]


def test_a_chain_of_liquidity_events_names_each_cause() -> None:
    outcome = case(5, [(0, 1, 10), (1, 2, 10), (2, 3, 10), (4, 3, 1)], [0, 0, 0, 0, 1]).run()
    assert [(one.participant, one.shortfall) for one in outcome.failed()] == [(0, (10,))]
    assert [(one.participant, one.let_down_by) for one in outcome.liquidity_events()] == [(2, (1,))]
    late = dict(zip(outcome.late.tolist(), outcome.late_because_of.tolist(), strict=True))
    assert late == {0: 0, 1: 2, 2: 2}
    assert outcome.cash.tolist() == [[0], [0], [0], [1], [-1]]


def test_the_smaller_shortfall_is_put_back_first() -> None:
    """1 and 2 were let down by 0; 3 can pay one of them."""
    rows = [(0, 1, 5), (0, 2, 9), (1, 3, 5), (2, 3, 9), (3, 1, 5), (3, 2, 9)]
    outcome = case(4, rows, [0, 0, 0, 0]).run()
    assert [one.participant for one in outcome.failed()] == [0]
    assert outcome.discharged.tolist() == [False, False, True, True, True, True]


def test_an_instruction_with_one_leg_out_is_out_in_every_asset() -> None:
    """0 sells a bond (asset 1) to 1 for cash (asset 0); 1 lacks the cash. 2 owes 0 a bond."""
    legs = [(1, 0, 0, 100, 0), (0, 1, 1, 1, 0), (2, 0, 1, 1, 2)]
    outcome = Case(3, 2, legs, [[0, 0], [99, 0], [0, 1]], []).run()
    assert outcome.discharged.tolist() == [False, False, True]
    assert outcome.failed()[0].shortfall == (1, 0)
    assert outcome.cash.tolist() == [[0, 1], [0, 0], [0, -1]]


def test_those_who_stay_out_beforehand_have_not_failed() -> None:
    market = case(3, [(0, 1, 5), (1, 2, 5)], [5, 5, 0])
    outcome = settle(market.columns(), np.array(market.cash), absent=[0])
    assert [(one.participant, one.cause) for one in outcome.out] == [(0, Cause.ABSENT)]
    assert outcome.discharged.tolist() == [False, True]


def test_a_long_chain_of_failures_is_taken_out_in_little_time() -> None:
    """Each pass touches only the obligations of those it takes out: 5,000 passes, 5,000 debts."""
    n = 5_000
    rows = [(who, who + 1, 10) for who in range(n - 1)]
    outcome = case(n, rows, [0] * n).run()
    assert len(outcome.failed()) == 1
    assert not outcome.discharged.any()
