"""Queues of payments, each all or nothing, and too little cash to settle them one by one.

* `fifo` (the legal default): the largest set that settles at once and leaves every payer's queue
  in its order (Bech, Soramäki, Gridlock Resolution in Interbank Payment Systems, 2001). Unique.
* `bypass`: the same, then one pass over the rest, each that its payer can cover by itself.
* `optimise`: more value, out of order, with a proven bound on what any choice could settle.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from netting.allot import allot
from netting.certificate import Objective
from netting.check import check
from netting.graph import (
    Flags,
    Graph,
    Index,
    Ints,
    ParticipantId,
    edges_of,
    exact_sum,
    net_positions,
)
from netting.liquidity import FREE_ID, with_source
from netting.solve import Solver, solve

_DIVES: Final = 2
"""The second dive spends the cash and the offsets that the first one left unused."""

_SOLVES_MAX: Final = 160
"""Solves of one dive: by then nearly all payments are whole, and what is found stays feasible."""


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """Payments in the order in which they are to be made: by priority, then by arrival."""

    n: int
    payer: Index | Ints
    payee: Index | Ints
    amount: Ints
    """int64[m], minor units, at least 1."""
    cash: Ints
    """int64[n], minor units, at least 0."""

    def left(self, settled: Flags) -> Ints:
        """int64[n]: everybody's cash after the payments `settled`."""
        columns = self.payer[settled], self.payee[settled], self.amount[settled]
        return self.cash + net_positions(self.n, *columns)

    def value(self, settled: Flags) -> int:
        """What is settled, minor units."""
        return exact_sum(self.amount[settled])


@dataclass(frozen=True, slots=True, eq=False)
class Optimised:
    """A choice of payments, and what proves how good it is."""

    settled: Flags
    bound: int
    """No choice of whole payments settles more: the optimum if payments were divisible."""
    certificate: bytes
    """Of the bound: of `relaxation(queue)`."""


def fifo(queue: Queue) -> Flags:
    """bool[m]: the payments that settle at once, a first part of every payer's queue.

    Take the last payment from anybody who is short until nobody is. O(m).
    """
    settled = np.ones(len(queue.amount), np.bool_)
    queues: list[list[int]] = [[] for _ in range(queue.n)]
    for payment, payer in enumerate(queue.payer.tolist()):
        queues[payer].append(payment)
    _until_nobody_is_short(queue, settled, lambda payer, _: queues[payer].pop())
    return settled


def bypass(queue: Queue) -> Flags:
    """bool[m]: `fifo`, then in order every payment left that its payer can cover."""
    settled = fifo(queue)
    _one_pass(queue, settled)
    return settled


def relaxation(queue: Queue) -> Graph:
    """The payments as divisible debts, and participant n, who hands out the cash."""
    columns = queue.payer, queue.payee, queue.amount
    paid, received = np.zeros((2, queue.n), np.int64)
    np.add.at(paid, queue.payer, queue.amount)
    np.add.at(received, queue.payee, queue.amount)
    # Nobody needs more cash than it pays.
    return with_source(queue.n, *columns, (np.minimum(queue.cash, paid), received))


def optimise(
    queue: Queue, ids: Sequence[ParticipantId], seed: bytes, *, solver: Solver | None = None
) -> Optimised:
    """Dive from the divisible optimum to whole payments, then once more on what is left.

    The result is feasible in whole payments, and never worth less than `bypass`.
    """
    everybody = (*ids, FREE_ID)
    graph = relaxation(queue)
    certificate = solve(graph, everybody, seed, solver=solver)
    proven = check(graph, everybody, seed, certificate)
    everything = exact_sum(queue.amount)
    bound = proven.total if proven.objective is Objective.OPTIMAL else everything
    settled = np.zeros(len(queue.amount), np.bool_)
    for _ in range(_DIVES):
        rest = np.flatnonzero(~settled)
        whole = _dive(_part(queue, rest, queue.left(settled)), everybody, seed, solver)
        settled[rest[whole]] = True
    _one_pass(queue, settled)
    in_order = bypass(queue)
    best = settled if queue.value(settled) >= queue.value(in_order) else in_order
    return Optimised(best, bound, certificate)


def _dive(
    queue: Queue, everybody: Sequence[ParticipantId], seed: bytes, solver: Solver | None
) -> Flags:
    """bool[m]: whole payments that settle together.

    Solve as if payments were divisible; give up those paid in part; solve again without them,
    until all are paid whole or not at all. Of every optimum on the way, try what it pays whole.
    """
    candidates = np.arange(len(queue.amount))
    best, best_value = np.zeros(len(queue.amount), np.bool_), 0
    for _ in range(_SOLVES_MAX):
        part = _part(queue, candidates, queue.cash)
        graph = relaxation(part)
        flows = check(graph, everybody, seed, solve(graph, everybody, seed, solver=solver)).flows
        paid = allot(edges_of(graph, part.payer, part.payee), part.amount, flows)
        whole = paid == part.amount
        in_part = (paid > 0) & ~whole
        _drop_until_feasible(part, whole)
        if part.value(whole) > best_value:
            best_value = part.value(whole)
            best[:] = False
            best[candidates[whole]] = True
        if not in_part.any():
            break
        candidates = candidates[~in_part]
    return best


def _part(queue: Queue, payments: Ints, cash: Ints) -> Queue:
    """Some of the payments, on other cash."""
    return Queue(
        queue.n, queue.payer[payments], queue.payee[payments], queue.amount[payments], cash
    )


def _one_pass(queue: Queue, settled: Flags) -> None:
    """Settle, in order, every payment left that its payer can cover at that moment."""
    left: list[int] = queue.left(settled).tolist()
    for payment in np.flatnonzero(~settled).tolist():
        payer, amount = int(queue.payer[payment]), int(queue.amount[payment])
        if amount <= left[payer]:
            settled[payment] = True
            left[payer] -= amount
            left[int(queue.payee[payment])] += amount


def _drop_until_feasible(queue: Queue, settled: Flags) -> None:
    """From whoever is short, drop the smallest payment that cures it, or else the largest."""
    chosen: list[list[tuple[int, int]]] = [[] for _ in range(queue.n)]
    for payment in np.flatnonzero(settled).tolist():
        chosen[int(queue.payer[payment])].append((int(queue.amount[payment]), payment))
    for payments in chosen:
        payments.sort()

    def pick(payer: int, missing: int) -> int:
        place = bisect_left(chosen[payer], (missing, -1))
        return chosen[payer].pop(min(place, len(chosen[payer]) - 1))[1]

    _until_nobody_is_short(queue, settled, pick)


def _until_nobody_is_short(queue: Queue, settled: Flags, pick: Callable[[int, int], int]) -> None:
    """Take payments out of `settled`; `pick` names the next one of a payer missing so much."""
    left: list[int] = queue.left(settled).tolist()
    short = [payer for payer, cash in enumerate(left) if cash < 0]
    while short:
        payer = short.pop()
        while left[payer] < 0:
            payment = pick(payer, -left[payer])
            amount, payee = int(queue.amount[payment]), int(queue.payee[payment])
            settled[payment] = False
            left[payer] += amount
            left[payee] -= amount
            if left[payee] < 0:
                short.append(payee)
