"""The compiled passes: the same flows and the same verdicts as the arrays, on any input."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netting import compiled
from netting.certificate import Potentials, decode, encode, p_max, q_max
from netting.check import check
from netting.errors import CertificateRefused
from netting.generate import Market
from netting.graph import Graph
from netting.passes import Arrays, Passes, fastest
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


@pytest.fixture(scope="module", autouse=True)
def loops() -> Passes:
    pytest.importorskip("numba")
    assert compiled.load()
    return fastest()


def verdict(graph: Graph, certificate: bytes, passes: Passes) -> bytes | None:
    """The flows that are accepted; None if the certificate is refused."""
    try:
        proven = check(graph, ids_of(graph.n), SEED, certificate, passes=passes)
    except CertificateRefused:
        return None
    return proven.flows.tobytes()


def both(graph: Graph, certificate: bytes) -> bytes | None:
    """The one verdict of both."""
    one = verdict(graph, certificate, Arrays())
    assert one == verdict(graph, certificate, fastest())
    return one


def test_the_loops_are_used_once_they_are_ready(loops: Passes) -> None:
    assert not isinstance(loops, Arrays)


def test_without_numba_the_arrays_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "find_spec", lambda _: None)
    monkeypatch.setattr(compiled, "_ready", {})
    assert not compiled.load()
    assert isinstance(fastest(), Arrays)


@pytest.mark.parametrize(
    "trouble",
    [RuntimeError("cannot cache: no locator available"), ImportError("Numba needs NumPy 2.3")],
)
def test_where_numba_does_not_work_the_arrays_do_it(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(name: str) -> None:
        raise trouble

    monkeypatch.setattr(compiled, "import_module", failing)
    monkeypatch.setattr(compiled, "_ready", {})
    assert not compiled.load()
    assert isinstance(fastest(), Arrays)


def test_checking_does_not_import_numba_by_itself() -> None:
    """A node that has not asked for it pays nothing: no second lost in the middle of a round."""
    import subprocess

    code = (
        "import sys, netting.check, netting.solve, netting.round;"
        "assert 'numba' not in sys.modules, 'numba'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.one_of(generated.map(market_graph), row_markets().map(Rows.graph)), st.data())
def test_one_verdict_on_good_and_on_tampered_certificates(
    graph: Graph, data: st.DataObject
) -> None:
    certificate = solve(graph, ids_of(graph.n), SEED)
    assert both(graph, certificate) is not None
    changed = bytearray(certificate)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    both(graph, bytes(changed))
    potentials = decode(certificate, graph)
    assert isinstance(potentials, Potentials)
    who = data.draw(st.integers(0, graph.n - 1))
    if data.draw(st.booleans()):
        potentials.p[who] = data.draw(st.integers(-p_max(graph.n), p_max(graph.n)))
    else:
        potentials.q[who] = data.draw(st.integers(-q_max(graph.n), q_max(graph.n)))
    both(graph, encode(potentials, graph))


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets(), st.data())
def test_one_verdict_when_anybody_may_count_nothing(market: Rows, data: st.DataObject) -> None:
    plain = market.graph()
    free = data.draw(st.integers(0, plain.n - 1))
    graph = Graph(plain.n, plain.debtor, plain.creditor, plain.amount, free)
    assert both(graph, solve(graph, ids_of(graph.n), SEED)) is not None


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets(n_max=7, rows_max=9), st.data())
def test_one_answer_where_conservation_has_to_decide(market: Rows, data: st.DataObject) -> None:
    """Forests, cycles, and surpluses so large that they wrap around, or fit nobody."""
    graph = market.graph()
    large = st.one_of(st.integers(-3, 3), st.integers(-(2**62), 2**62))
    flows = np.array(data.draw(st.lists(large, min_size=graph.pairs, max_size=graph.pairs)))
    flows = flows.astype(np.int64)
    tight = np.array([e for e in range(graph.pairs) if data.draw(st.booleans())], np.int64)
    flows[tight] = 0
    answers = []
    for passes in (Arrays(), fastest()):
        branches = passes.by_conservation(graph, tight, flows.copy())
        fine = branches is not None and ((branches >= 0) & (branches < 2**62)).all()
        answers.append(branches.tolist() if branches is not None and fine else None)
    assert answers[0] == answers[1]


def test_columns_of_other_types_and_frozen_ones() -> None:
    graph = graph_of(3, [(0, 1, 5), (1, 2, 7), (2, 0, 9)])
    certificate = solve(graph, ids_of(3), SEED)
    frozen = graph.amount.copy()
    frozen.setflags(write=False)
    wide = Graph(3, graph.debtor.astype(np.int64), graph.creditor[::1], frozen)  # type: ignore[arg-type]
    assert both(wide, certificate) == both(graph, certificate)


def test_a_market_of_every_kind_of_edge(loops: Passes) -> None:
    market: Market = Market(
        3, np.array([0, 1, 2, 0]), np.array([1, 2, 0, 2]), np.array([5, 7, 9, 1])
    )
    graph = market_graph(market)
    flows, tight = loops.by_price(graph, np.array([0, 1, 2], np.int32))
    expected = Arrays().by_price(graph, np.array([0, 1, 2], np.int32))
    assert (flows.tolist(), tight.tolist()) == (expected[0].tolist(), expected[1].tolist())
