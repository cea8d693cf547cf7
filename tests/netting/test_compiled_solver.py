"""The compiled solver: the same flows as the reference, on markets it was not made for too."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netting import compiled
from netting.certificate import Objective
from netting.check import check
from netting.errors import Unsolved
from netting.generate import SHAPES
from netting.graph import Graph, Ints, net_positions, nets
from netting.solve import Shipment, Solver, solve
from netting.solver_pylmcf import solver_pylmcf
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


@pytest.fixture(scope="module", autouse=True)
def _loops() -> None:
    pytest.importorskip("numba")
    assert compiled.load()


def shrinking() -> Solver:
    """Leaves taken off, chains merged, the rest by the simplex."""
    from netting.primal_dual import ship
    from netting.shrink import shrunk

    def by_shrinking(shipment: Shipment) -> Ints:
        small = shipment.cost.max(initial=0) <= 1
        return ship(shipment, 10**6)[0] if small else shrunk(shipment, solver_pylmcf)

    return by_shrinking


def sifting() -> Solver:
    """Most debts left out at first, however few there are."""
    from netting.primal_dual import ship
    from netting.solver_compiled import in_parts

    def by_sifting(shipment: Shipment) -> Ints:
        small = shipment.cost.max(initial=0) <= 1
        return ship(shipment, 10**6)[0] if small else in_parts(shipment)

    return by_sifting


def as_shipped() -> Solver:
    """The one after the other, however many price levels there are."""
    from netting.primal_dual import ship
    from netting.solver_compiled import solver_compiled

    def by_both(shipment: Shipment) -> Ints:
        small = shipment.cost.max(initial=0) <= 1
        return ship(shipment, 10**6)[0] if small else solver_compiled(shipment)

    return by_both


def certified(graph: Graph, solver: Solver) -> bytes:
    """The flows, found level after level by `solver` alone."""
    import netting.solve as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            module, "_ways", lambda *_: iter([(module._one_level_after_the_other, solver)])
        )
        proven = check(graph, ids_of(graph.n), SEED, solve(graph, ids_of(graph.n), SEED))
    assert proven.objective is Objective.OPTIMAL
    return proven.flows.tobytes()


def reference(graph: Graph) -> bytes:
    certificate = solve(graph, ids_of(graph.n), SEED, solver=solver_pylmcf)
    return check(graph, ids_of(graph.n), SEED, certificate).flows.tobytes()


@pytest.mark.parametrize("how", [shrinking, sifting, as_shipped])
@settings(max_examples=EXAMPLES, deadline=None)
@given(graph=st.one_of(generated.map(market_graph), row_markets().map(Rows.graph)))
def test_the_same_flows_as_the_reference(how: Callable[[], Solver], graph: Graph) -> None:
    assert certified(graph, how()) == reference(graph)


@pytest.mark.parametrize("how", [shrinking, sifting, as_shipped])
@settings(max_examples=EXAMPLES, deadline=None)
@given(market=row_markets(), data=st.data())
def test_the_same_flows_when_somebody_counts_nothing(
    how: Callable[[], Solver], market: Rows, data: st.DataObject
) -> None:
    plain = market.graph()
    free = data.draw(st.integers(0, plain.n - 1))
    graph = Graph(plain.n, plain.debtor, plain.creditor, plain.amount, free)
    assert certified(graph, how()) == reference(graph)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    graph=st.one_of(generated.map(market_graph), row_markets().map(Rows.graph)),
    step=st.integers(1, 100),
)
def test_a_rough_solution_ships_everything_and_keeps_within_its_step(
    graph: Graph, step: int
) -> None:
    from netting.scaling import approach

    cost = graph.amount % 61
    shipment = Shipment(graph.debtor, graph.creditor, graph.amount, cost, -nets(graph))
    p, flows = approach(shipment, step)
    assert not (shipment.supply + _brought(graph, flows)).any()
    assert ((flows >= 0) & (flows <= graph.amount)).all()
    reduced = cost + p[graph.debtor] - p[graph.creditor]
    assert (reduced[flows < graph.amount] >= -step).all()
    assert (reduced[flows > 0] <= step).all()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(generated.map(market_graph), row_markets().map(Rows.graph)))
def test_price_levels_end_with_an_optimum_that_ships_everything(graph: Graph) -> None:
    from netting.primal_dual import ship

    cost = graph.amount % 7
    shipment = Shipment(graph.debtor, graph.creditor, graph.amount, cost, -nets(graph))
    p, flows = ship(shipment, 10**6)
    assert not (shipment.supply + _brought(graph, flows)).any()
    assert ((flows >= 0) & (flows <= graph.amount)).all()
    reduced = cost + p[graph.debtor] - p[graph.creditor]
    assert (reduced[flows < graph.amount] >= 0).all()
    assert (reduced[flows > 0] <= 0).all()


def _brought(graph: Graph, flows: Ints) -> Ints:
    return net_positions(graph.n, graph.debtor, graph.creditor, flows)


def test_a_supply_that_cannot_be_shipped_is_given_up_on() -> None:
    from netting.scaling import approach

    graph = graph_of(3, [(0, 1, 5), (1, 2, 7)])
    supply = np.array([6, 0, -6])
    with pytest.raises(Unsolved, match="without end"):
        approach(Shipment(graph.debtor, graph.creditor, graph.amount, graph.amount, supply), 1)


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("density", [2, 30])
def test_two_thousand_members(shape: str, density: int) -> None:
    graph = market_graph(SHAPES[shape](2_000, 2_000 * density, 11))
    expected = reference(graph)
    for how in (shrinking, sifting, as_shipped):
        assert certified(graph, how()) == expected


def test_a_large_market_goes_to_the_compiled_solver_first(monkeypatch: pytest.MonkeyPatch) -> None:
    import netting.solver_compiled as module

    asked: list[int] = []

    def noting(shipment: Shipment) -> Ints:
        asked.append(len(shipment.amount))
        return solver_pylmcf(shipment)

    graph = market_graph(SHAPES["core-periphery"](60, 400, 1))
    monkeypatch.setattr(module, "solver_compiled", noting)
    solve(graph, ids_of(60), SEED)
    assert asked == []
    monkeypatch.setattr("netting.solve.LARGE", 60)
    solve(graph, ids_of(60), SEED)
    assert len(asked) == 2
    monkeypatch.setattr(compiled, "_ready", {})
    solve(graph, ids_of(60), SEED)
    assert len(asked) == 2


def test_a_ring_has_too_many_levels_and_is_left_to_the_simplex(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from netting.solver_compiled import solver_compiled

    graph = market_graph(SHAPES["ring"](3_000, 6_000, 2))
    level = Shipment(graph.debtor, graph.creditor, graph.amount, graph.value(), -nets(graph))
    with pytest.raises(Unsolved, match="price levels"):
        solver_compiled(level)
    monkeypatch.setattr("netting.solve.LARGE", 1)
    proven = check(graph, ids_of(3_000), SEED, solve(graph, ids_of(3_000), SEED))
    assert proven.objective is Objective.OPTIMAL


def test_what_the_loops_are_given_is_left_as_it_was() -> None:
    graph = graph_of(4, [(0, 1, 5), (1, 2, 7), (2, 0, 9), (2, 3, 4), (3, 0, 4)])
    columns = (graph.debtor, graph.creditor, graph.amount, graph.value() * 5, -nets(graph))
    before = [column.copy() for column in columns]
    for how in (shrinking, sifting, as_shipped):
        how()(Shipment(*columns))
    assert all(np.array_equal(*pair) for pair in zip(columns, before, strict=True))
