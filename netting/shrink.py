"""A min-cost flow made smaller before it is solved, as compiled loops; its potentials regained.

A participant on one edge has no choice: the edge carries its supply. One on two edges passes on
what it gets: the two become one, of both costs, as wide as both allow. Sparse problems lose most
of their participants in this way, and a network simplex most of its work.

Afterwards the potential of each is set so that the edge which does not limit the two has reduced
cost 0; the other then has that of the merged edge. Imported by `netting.compiled.load` only.
"""

from typing import Final

import numpy as np

from netting.compiled import compiled
from netting.errors import Unsolved
from netting.graph import Flags, Index, Ints
from netting.solve import Shipment, Solver

_COST_SUM_MAX: Final = 1 << 62
"""Of a solver: largest cost * participants."""

_LISTS: Final = "int32[::1], int32[::1], int32[::1], int32[::1]"
_EDGES: Final = "int32[::1], int32[::1], int64[::1], int64[::1], int64[::1]"


def shrunk(shipment: Shipment, solver: Solver) -> Ints:
    """Potentials as `netting.solve.Solver` gives them, by `solver` on what cannot be merged."""
    n, pairs = len(shipment.supply), len(shipment.amount)
    tail = np.array(shipment.debtor, np.int32)
    head = np.array(shipment.creditor, np.int32)
    room, cost = np.array(shipment.amount, np.int64), np.array(shipment.cost, np.int64)
    supply = np.array(shipment.supply, np.int64)
    gone = np.zeros(pairs, np.bool_)
    # Who went, in order; of the merged edge its ends and cost; the tight neighbour and the
    # difference to it, if the merged edge is empty, and if it is full.
    whom, reduced = np.empty((n, 5), np.int32), np.empty((n, 3), np.int64)
    count = _shrink(tail, head, room, cost, supply, gone, whom, reduced)
    potentials = np.zeros(n, np.int64)
    _solve_rest(tail[~gone], head[~gone], room[~gone], cost[~gone], supply, solver, potentials)
    _regain(count, whom, reduced, potentials)
    return potentials


def _solve_rest(
    tail: Index, head: Index, room: Ints, cost: Ints, supply: Ints, solver: Solver, found: Ints
) -> None:
    """Solve among those who are left on an edge; their potentials go into `found`."""
    # Solvers take no negative cost: such an edge is full, and may be emptied at the opposite cost.
    negative = cost < 0
    np.subtract.at(supply, tail[negative], room[negative])
    np.add.at(supply, head[negative], room[negative])
    tail, head = np.where(negative, head, tail), np.where(negative, tail, head)
    cost = np.abs(cost)
    present = np.zeros(len(supply), np.bool_)
    present[tail] = True
    present[head] = True
    left = np.flatnonzero(present)
    if (int(cost.max(initial=0)) + 1) * len(left) >= _COST_SUM_MAX:
        raise Unsolved("merged edges cost too much")
    number = (np.cumsum(present) - 1).astype(np.int32)
    tail, head = number[tail], number[head]
    order = np.argsort(tail.astype(np.int64) * len(left) + head)
    columns = (tail[order], head[order], room[order], cost[order])
    found[left] = solver(Shipment(*columns, supply[left]))


@compiled(f"void(int64, int64, {_LISTS})")
def _unlink(end: int, who: int, first: Index, after: Index, before: Index, degree: Index) -> None:
    if before[end] >= 0:
        after[before[end]] = after[end]
    else:
        first[who] = after[end]
    if after[end] >= 0:
        before[after[end]] = before[end]
    degree[who] -= 1


@compiled(f"void(int64, int64, {_LISTS})")
def _link(end: int, who: int, first: Index, after: Index, before: Index, degree: Index) -> None:
    after[end], before[end] = first[who], -1
    if first[who] >= 0:
        before[first[who]] = end
    first[who] = end
    degree[who] += 1


@compiled(f"void(int64, {_EDGES}, {_LISTS})")
def _turn(
    edge: int,
    tail: Index,
    head: Index,
    room: Ints,
    cost: Ints,
    supply: Ints,
    first: Index,
    after: Index,
    before: Index,
    degree: Index,
) -> None:
    """The same edge the other way: full, and what it carries is what is taken off."""
    u, v = tail[edge], head[edge]
    _unlink(2 * edge, u, first, after, before, degree)
    _unlink(2 * edge + 1, v, first, after, before, degree)
    _link(2 * edge, v, first, after, before, degree)
    _link(2 * edge + 1, u, first, after, before, degree)
    tail[edge], head[edge], cost[edge] = v, u, -cost[edge]
    supply[u] -= room[edge]
    supply[v] += room[edge]


