"""Compression within tolerance: smaller trades, positions nearly the same, cash for the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from netting.certificate import Objective
from netting.compress import Trades, positions, prepare, price_difference
from netting.errors import CertificateRefused
from tests.netting.markets import EXAMPLES, SEED, ids_of


def trades_of(rows: list[tuple[int, int, int]], tolerance: list[int]) -> Trades:
    table = np.array(rows, np.int64).reshape(-1, 3)
    bounds = np.array(tolerance, np.int64)
    return Trades(len(tolerance), table[:, 0], table[:, 1], table[:, 2], bounds)


@st.composite
def books(draw: st.DrawFn) -> Trades:
    n = draw(st.integers(2, 6))
    ends = st.tuples(st.integers(0, n - 1), st.integers(1, n - 1), st.integers(1, 50))
    rows = draw(st.lists(ends, max_size=20))
    tolerance = draw(st.lists(st.integers(0, 10), min_size=n, max_size=n))
    return trades_of([(a, (a + step) % n, amount) for a, step, amount in rows], tolerance)


def torn_up(trades: Trades) -> np.ndarray:
    ready, ids = prepare(trades), ids_of(trades.n)
    result = ready.compress(ids, SEED, ready.certify(ids, SEED))
    assert result.objective is Objective.OPTIMAL
    return result.torn_up


@settings(max_examples=EXAMPLES, deadline=None)
@given(books())
def test_positions_move_within_tolerance_and_trades_only_shrink(trades: Trades) -> None:
    gone = torn_up(trades)
    assert ((gone >= 0) & (gone <= trades.quantity)).all()
    assert (np.abs(positions(trades, gone)) <= trades.tolerance).all()


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(books())
def test_no_other_compression_of_what_is_left_of_the_pairs_removes_more(trades: Trades) -> None:
    """A linear programme in floats says the same, to the nearest unit (amounts are small)."""
    ready = prepare(trades)
    left = ready.rest.graph
    if left.pairs == 0:
        return
    net = np.zeros((trades.n, left.pairs))
    net[left.debtor, np.arange(left.pairs)] -= 1
    net[left.creditor, np.arange(left.pairs)] += 1
    best = linprog(
        -np.ones(left.pairs),
        A_ub=np.vstack((net, -net)),
        b_ub=np.concatenate((trades.tolerance, trades.tolerance)),
        bounds=list(zip(np.zeros(left.pairs), left.amount, strict=True)),
    )
    removed = int(torn_up(trades).sum()) - int(ready.rest.cancelled.sum())
    assert removed == round(-best.fun)


@settings(max_examples=EXAMPLES, deadline=None)
@given(books())
def test_more_tolerance_never_removes_less(trades: Trades) -> None:
    none = Trades(
        trades.n, trades.seller, trades.buyer, trades.quantity, np.zeros_like(trades.tolerance)
    )
    assert torn_up(none).sum() <= torn_up(trades).sum()
    assert not positions(none, torn_up(none)).any()


def test_a_chain_goes_when_its_ends_allow_it() -> None:
    """0 sold 10 to 1, who sold 10 to 2: with a tolerance of 4 at both ends, 4 are torn up."""
    gone = torn_up(trades_of([(0, 1, 10), (1, 2, 10)], [4, 0, 7]))
    assert gone.tolist() == [4, 4]


def test_a_certificate_for_other_tolerances_is_refused_or_harmless() -> None:
    book = [(0, 1, 10), (1, 2, 10)]
    wide, narrow = (prepare(trades_of(book, bounds)) for bounds in ([4, 0, 4], [1, 0, 1]))
    certificate = wide.certify(ids_of(3), SEED)
    try:
        result = narrow.compress(ids_of(3), SEED, certificate)
    except CertificateRefused:
        return
    assert (np.abs(positions(narrow.trades, result.torn_up)) <= [1, 0, 1]).all()


@pytest.mark.parametrize(
    ("quantity", "traded", "now", "owed"),
    [(10, 100, 103, 3), (10, 103, 100, -3), (5, 100, 101, 0), (15, 100, 101, 2), (7, 5, 5, 0)],
)
def test_the_difference_in_price_is_paid(quantity: int, traded: int, now: int, owed: int) -> None:
    assert price_difference(quantity, traded, now, scale=10) == owed
