"""The passes of a check as loops: see `netting.passes`, which has the same on arrays.

Sums wrap modulo 2^64, as those of arrays do. Imported by `netting.compiled.load` only.
"""

import numpy as np

from netting.compiled import compiled
from netting.graph import Graph, Index, Ints, Unsigned
from netting.tiebreak import WEIGHT_BITS, Anchors, splitmix64

_WEIGHT_SHIFT = np.uint64(64 - WEIGHT_BITS)
_HALF = np.uint64(32)

_mixed = compiled("uint64(uint64)")(splitmix64)


class Loops:
    """The passes as loops."""

    def by_price(self, graph: Graph, p: Index) -> tuple[Ints, Ints]:
        """See `netting.passes.Passes`."""
        flows = np.empty(graph.pairs, np.int64)
        tight = np.empty(graph.pairs, np.int64)
        free = -1 if graph.free is None else graph.free
        count = _by_price(*_columns(graph), free, p, flows, tight)
        return flows, tight[:count]

    def by_weight(self, graph: Graph, tight: Ints, anchor: Anchors, q: Ints, flows: Ints) -> Ints:
        """See `netting.passes.Passes`."""
        left = np.empty(len(tight), np.int64)
        count = _by_weight(*_columns(graph), tight, anchor, q, flows, left)
        return left[:count]

    def by_conservation(self, graph: Graph, tight: Ints, flows: Ints) -> Ints | None:
        """See `netting.passes.Passes`."""
        if len(tight) >= graph.n:
            return None if len(tight) else flows[:0]
        branches = np.empty(len(tight), np.int64)
        surplus = np.zeros(graph.n, np.int64)
        debtor, creditor, _ = _columns(graph)
        _net(debtor, creditor, flows, surplus)
        filled = _fill(debtor, creditor, tight, surplus, branches)
        return branches if filled else None


def _columns(graph: Graph) -> tuple[Unsigned, Unsigned, Ints]:
    """The edges as the loops take them; copies only of what has another type or is frozen."""
    return (
        np.require(graph.debtor, np.int32, ["C", "W"]).view(np.uint32),
        np.require(graph.creditor, np.int32, ["C", "W"]).view(np.uint32),
        np.require(graph.amount, np.int64, ["C", "W"]),
    )


@compiled("int64(uint32[::1], uint32[::1], int64[::1], int64, int32[::1], int64[::1], int64[::1])")
def _by_price(
    debtor: Unsigned,
    creditor: Unsigned,
    amount: Ints,
    free: int,
    p: Index,
    flows: Ints,
    tight: Ints,
) -> int:
    count = 0
    # Nothing here branches: the sign of an edge is anybody's guess, and wrong guesses cost most.
    for edge in range(len(amount)):
        u, v = debtor[edge], creditor[edge]
        reduced = int((u != free) & (v != free)) + p[u] - p[v]
        flows[edge] = amount[edge] if reduced > 0 else 0
        tight[count] = edge
        count += int(reduced == 0)
    return count


@compiled(
    "int64(uint32[::1], uint32[::1], int64[::1], int64[::1], uint64[::1], int64[::1], int64[::1],"
    " int64[::1])"
)
def _by_weight(
    debtor: Unsigned,
    creditor: Unsigned,
    amount: Ints,
    tight: Ints,
    anchor: Anchors,
    q: Ints,
    flows: Ints,
    left: Ints,
) -> int:
    count = 0
    for edge in tight:
        u, v = debtor[edge], creditor[edge]
        to = anchor[v]
        turned = (to << _HALF) | (to >> _HALF)
        weight = 1 + np.int64(_mixed(anchor[u] + turned) >> _WEIGHT_SHIFT)
        reduced = weight + q[u] - q[v]
        flows[edge] = amount[edge] if reduced > 0 else 0
        left[count] = edge
        count += int(reduced == 0)
    return count


@compiled("void(uint32[::1], uint32[::1], int64[::1], int64[::1])")
def _net(debtor: Unsigned, creditor: Unsigned, flows: Ints, surplus: Ints) -> None:
    for edge in range(len(flows)):
        surplus[debtor[edge]] -= flows[edge]
        surplus[creditor[edge]] += flows[edge]


@compiled("boolean(uint32[::1], uint32[::1], int64[::1], int64[::1], int64[::1])")
def _fill(debtor: Unsigned, creditor: Unsigned, tight: Ints, surplus: Ints, branches: Ints) -> bool:
    """As `forest.fill_forest`: one leaf after the other, along the path that it opens."""
    degree = np.zeros(len(surplus), np.int32)
    link = np.zeros(len(surplus), np.int64)
    for place in range(len(tight)):
        for end in (debtor[tight[place]], creditor[tight[place]]):
            degree[end] += 1
            link[end] += place
    taken = 0
    for start in range(len(surplus)):
        leaf = start
        while degree[leaf] == 1:
            place, due = link[leaf], surplus[leaf]
            u, v = debtor[tight[place]], creditor[tight[place]]
            other = v if u == leaf else u
            branches[place] = due if u == leaf else -due
            degree[leaf] = 0
            surplus[leaf] = 0
            surplus[other] += due
            degree[other] -= 1
            link[other] -= place
            taken += 1
            leaf = other
    return taken == len(tight) and not surplus.any()
