"""Find the optimum and the potentials that prove it; fall back to the greedy result.

Callable from a worker process: everything it takes and returns pickles. The time box is the
caller's: a solver that is killed is answered with `greedy`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np

from netting import compiled
from netting.certificate import Potentials, encode
from netting.check import check
from netting.errors import CertificateRefused, Unsolved
from netting.graph import Graph, Index, Ints, ParticipantId, Unsigned, net_positions, nets
from netting.greedy import greedy
from netting.tiebreak import WEIGHT_MAX, Anchors, anchors, weights

_POTENTIAL_BITS: Final = 61
"""Network simplex holds potentials of up to twice participants * largest cost in int64."""

_UNIT_BITS_MAX: Final = 50
"""Of K: leaves room for paths of 2^13 edges of the largest weight."""

LARGE: Final = 1 << 14
"""Participants from which on compiled loops beat a network simplex for both levels."""


Columns: TypeAlias = tuple[Unsigned, Unsigned, Ints, Ints]
"""Debtor, creditor, amount and cost of each edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Shipment:
    """A min-cost flow: bring `supply` away over edges debtor -> creditor of `amount` at `cost`."""

    debtor: Index
    creditor: Index
    amount: Ints
    """int64[E], at least 1."""
    cost: Ints
    """int64[E], 0 or more; (largest + 1) * n stays below 2^62."""
    supply: Ints
    """int64[n], sums to 0; a feasible flow exists."""

    def columns(self) -> Columns:
        """The edges as compiled loops take them; copies only of what has another type."""
        return (
            np.require(self.debtor, np.int32, ["C", "W"]).view(np.uint32),
            np.require(self.creditor, np.int32, ["C", "W"]).view(np.uint32),
            np.require(self.amount, np.int64, ["C", "W"]),
            np.require(self.cost, np.int64, ["C", "W"]),
        )


class Solver(Protocol):
    """Anything that solves a min-cost flow exactly in integers."""

    def __call__(self, shipment: Shipment) -> Ints:
        """int64[n]: potentials pi of an optimum, cost + pi[debtor] - pi[creditor] >= 0 on every
        edge that is not full and <= 0 on every edge that is used. Raises `Unsolved`.
        """
        ...


_Way: TypeAlias = Callable[[Graph, Anchors, Solver], tuple[Ints, Ints]]
"""From a graph, the anchors of its tie-break and a solver to p and q."""


def solve(
    graph: Graph, ids: Sequence[ParticipantId], seed: bytes, *, solver: Solver | None = None
) -> bytes:
    """A certificate of `graph`: OPTIMAL, or MAXIMAL where the solver did not find a unique one.

    `ids`: the participants in order; `seed`: of the tie-break. Solver: pylmcf unless given, with
    compiled loops before it on a large market, if `compiled.load` has made them ready.
    """
    anchor = anchors(ids, seed, graph.debtor, graph.creditor)
    for potentials, by in _ways(graph, solver):
        try:
            p, q = potentials(graph, anchor, by)
            certificate = encode(Potentials(_squeeze(p, 1), _squeeze(q, WEIGHT_MAX)), graph)
            check(graph, ids, seed, certificate, anchor=anchor)
        except (Unsolved, CertificateRefused):
            continue
        return certificate
    return greedy(graph)


def _ways(graph: Graph, solver: Solver | None) -> Iterator[tuple[_Way, Solver]]:
    """How to find potentials, in the order to try."""
    loops = compiled.ready("netting.solver_compiled")
    if solver is None and loops is not None and graph.n >= LARGE:
        yield _one_level_after_the_other, loops.solver_compiled
    by = solver or _reference()
    yield _both_levels_at_once, by
    yield _one_level_after_the_other, by


def _both_levels_at_once(graph: Graph, anchor: Anchors, solver: Solver) -> tuple[Ints, Ints]:
    """Potentials from one flow of cost K * value + h: half the time, if no path is too deep.

    With K above twice the sum of h along any tight path, the potential K * p + q splits again
    into the two levels. A deeper graph (a ring) gives potentials that `check` refuses.
    """
    unit = 1 << min(_UNIT_BITS_MAX, _POTENTIAL_BITS - graph.n.bit_length())
    weight = weights(anchor, graph.debtor, graph.creditor)
    supply = -nets(graph)
    cost = unit * graph.value() + weight
    joint = solver(Shipment(graph.debtor, graph.creditor, graph.amount, cost, supply))
    p = (joint + (unit >> 1)) // unit
    return p, joint - p * unit


def _one_level_after_the_other(graph: Graph, anchor: Anchors, solver: Solver) -> tuple[Ints, Ints]:
    """Potentials of level 1, then those of level 2 on the edges that are tight at level 1."""
    debtor, creditor, amount, value = graph.debtor, graph.creditor, graph.amount, graph.value()
    supply = -nets(graph)
    p = solver(Shipment(debtor, creditor, amount, value, supply))
    reduced = value + p[debtor] - p[creditor]
    full = reduced < 0
    supply += net_positions(graph.n, debtor[full], creditor[full], amount[full])
    tight = reduced == 0
    debtor, creditor, amount = debtor[tight], creditor[tight], amount[tight]
    cost = weights(anchor, debtor, creditor)
    return p, solver(Shipment(debtor, creditor, amount, cost, supply))


def _reference() -> Solver:
    # Imported here: a validator checks certificates without having a solver loaded.
    from netting.solver_pylmcf import solver_pylmcf

    return solver_pylmcf


def _squeeze(potential: Ints, cost_max: int) -> Ints:
    """The same signs of every reduced cost, from potentials that lie close together around 0.

    Costs lie in 0 .. cost_max, so two potentials further apart than that decide an edge whatever
    the distance: gaps in the sorted list shrink to cost_max + 1.
    """
    order = np.argsort(potential, kind="stable")
    gaps = np.minimum(np.diff(potential[order]), cost_max + 1)
    squeezed = np.zeros(len(potential), np.int64)
    squeezed[order[1:]] = np.cumsum(gaps)
    return squeezed - (int(squeezed.max(initial=0)) >> 1)
