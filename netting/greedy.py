"""Cancel cycles as they come until none is left: maximal, in bounded time, seldom the maximum.

A walk follows what is still owed. When it meets itself, the cycle is cancelled by its smallest
debt; when it can go no further, the participant it stands on is on no cycle any more.
"""

import numpy as np

from netting.certificate import Greedy, encode
from netting.graph import Graph


def greedy(graph: Graph) -> bytes:
    """A MAXIMAL certificate of `graph`. O(E * longest cycle)."""
    return encode(cancel_cycles(graph), graph)


def cancel_cycles(graph: Graph) -> Greedy:
    """Flows without which no cycle is left, and ranks that show it."""
    creditor: list[int] = graph.creditor.tolist()
    left: list[int] = graph.amount.tolist()
    bounds: list[int] = np.searchsorted(graph.debtor, np.arange(graph.n + 1)).tolist()
    at = bounds[:-1]
    """The first edge of each participant that may still be walked."""
    rank = [-1] * graph.n
    """Of those done: the length of the longest path of debts left; -1: not done."""
    depth = [-1] * graph.n
    """Of those on the walk: how many edges lead there."""

    for start in range(graph.n):
        if rank[start] >= 0:
            continue
        walk, path = [start], [-1]
        depth[start] = 0
        while walk:
            here = walk[-1]
            edge, end = at[here], bounds[here + 1]
            while edge < end and (left[edge] == 0 or rank[creditor[edge]] >= 0):
                edge += 1
            at[here] = edge
            if edge == end:
                owed = range(bounds[here], end)
                rank[here] = 1 + max([rank[creditor[e]] for e in owed if left[e]], default=-1)
                walk.pop()
                path.pop()
                continue
            there = creditor[edge]
            path.append(edge)
            if depth[there] < 0:
                depth[there] = len(walk)
                walk.append(there)
                continue
            # path[i] leads to walk[i]; the cycle is what leads from `there` back to it.
            keep = _cancel(left, path, depth[there] + 1)
            for gone in walk[keep:]:
                depth[gone] = -1
            del walk[keep:], path[keep:]
    flows = graph.amount - np.array(left, np.int64)
    return Greedy(np.array(rank, np.int64), flows)


def _cancel(left: list[int], path: list[int], first: int) -> int:
    """Cancel the cycle path[first:] by its smallest debt; the place of its first empty edge."""
    cycle = path[first:]
    amount = min([left[edge] for edge in cycle])
    keep = len(path)
    for place in range(len(path) - 1, first - 1, -1):
        left[path[place]] -= amount
        if left[path[place]] == 0:
            keep = place
    return keep
