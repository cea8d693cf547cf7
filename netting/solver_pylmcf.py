"""LEMON's network simplex through pylmcf: the reference solver, and the only importer of it."""

import numpy as np
from pylmcf.pylmcf_cpp import CGraph

from netting.errors import Unsolved
from netting.graph import Ints
from netting.solve import Shipment


def solver_pylmcf(shipment: Shipment) -> Ints:
    """See `netting.solve.Solver`. Király, Kovács 2012 describe the algorithm."""
    if len(shipment.amount) == 0:
        return np.zeros(len(shipment.supply), np.int64)
    graph = CGraph(len(shipment.supply), shipment.debtor, shipment.creditor)
    graph.set_node_supply(shipment.supply)
    graph.set_edge_capacities(shipment.amount)
    graph.set_edge_costs(shipment.cost)
    try:
        graph.solve()
    except (RuntimeError, ValueError) as error:
        raise Unsolved(str(error)[:200]) from None
    potentials: Ints = graph.raw_potentials()
    return potentials
