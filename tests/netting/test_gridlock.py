"""Queues of whole payments: the legal default, and the optimising mode with its bound."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netting.check import check
from netting.gridlock import Queue, bypass, fifo, optimise, relaxation
from netting.liquidity import FREE_ID
from tests.netting.markets import EXAMPLES, SEED, ids_of


def queue_of(rows: list[tuple[int, int, int]], cash: list[int]) -> Queue:
    table = np.array(rows, np.int64).reshape(-1, 3)
    return Queue(len(cash), table[:, 0], table[:, 1], table[:, 2], np.array(cash, np.int64))


@st.composite
def queues(draw: st.DrawFn, payments_max: int = 10) -> Queue:
    n = draw(st.integers(2, 5))
    ends = st.tuples(st.integers(0, n - 1), st.integers(1, n - 1), st.integers(1, 9))
    rows = draw(st.lists(ends, max_size=payments_max))
    cash = draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    return queue_of([(payer, (payer + step) % n, amount) for payer, step, amount in rows], cash)


def feasible_sets(queue: Queue) -> list[np.ndarray]:
    choices = product([False, True], repeat=len(queue.amount))
    sets = [np.array(choice, np.bool_) for choice in choices]
    return [chosen for chosen in sets if (queue.left(chosen) >= 0).all()]


def keeps_order(queue: Queue, chosen: np.ndarray) -> bool:
    """Each payer's payments that settle are the first ones of its queue."""
    by_payer = [chosen[queue.payer == payer].tolist() for payer in range(queue.n)]
    return all(one == sorted(one, reverse=True) for one in by_payer)


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(queues(payments_max=8))
def test_fifo_settles_the_largest_set_in_order(queue: Queue) -> None:
    settled = fifo(queue)
    in_order = [chosen for chosen in feasible_sets(queue) if keeps_order(queue, chosen)]
    assert any((settled == chosen).all() for chosen in in_order)
    for chosen in in_order:
        assert (chosen <= settled).all()


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(queues(payments_max=8))
def test_the_optimising_mode_is_feasible_within_its_bound(queue: Queue) -> None:
    chosen = optimise(queue, ids_of(queue.n), SEED)
    assert (queue.left(chosen.settled) >= 0).all()
    best = max(queue.value(other) for other in feasible_sets(queue))
    assert queue.value(chosen.settled) <= best <= chosen.bound
    assert queue.value(bypass(queue)) <= queue.value(chosen.settled)


@settings(max_examples=EXAMPLES, deadline=None)
@given(queues(payments_max=40))
def test_nobody_goes_below_zero(queue: Queue) -> None:
    for settled in (fifo(queue), bypass(queue), optimise(queue, ids_of(queue.n), SEED).settled):
        assert (queue.left(settled) >= 0).all()
        assert queue.left(settled).sum() == queue.cash.sum()
    assert (fifo(queue) <= bypass(queue)).all()


@settings(max_examples=EXAMPLES, deadline=None)
@given(queues(payments_max=40))
def test_the_bound_can_be_checked_by_anybody(queue: Queue) -> None:
    chosen = optimise(queue, ids_of(queue.n), SEED)
    ids = (*ids_of(queue.n), FREE_ID)
    assert check(relaxation(queue), ids, SEED, chosen.certificate).total == chosen.bound


def test_three_banks_without_cash_pay_each_other_in_a_circle() -> None:
    queue = queue_of([(0, 1, 5), (1, 2, 5), (2, 0, 5)], [0, 0, 0])
    assert fifo(queue).all()


def test_a_large_payment_at_the_head_holds_up_the_queue_unless_it_is_passed() -> None:
    queue = queue_of([(0, 1, 9), (0, 1, 2)], [3, 0])
    assert fifo(queue).tolist() == [False, False]
    assert bypass(queue).tolist() == [False, True]


def test_the_optimising_mode_settles_what_order_prevents() -> None:
    """0 pays 9 it has not before the 5 that would come back to it."""
    queue = queue_of([(0, 3, 9), (0, 1, 5), (1, 2, 5), (2, 0, 5)], [0, 0, 0, 0])
    assert fifo(queue).tolist() == [False, False, False, False]
    chosen = optimise(queue, ids_of(4), SEED)
    assert chosen.settled.tolist() == [False, True, True, True]
    assert chosen.bound == 15


@pytest.mark.parametrize("cash", [[], [0], [5, 5]])
def test_an_empty_queue(cash: list[int]) -> None:
    chosen = optimise(queue_of([], cash), ids_of(len(cash)), SEED)
    assert (chosen.settled.tolist(), chosen.bound) == ([], 0)
