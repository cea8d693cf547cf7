"""Tampering: a changed certificate, market or seed is refused, or leads to the very same flows."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netting import compiled
from netting.certificate import Greedy, Objective, Potentials, decode, encode, p_max, q_max
from netting.check import check
from netting.errors import CertificateRefused
from netting.forest import fill_forest
from netting.generate import Market, core_periphery, ring, trade_credit
from netting.graph import Graph
from netting.greedy import cancel_cycles, greedy
from netting.solve import solve
from netting.varint import pack, unpack
from tests.netting.markets import EXAMPLES, SEED, generated, graph_of, ids_of, market_graph

TRIANGLE = graph_of(3, [(0, 1, 5), (1, 2, 7), (2, 0, 9)])


def refused(graph: Graph, certificate: bytes, seed: bytes = SEED) -> bool:
    try:
        check(graph, ids_of(graph.n), seed, certificate)
    except CertificateRefused:
        return True
    return False


def same_or_refused(
    graph: Graph,
    certificate: bytes,
    flows: np.ndarray,
    ids: list[bytes] | None = None,
    seed: bytes = SEED,
) -> bool:
    try:
        again = check(graph, ids or ids_of(graph.n), seed, certificate)
    except CertificateRefused:
        return True
    return again.flows.tobytes() == flows.tobytes()


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated, st.data())
def test_one_changed_potential(market: Market, data: st.DataObject) -> None:
    graph = market_graph(market)
    certificate = solve(graph, ids_of(graph.n), SEED)
    flows = check(graph, ids_of(graph.n), SEED, certificate).flows
    potentials = decode(certificate, graph)
    assert isinstance(potentials, Potentials)
    which = data.draw(st.sampled_from(["p", "q"]))
    bound = p_max(graph.n) if which == "p" else q_max(graph.n)
    who = data.draw(st.integers(0, graph.n - 1))
    by = data.draw(st.one_of(st.sampled_from([-1, 1, bound, -bound]), st.integers(-bound, bound)))
    getattr(potentials, which)[who] += by
    assert same_or_refused(graph, encode(potentials, graph), flows)


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated, st.data())
def test_one_changed_byte(market: Market, data: st.DataObject) -> None:
    graph = market_graph(market)
    for certificate in (solve(graph, ids_of(graph.n), SEED), greedy(graph)):
        place = data.draw(st.integers(1, len(certificate) - 1))
        changed = bytearray(certificate)
        changed[place] ^= data.draw(st.integers(1, 255))
        flows = check(graph, ids_of(graph.n), SEED, certificate).flows
        if certificate[0] == 1:
            assert same_or_refused(graph, bytes(changed), flows)
        elif not refused(graph, bytes(changed)):
            # Another maximal result may exist; whatever is accepted is a maximal circulation.
            again = check(graph, ids_of(graph.n), SEED, bytes(changed)).flows
            assert ((again >= 0) & (again <= graph.amount)).all()


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated, st.data())
def test_one_changed_amount(market: Market, data: st.DataObject) -> None:
    """A certificate made for other amounts still proves the optimum of these, or is refused."""
    graph = market_graph(market)
    assume(graph.pairs)
    certificate = solve(graph, ids_of(graph.n), SEED)
    edge = data.draw(st.integers(0, graph.pairs - 1))
    amount = graph.amount.copy()
    amount[edge] = max(1, amount[edge] + data.draw(st.sampled_from([-1, 1, 10**6, -(10**6)])))
    other = Graph(graph.n, graph.debtor, graph.creditor, amount)
    flows = check(other, ids_of(other.n), SEED, solve(other, ids_of(other.n), SEED)).flows
    assert same_or_refused(other, certificate, flows)


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated, st.data())
def test_another_seed_or_another_member(market: Market, data: st.DataObject) -> None:
    graph = market_graph(market)
    certificate = solve(graph, ids_of(graph.n), SEED)
    ids, seed = ids_of(graph.n), SEED
    if data.draw(st.booleans()):
        seed = data.draw(st.binary(min_size=0, max_size=64))
    else:
        ids[data.draw(st.integers(0, graph.n - 1))] = b"somebody else"
    flows = check(graph, ids, seed, solve(graph, ids, seed)).flows
    assert same_or_refused(graph, certificate, flows, ids, seed)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(junk: bytes) -> None:
    flows = check(TRIANGLE, ids_of(3), SEED, solve(TRIANGLE, ids_of(3), SEED)).flows
    for kind in (b"", b"\x01", b"\x02"):
        assert same_or_refused(TRIANGLE, kind + junk, flows)


@settings(max_examples=EXAMPLES, deadline=None)
@given(generated, st.data())
def test_cut_short_or_with_something_added(market: Market, data: st.DataObject) -> None:
    graph = market_graph(market)
    for certificate in (solve(graph, ids_of(graph.n), SEED), greedy(graph)):
        assert refused(graph, certificate[: data.draw(st.integers(0, len(certificate) - 1))])
        assert refused(graph, certificate + b"\x00")


def test_one_unit_short_of_the_optimum() -> None:
    """The flows are feasible, but no bytes make them pass: they leave a cycle."""
    rank = np.array([2, 1, 0], np.int64)
    for flow in range(5):
        short = encode(Greedy(rank, np.full(3, flow, np.int64)), TRIANGLE)
        assert refused(TRIANGLE, short)
    assert not refused(TRIANGLE, encode(cancel_cycles(TRIANGLE), TRIANGLE))


def test_flows_that_are_not_conserved() -> None:
    assert refused(TRIANGLE, encode(Greedy(np.array([0, 1, 0]), np.array([5, 5, 6])), TRIANGLE))


def test_a_tie_that_the_weights_do_not_break_is_never_called_optimal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two ways round of equal weight: the tight edges close a cycle, so greedy is shipped."""
    graph = graph_of(4, [(0, 1, 1), (1, 3, 1), (0, 2, 1), (2, 3, 1), (3, 0, 1)])
    monkeypatch.setattr(compiled, "_ready", {})
    for module in ("passes", "solve"):
        monkeypatch.setattr(
            f"netting.{module}.weights", lambda _, debtor, __: np.ones(len(debtor), np.int64)
        )
    certificate = solve(graph, ids_of(4), SEED)
    cleared = check(graph, ids_of(4), SEED, certificate)
    assert (cleared.objective, cleared.total) == (Objective.MAXIMAL, 3)


