"""Rebuild the cancelled flows from a certificate, and prove them, in a few passes over the edges.

Nothing here is shared with a solver. With residual g = o - f, level 1 minimises sum value_e g_e
and level 2, among the optima of level 1, sum h_e g_e (h: `tiebreak`). The reduced costs

    r_p = value + p[debtor] - p[creditor]        r_q = h + q[debtor] - q[creditor]

decide each edge in lexicographic order: positive means all cancelled (g = 0), negative nothing
(g = o). That is complementary slackness, so a feasible f that obeys it is optimal (Ahuja,
Magnanti, Orlin 1993, theorem 9.4). Edges tight at both levels have to form a forest, on which
conservation leaves one f only: the optimum is then the only one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from netting.certificate import Greedy, Objective, Potentials, decode
from netting.errors import CertificateRefused
from netting.graph import Graph, Ints, ParticipantId, exact_sum, net_positions
from netting.passes import Passes, fastest
from netting.tiebreak import Anchors, anchors

_INT32_HALF: Final = 1 << 30
"""Differences of two numbers below it, and one more, fit in int32."""


@dataclass(frozen=True, slots=True, eq=False)
class Cleared:
    """A proven result of one graph."""

    flows: Ints
    """int64[E]: cancelled on each edge, minor units."""
    total: int
    """What was cancelled in all (edges of the free participant do not count)."""
    objective: Objective


def check(
    graph: Graph,
    ids: Sequence[ParticipantId],
    seed: bytes,
    certificate: bytes,
    *,
    passes: Passes | None = None,
    anchor: Anchors | None = None,
) -> Cleared:
    """The flows that `certificate` determines on `graph`; `ids`: its n participants in order.

    Raises `CertificateRefused` unless they are a circulation within the amounts that is proven to
    be what the certificate's kind says. O(edges), in time and memory, for any bytes. The passes
    over the edges are the fastest ones at hand unless given; the answer is the same with any.
    `anchor`: see `tiebreak.anchors`, of everybody on an edge, where they are known already.
    """
    assert len(ids) == graph.n, (len(ids), graph.n)
    match decode(certificate, graph):
        case Potentials() as potentials:
            flows = _optimal_flows(graph, ids, seed, potentials, passes or fastest(), anchor)
            objective = Objective.OPTIMAL
        case Greedy() as greedy:
            flows = _maximal_flows(graph, greedy)
            objective = Objective.MAXIMAL
    return Cleared(flows, _counted(graph, flows), objective)


def _optimal_flows(
    graph: Graph,
    ids: Sequence[ParticipantId],
    seed: bytes,
    potentials: Potentials,
    passes: Passes,
    anchor: Anchors | None,
) -> Ints:
    # |p| is at most n, which is checked, and n has four bytes at most: half the memory to walk.
    assert graph.n < _INT32_HALF
    flows, tight = passes.by_price(graph, potentials.p.astype(np.int32))
    if anchor is None:
        anchor = anchors(ids, seed, graph.debtor.take(tight), graph.creditor.take(tight))
    tight = passes.by_weight(graph, tight, anchor, potentials.q, flows)
    # Gross per participant is below 2^62, so no sum of flows within the amounts can wrap.
    branches = passes.by_conservation(graph, tight, flows)
    if branches is None:
        raise CertificateRefused("tight edges leave the flows open, or they are not conserved")
    if ((branches < 0) | (branches > graph.amount[tight])).any():
        raise CertificateRefused("a flow is negative or exceeds its debt")
    flows[tight] = branches
    return flows


def _maximal_flows(graph: Graph, greedy: Greedy) -> Ints:
    if net_positions(graph.n, graph.debtor, graph.creditor, greedy.flows).any():
        raise CertificateRefused("flows are not conserved at every participant")
    owing = greedy.flows < graph.amount
    if (greedy.rank[graph.debtor[owing]] <= greedy.rank[graph.creditor[owing]]).any():
        raise CertificateRefused("the ranks do not fall along a debt that is left")
    return greedy.flows


def _counted(graph: Graph, flows: Ints) -> int:
    return exact_sum(flows[graph.value() == 1]) if graph.free is not None else exact_sum(flows)
