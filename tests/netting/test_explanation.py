"""Why so much was cancelled and no more: bottlenecks and prices, held against solving again."""

import numpy as np
from hypothesis import given, settings

from netting.check import check
from netting.explain import Explained, Extent
from netting.graph import Graph
from netting.greedy import greedy
from netting.solve import solve
from tests.netting.markets import EXAMPLES, SEED, Rows, graph_of, ids_of, row_markets
from tests.netting.peers import networkx_cleared


def explained(graph: Graph) -> Explained:
    return Explained(graph, ids_of(graph.n), SEED, solve(graph, ids_of(graph.n), SEED))


def total(graph: Graph) -> int:
    return check(graph, ids_of(graph.n), SEED, solve(graph, ids_of(graph.n), SEED)).total


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(row_markets(n_max=6, rows_max=12))
def test_one_more_unit_frees_no_more_than_its_price(market: Rows) -> None:
    graph = market.graph()
    answers, before = explained(graph), total(graph)
    for edge in range(graph.pairs):
        amount = graph.amount.copy()
        amount[edge] += 1
        gain = networkx_cleared(Graph(graph.n, graph.debtor, graph.creditor, amount)) - before
        assert 0 <= gain <= answers.edge(edge).price


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(row_markets(n_max=6, rows_max=12))
def test_one_unit_less_costs_at_least_the_price_of_a_debt_cancelled_whole(market: Rows) -> None:
    graph = market.graph()
    answers, before = explained(graph), total(graph)
    for edge in np.flatnonzero(graph.amount > 1).tolist():
        amount = graph.amount.copy()
        amount[edge] -= 1
        loss = before - networkx_cleared(Graph(graph.n, graph.debtor, graph.creditor, amount))
        assert loss >= answers.edge(edge).price


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets())
def test_a_debt_that_is_left_has_no_way_back(market: Rows) -> None:
    answers = explained(market.graph())
    for edge in range(answers.graph.pairs):
        why = answers.edge(edge)
        assert sum(cycle.amount for cycle in why.cycles) == why.cancelled
        if why.extent is Extent.ALL:
            assert why.bottlenecks == ()
            continue
        for stop in why.bottlenecks:
            assert answers.edge(stop.edge).extent is Extent.ALL
        prices = [stop.price for stop in why.bottlenecks]
        assert prices == sorted(prices, reverse=True)


def test_a_triangle_names_its_smallest_debt() -> None:
    answers = explained(graph_of(3, [(0, 1, 5), (1, 2, 7), (2, 0, 9)]))
    why = answers.debt(2, 0)
    assert why is not None
    assert (why.amount, why.cancelled, why.extent) == (9, 5, Extent.PART)
    assert [cycle.members for cycle in why.cycles] == [(0, 1, 2)]
    (stop,) = why.bottlenecks
    assert (stop.edge, stop.price) == (0, 3)
    assert why.within_reach == 1
    assert answers.debt(0, 2) is None
    assert answers.debt(2, 1) is None


def test_cash_would_have_closed_an_open_chain() -> None:
    """0 owes 1, who owes 2: one unit from 2 to 0 would let two be cancelled."""
    answers = explained(graph_of(3, [(0, 1, 5), (1, 2, 5)]))
    assert answers.cash_price(2, 0) >= 2
    why = answers.debt(0, 1)
    assert why is not None
    assert (why.extent, why.price, why.bottlenecks) == (Extent.NOTHING, 0, ())


def test_everything_about_one_member() -> None:
    answers = explained(graph_of(3, [(0, 1, 5), (1, 2, 7), (2, 0, 9)]))
    assert [why.edge for why in answers.member(0)] == [0, 2]


def test_a_greedy_result_is_explained_without_prices() -> None:
    graph = graph_of(3, [(0, 1, 5), (1, 2, 7), (2, 0, 9)])
    answers = Explained(graph, ids_of(3), SEED, greedy(graph))
    assert [answers.edge(edge).price for edge in range(3)] == [0, 0, 0]
    assert answers.edge(0).extent is Extent.ALL
