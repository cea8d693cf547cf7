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
    return _Walk(graph).run()


class _Walk:
    """Depth-first over what is left of each edge, edges in order."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.creditor: list[int] = graph.creditor.tolist()
        self.left: list[int] = graph.amount.tolist()
        bounds = np.searchsorted(graph.debtor, np.arange(graph.n + 1))
        self.at: list[int] = bounds[:-1].tolist()
        self.end: list[int] = bounds[1:].tolist()
        # -1: not reached; otherwise done, and the length of the longest path that is left.
        self.rank = [-1] * graph.n
        self.depth = [-1] * graph.n
        self.path: list[int] = []

    def run(self) -> Greedy:
        for start in range(self.graph.n):
            if self.rank[start] < 0:
                self._from(start)
        flows = self.graph.amount - np.array(self.left, np.int64)
        return Greedy(np.array(self.rank, np.int64), flows)

    def _from(self, start: int) -> None:
        """Finish everybody reachable from `start`; `path` holds the edges of the walk."""
        here = start
        self.depth[here] = 0
        while True:
            edge = self._next_edge(here)
            if edge is not None:
                self.path.append(edge)
                here = self.creditor[edge]
                if self.depth[here] >= 0:
                    here = self._cancel(here)
                else:
                    self.depth[here] = len(self.path)
                continue
            self._finish(here)
            if not self.path:
                return
            here = int(self.graph.debtor[self.path.pop()])

    def _next_edge(self, here: int) -> int | None:
        """The first edge of `here` with something left to somebody not yet done."""
        at, end = self.at[here], self.end[here]
        while at < end and (self.left[at] == 0 or self.rank[self.creditor[at]] >= 0):
            at += 1
        self.at[here] = at
        return at if at < end else None

    def _cancel(self, meeting: int) -> int:
        """Cancel the cycle the walk has closed at `meeting`; back to its first empty edge."""
        first = self.depth[meeting]
        cycle = self.path[first:]
        amount = min(self.left[edge] for edge in cycle)
        keep = len(self.path)
        for place in range(len(self.path) - 1, first - 1, -1):
            edge = self.path[place]
            self.left[edge] -= amount
            if self.left[edge] == 0:
                keep = place
        back = int(self.graph.debtor[self.path[keep]])
        for edge in self.path[keep:-1]:
            self.depth[self.creditor[edge]] = -1
        del self.path[keep:]
        return back

    def _finish(self, here: int) -> None:
        """`here` is on no cycle: all it still owes goes to those who are done."""
        first = int(np.searchsorted(self.graph.debtor, here))
        ranks = [
            self.rank[self.creditor[edge]]
            for edge in range(first, self.end[here])
            if self.left[edge]
        ]
        self.rank[here] = 1 + max(ranks, default=-1)
        self.depth[here] = -1