@compiled(f"void(int64, int64, {_EDGES}, {_LISTS}, boolean[::1], int32[::1], int64[::1])")
def _leaf(
    who: int,
    edge: int,
    tail: Index,
    head: Index,
    room: Ints,
    cost: Ints,
    supply: Ints,
    first: Index,
    after: Index,
    before: Index,
    degree: Index,
    gone: Flags,
    whom: Index,
    reduced: Ints,
) -> None:
    """Take off `who` with its only edge, and note how."""
    pays = tail[edge] == who
    other = head[edge] if pays else tail[edge]
    whom[:] = other
    whom[0] = who
    reduced[0] = 0
    reduced[1:] = -cost[edge] if pays else cost[edge]
    supply[other] += supply[who]
    supply[who] = 0
    _unlink(2 * edge, tail[edge], first, after, before, degree)
    _unlink(2 * edge + 1, head[edge], first, after, before, degree)
    gone[edge] = True


@compiled(f"void(int64, int64, int64, {_EDGES}, {_LISTS}, boolean[::1], int32[::1], int64[::1])")
def _series(
    who: int,
    into: int,
    out: int,
    tail: Index,
    head: Index,
    room: Ints,
    cost: Ints,
    supply: Ints,
    first: Index,
    after: Index,
    before: Index,
    degree: Index,
    gone: Flags,
    whom: Index,
    reduced: Ints,
) -> None:
    """Take off `who`, its edges `into` and `out` becoming one, and note how."""
    x, y, own = tail[into], head[out], supply[who]
    # What `into` carries lies within low .. high; `out` carries `own` more.
    low, high = max(0, -own), min(room[into], room[out] - own)
    whom[0], whom[1], whom[2], reduced[0] = who, x, y, cost[into] + cost[out]
    for full in range(2):
        into_limits = high == room[into] if full else low == 0
        whom[3 + full] = y if into_limits else x
        reduced[1 + full] = -cost[out] if into_limits else cost[into]
    supply[x] -= low
    supply[y] += low + own
    supply[who] = 0
    _unlink(2 * into, x, first, after, before, degree)
    _unlink(2 * into + 1, who, first, after, before, degree)
    _unlink(2 * out, who, first, after, before, degree)
    _unlink(2 * out + 1, y, first, after, before, degree)
    gone[out] = True
    if x == y or high == low:
        # Back to where it came from, or no room: it ships nothing, and the rest need not know.
        gone[into] = True
    else:
        head[into], cost[into], room[into] = y, cost[into] + cost[out], high - low
        _link(2 * into, x, first, after, before, degree)
        _link(2 * into + 1, y, first, after, before, degree)


@compiled(f"int64({_EDGES}, boolean[::1], int32[:, ::1], int64[:, ::1])")
def _shrink(
    tail: Index,
    head: Index,
    room: Ints,
    cost: Ints,
    supply: Ints,
    gone: Flags,
    whom: Index,
    reduced: Ints,
) -> int:
    """Take off whoever is on one or two edges, until nobody is. How many went."""
    n, pairs = len(supply), len(tail)
    first, degree = np.full(n, -1, np.int32), np.zeros(n, np.int32)
    after, before = np.empty(2 * pairs, np.int32), np.empty(2 * pairs, np.int32)
    for edge in range(pairs):
        _link(2 * edge, tail[edge], first, after, before, degree)
        _link(2 * edge + 1, head[edge], first, after, before, degree)
    count = 0
    # Each merging lowers the degrees of at most two others, who are looked at again.
    stack = np.empty(4 * n + 2, np.int32)
    stack[:n] = np.arange(n)
    height = n
    while height:
        height -= 1
        who = stack[height]
        if degree[who] == 0 or degree[who] > 2:
            continue
        a = first[who] >> 1
        if degree[who] == 1:
            x = y = head[a] if tail[a] == who else tail[a]
            _leaf(who, a, tail, head, room, cost, supply, first, after, before, degree, gone,
                  whom[count], reduced[count])  # fmt: skip
        else:
            b = after[first[who]] >> 1
            if tail[a] == who:
                _turn(a, tail, head, room, cost, supply, first, after, before, degree)
            if head[b] == who:
                _turn(b, tail, head, room, cost, supply, first, after, before, degree)
            x, y = tail[a], head[b]
            _series(who, a, b, tail, head, room, cost, supply, first, after, before, degree, gone,
                    whom[count], reduced[count])  # fmt: skip
        count += 1
        stack[height], stack[height + 1] = x, y
        height += 2
    return count


@compiled("void(int64, int32[:, ::1], int64[:, ::1], int64[::1])")
def _regain(count: int, whom: Index, reduced: Ints, potentials: Ints) -> None:
    """The potentials of those who went, last first."""
    for step in range(count - 1, -1, -1):
        x, y = whom[step, 1], whom[step, 2]
        full = int(reduced[step, 0] + potentials[x] - potentials[y] < 0)
        potentials[whom[step, 0]] = potentials[whom[step, 3 + full]] + reduced[step, 1 + full]
