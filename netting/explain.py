"""Why so much was cancelled of a debt and no more, and what would have freed more: data only.

The prices are those of the certificate. With f the flows, the maximum of sum f subject to
conservation and f <= o has the dual y_e = max(0, r_e), r_e = 1 + p[debtor] - p[creditor]: one
more unit owed on e lets y_e more be cancelled in all (at a degenerate optimum: at most y_e).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from netting.certificate import Potentials, decode
from netting.check import check
from netting.cycles import Cycle, decompose
from netting.graph import Flags, Graph, Ints, ParticipantId, edges_of


class Extent(IntEnum):
    """How much of a debt was cancelled."""

    NOTHING = 0
    PART = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """A debt that was cancelled whole, and where a way back would have had to go through."""

    edge: int
    price: int
    """Units cancelled in all for one more unit owed here, at most."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one edge of a cleared graph."""

    edge: int
    amount: int
    cancelled: int
    extent: Extent
    price: int
    """Units cancelled in all for one more unit owed on this very edge, at most."""
    cycles: tuple[Cycle, ...]
    """The cycles that it is on."""
    within_reach: int
    """Participants to whom what is left can be followed on from the creditor, it included."""
    bottlenecks: tuple[Bottleneck, ...]
    """All that those within reach owed to the others: nothing of it is left. Dearest first."""


class Explained:
    """A graph with its proven flows, ready for questions."""

    def __init__(
        self, graph: Graph, ids: Sequence[ParticipantId], seed: bytes, certificate: bytes
    ) -> None:
        """Raises `CertificateRefused`. A greedy certificate has no prices: they are 0."""
        self.graph = graph
        self.flows: Ints = check(graph, ids, seed, certificate).flows
        self.cycles = decompose(graph, self.flows)
        decoded = decode(certificate, graph)
        self._p: Ints = np.zeros(graph.n, np.int64)
        self._price: Ints = np.zeros(graph.pairs, np.int64)
        if isinstance(decoded, Potentials):
            self._p = decoded.p
            reduced = graph.value() + self._p[graph.debtor] - self._p[graph.creditor]
            self._price = np.maximum(reduced, 0)
        self._row = np.searchsorted(graph.debtor, np.arange(graph.n + 1))

    def debt(self, debtor: int, creditor: int) -> Explanation | None:
        """Why so much was cancelled of what `debtor` owes `creditor`; None: it owes nothing."""
        edge = int(edges_of(self.graph, np.array([debtor]), np.array([creditor]))[0])
        pairs = self.graph.pairs
        if edge == pairs or (self.graph.debtor[edge], self.graph.creditor[edge]) != (
            debtor,
            creditor,
        ):
            return None
        return self.edge(edge)

    def edge(self, edge: int) -> Explanation:
        """Why just so much of this edge was cancelled."""
        amount, cancelled = int(self.graph.amount[edge]), int(self.flows[edge])
        extent = Extent.ALL if cancelled == amount else Extent(min(cancelled, 1))
        reached = self._reached(int(self.graph.creditor[edge]))
        stopped = extent is not Extent.ALL
        return Explanation(
            edge,
            amount,
            cancelled,
            extent,
            int(self._price[edge]),
            tuple(cycle for cycle in self.cycles if edge in cycle.edges),
            int(reached.sum()),
            self._leaving(reached) if stopped else (),
        )

    def member(self, who: int) -> list[Explanation]:
        """Of every debt and claim of `who`."""
        touching = (self.graph.debtor == who) | (self.graph.creditor == who)
        return [self.edge(edge) for edge in np.flatnonzero(touching).tolist()]

    def cash_price(self, payer: int, payee: int) -> int:
        """Units cancelled in all, at most, for one unit of cash lent to `payee` that ends up with
        `payer`: the price of an edge payer -> payee that itself counts nothing.
        """
        return max(0, int(self._p[payer] - self._p[payee]))

    def _reached(self, start: int) -> Flags:
        """bool[n]: those to whom what is left can be followed on from `start`."""
        reached = np.zeros(self.graph.n, np.bool_)
        reached[start] = True
        waiting = [start]
        left = self.graph.amount > self.flows
        while waiting:
            here = waiting.pop()
            row = slice(self._row[here], self._row[here + 1])
            onward = self.graph.creditor[row][left[row]]
            fresh = onward[~reached[onward]]
            reached[fresh] = True
            waiting += fresh.tolist()
        return reached

    def _leaving(self, reached: Flags) -> tuple[Bottleneck, ...]:
        """Edges from those reached to the others; what was cancelled is all they had."""
        leaving = np.flatnonzero(reached[self.graph.debtor] & ~reached[self.graph.creditor])
        dearest = leaving[np.lexsort((leaving, -self._price[leaving]))]
        prices = self._price[dearest].tolist()
        return tuple(map(Bottleneck, dearest.tolist(), prices))