def test_a_cycle_of_tight_edges_leaves_the_flows_open() -> None:
    debtor, creditor = np.array([0, 1, 2], np.int32), np.array([1, 2, 0], np.int32)
    assert fill_forest(debtor, creditor, np.zeros(4, np.int64)) is None


def test_surpluses_out_of_range_do_not_wrap() -> None:
    debtor, creditor = np.arange(4, dtype=np.int32), np.arange(1, 5, dtype=np.int32)
    huge = np.array([2**62 - 1, 2**62 - 1, 2**62 - 1, 2**62 - 1, 0])
    assert fill_forest(debtor, creditor, huge) is None


@pytest.mark.parametrize("name", ["p", "q"])
def test_a_potential_one_beyond_its_bound(name: str) -> None:
    beyond = {"p": np.zeros(3, np.int64), "q": np.zeros(3, np.int64)}
    beyond[name][1] = (p_max(3) if name == "p" else q_max(3)) + 1
    with pytest.raises(CertificateRefused, match=f"potential {name}"):
        check(TRIANGLE, ids_of(3), SEED, encode(Potentials(**beyond), TRIANGLE))


def test_differences_that_wrap_around_into_range() -> None:
    """2^62 four times is 0 in 64 bits: the last potential would look fine."""
    huge = (1 << 63) - 2
    with pytest.raises(CertificateRefused):
        check(TRIANGLE, ids_of(3), SEED, b"\x01" + pack(np.array([huge, huge, 6, 0, 0, 0])))


def test_a_huge_certificate_is_refused_before_it_is_read() -> None:
    with pytest.raises(CertificateRefused, match="at most"):
        check(TRIANGLE, ids_of(3), SEED, b"\x01" + bytes(3 << 20))


def test_an_edge_state_that_does_not_exist() -> None:
    good = bytearray(greedy(TRIANGLE))
    good[4] |= 3
    assert refused(TRIANGLE, bytes(good))


@pytest.mark.parametrize("junk", [b"\x80", b"\x80\x00", b"\xff" * 9 + b"\x01", b""])
def test_numbers_have_one_form_only(junk: bytes) -> None:
    assert unpack(np.frombuffer(junk, np.uint8), 1) is None


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(0, 2**63 - 1), max_size=20))
def test_numbers_come_back(numbers: list[int]) -> None:
    data = pack(np.array(numbers, np.int64))
    read = unpack(np.frombuffer(data, np.uint8), len(numbers))
    assert read is not None
    assert (read[0].tolist(), read[1]) == (numbers, len(data))


@pytest.mark.parametrize("shape", [core_periphery, trade_credit])
def test_under_8_bytes_a_member(shape: object) -> None:
    graph = market_graph(shape(2_000, 20_000, 3))  # type: ignore[operator]
    assert len(solve(graph, ids_of(2_000), SEED)) < 8 * 2_000


def test_never_over_16_bytes_a_member() -> None:
    graph = market_graph(ring(3_000, 9_000, 3))
    assert len(solve(graph, ids_of(3_000), SEED)) < 16 * 3_000
    extreme = Potentials(
        np.resize([p_max(3_000), -p_max(3_000)], 3_000),
        np.resize([q_max(3_000), -q_max(3_000)], 3_000),
    )
    assert len(encode(extreme, graph)) <= 16 * 3_000


def test_a_long_path_of_tight_debts_is_filled_in_linear_time() -> None:
    """A ring has a tight path through everybody: leaves come off one at a time."""
    graph = market_graph(ring(20_000, 20_000, 5))
    certificate = solve(graph, ids_of(20_000), SEED)
    cleared = check(graph, ids_of(20_000), SEED, certificate)
    assert (cleared.flows == graph.amount.min()).all()
