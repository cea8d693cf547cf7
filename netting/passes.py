"""The three passes of a check over the edges, on arrays; `passes_compiled` has them as loops.

Both give the same answers on any input, and the tests hold them to it.
"""

from typing import Protocol, TypeVar, cast

import numpy as np

from netting import compiled
from netting.forest import fill_forest
from netting.graph import Graph, Index, Ints, net_positions
from netting.tiebreak import Anchors, weights

Exact = TypeVar("Exact", Index, Ints)


class Passes(Protocol):
    """What a check does with the edges. `flows`: int64[E]; `tight`: int64, edges in order."""

    def by_price(self, graph: Graph, p: Index) -> tuple[Ints, Ints]:
        """The flows if p decides, 0 where it does not; and the tight edges, where it does not.

        `p`: int32[n], below 2^30 - 1, either sign.
        """
        ...

    def by_weight(self, graph: Graph, tight: Ints, anchor: Anchors, q: Ints, flows: Ints) -> Ints:
        """Writes into `flows` what q decides of the `tight` edges; those that stay tight.

        `q`: int64[n], below 2^62, either sign.
        """
        ...

    def by_conservation(self, graph: Graph, tight: Ints, flows: Ints) -> Ints | None:
        """The flows on the `tight` edges that conservation leaves, see `forest.fill_forest`.

        `flows`: those of all other edges, within the amounts; 0 on the `tight` ones.
        """
        ...


class Arrays:
    """The passes on arrays."""

    def by_price(self, graph: Graph, p: Index) -> tuple[Ints, Ints]:
        """See `Passes`."""
        reduced = _rise(p, graph.debtor, graph.creditor)
        reduced += graph.value() if graph.free is not None else 1
        flows: Ints = np.where(reduced > 0, graph.amount, 0)
        return flows, np.flatnonzero(reduced == 0)

    def by_weight(self, graph: Graph, tight: Ints, anchor: Anchors, q: Ints, flows: Ints) -> Ints:
        """See `Passes`."""
        debtor, creditor = graph.debtor.take(tight), graph.creditor.take(tight)
        reduced = weights(anchor, debtor, creditor)
        reduced += _rise(q, debtor, creditor)
        whole = tight[reduced > 0]
        flows[whole] = graph.amount[whole]
        left: Ints = tight[reduced == 0]
        return left

    def by_conservation(self, graph: Graph, tight: Ints, flows: Ints) -> Ints | None:
        """See `Passes`."""
        surplus = net_positions(graph.n, graph.debtor, graph.creditor, flows)
        return fill_forest(graph.debtor[tight], graph.creditor[tight], surplus)


def fastest() -> Passes:
    """The compiled passes where they are ready, else the arrays."""
    loops = compiled.ready("netting.passes_compiled")
    return cast(Passes, loops.Loops()) if loops else Arrays()


def _rise(potential: Exact, debtor: Index, creditor: Index) -> Exact:
    """[E]: potential of the debtor minus that of the creditor."""
    rise: Exact = potential.take(debtor) - potential.take(creditor)
    return rise
