"""The optimum: equal to other solvers, the only one, and the same whatever the labels."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netting.certificate import Objective
from netting.check import check
from netting.generate import SHAPES, Market
from netting.graph import Graph, aggregate, exact_sum, net_positions, set_off
from netting.greedy import cancel_cycles, greedy
from netting.solve import solve
from tests.netting.markets import (
    EXAMPLES,
    SEED,
    Rows,
    generated,
    graph_of,
    ids_of,
    market_graph,
    row_markets,
)
from tests.netting.peers import networkx_cleared, solver_ortools


def flows_of(graph: Graph, ids: list[bytes], seed: bytes = SEED) -> np.ndarray:
    cleared = check(graph, ids, seed, solve(graph, ids, seed))
    assert cleared.objective is Objective.OPTIMAL
    assert cleared.total == exact_sum(cleared.flows)
    return cleared.flows


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets())
def test_the_amount_cancelled_is_that_of_networkx(market: Rows) -> None:
    for graph in (market.graph(), set_off(market.graph()).graph):
        flows = flows_of(graph, ids_of(graph.n))
        assert exact_sum(flows) == networkx_cleared(graph)
        assert ((flows >= 0) & (flows <= graph.amount)).all()
        assert not net_positions(graph.n, graph.debtor, graph.creditor, flows).any()


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets())
def test_a_second_solver_reaches_the_same_flows_on_small_nasty_markets(market: Rows) -> None:
    graph, ids = market.graph(), ids_of(market.n)
    other = check(graph, ids, SEED, solve(graph, ids, SEED, solver=solver_ortools))
    assert other.flows.tobytes() == flows_of(graph, ids).tobytes()


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated)
def test_a_second_solver_reaches_the_same_flows_on_markets_of_every_shape(market: Market) -> None:
    graph, ids = market_graph(market), ids_of(market.n)
    other = check(graph, ids, SEED, solve(graph, ids, SEED, solver=solver_ortools))
    assert other.flows.tobytes() == flows_of(graph, ids).tobytes()


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated, st.randoms(use_true_random=False))
def test_labels_and_order_do_not_matter(market: Market, chance: random.Random) -> None:
    graph, ids = market_graph(market), ids_of(market.n)
    flows = dict(zip(_names(graph, ids), flows_of(graph, ids).tolist(), strict=True))

    places = list(range(market.n))
    chance.shuffle(places)
    place = np.array(places)
    rows = list(range(len(market.amount)))
    chance.shuffle(rows)
    moved = Market(
        market.n, place[market.debtor[rows]], place[market.creditor[rows]], market.amount[rows]
    )
    moved_graph, moved_ids = market_graph(moved), [b""] * market.n
    for old, new in enumerate(places):
        moved_ids[new] = ids[old]
    again = flows_of(moved_graph, moved_ids)
    assert dict(zip(_names(moved_graph, moved_ids), again.tolist(), strict=True)) == flows


def _names(graph: Graph, ids: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [
        (ids[debtor], ids[creditor])
        for debtor, creditor in zip(graph.debtor.tolist(), graph.creditor.tolist(), strict=True)
    ]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40))
def test_totals_do_not_wrap_around(amounts: list[int]) -> None:
    assert exact_sum(np.array(amounts, np.int64)) == sum(amounts)


def test_two_equal_optima_are_told_apart_by_the_seed_alone() -> None:
    """Two triangles share the debt 0 -> 1 of 1: either may be cancelled."""
    graph = graph_of(4, [(0, 1, 1), (1, 2, 1), (2, 0, 1), (1, 3, 1), (3, 0, 1)])
    found = {flows_of(graph, ids_of(4), bytes([seed])).tobytes() for seed in range(32)}
    assert len(found) == 2


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated)
def test_greedy_leaves_no_cycle_and_never_beats_the_optimum(market: Market) -> None:
    graph, ids = market_graph(market), ids_of(market.n)
    cleared = check(graph, ids, SEED, greedy(graph))
    assert cleared.objective is Objective.MAXIMAL
    assert cleared.flows.tobytes() == cancel_cycles(graph).flows.tobytes()
    assert cleared.total <= exact_sum(flows_of(graph, ids))
    left = graph.amount - cleared.flows
    keep = left > 0
    residual = Graph(graph.n, graph.debtor[keep], graph.creditor[keep], left[keep])
    assert networkx_cleared(residual) == 0


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_market_without_debts_clears_nothing(n: int) -> None:
    none = np.empty(0, np.int64)
    graph = aggregate(n, none, none, none)
    assert flows_of(graph, ids_of(n)).tolist() == []


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_thousand_members_solve_and_check(shape: str) -> None:
    graph = market_graph(SHAPES[shape](1_000, 12_000, 7))
    certificate = solve(graph, ids_of(1_000), SEED)
    assert check(graph, ids_of(1_000), SEED, certificate).objective is Objective.OPTIMAL
    assert len(certificate) < 16 * 1_000
