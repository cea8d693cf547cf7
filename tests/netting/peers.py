"""Other solvers of the same problem: independent readings to hold the engine against."""

import networkx as nx
import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from netting.errors import Unsolved
from netting.graph import Graph, Ints
from netting.solve import Shipment


def networkx_cleared(graph: Graph) -> int:
    """The maximum circulation, by networkx's network simplex on Python ints."""
    network = nx.DiGraph()
    network.add_nodes_from(range(graph.n))
    columns = (graph.debtor, graph.creditor, graph.amount, graph.value())
    for debtor, creditor, amount, value in zip(*(c.tolist() for c in columns), strict=True):
        network.add_edge(debtor, creditor, capacity=amount, weight=-value)
    cost, _ = nx.network_simplex(network)
    return -int(cost)


def ortools_flows(shipment: Shipment) -> Ints:
    """The residual of the cheapest shipment, by OR-tools' cost scaling."""
    solver = SimpleMinCostFlow()
    edges = solver.add_arcs_with_capacity_and_unit_cost(
        shipment.debtor, shipment.creditor, shipment.amount, shipment.cost
    )
    solver.set_nodes_supplies(np.arange(len(shipment.supply)), shipment.supply)
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise Unsolved(f"OR-tools says {status}")
    flows: Ints = solver.flows(edges).astype(np.int64)
    return flows


def solver_ortools(shipment: Shipment) -> Ints:
    """Potentials recovered from OR-tools' flows: shortest paths in the residual network."""
    if len(shipment.amount) == 0:
        return np.zeros(len(shipment.supply), np.int64)
    flows = ortools_flows(shipment)
    open_, used = flows < shipment.amount, flows > 0
    tail = np.concatenate((shipment.debtor[open_], shipment.creditor[used]))
    head = np.concatenate((shipment.creditor[open_], shipment.debtor[used]))
    cost = np.concatenate((shipment.cost[open_], -shipment.cost[used]))
    # Bellman-Ford from a source at distance 0 of everybody: cost + pi[tail] - pi[head] >= 0.
    potential = np.zeros(len(shipment.supply), np.int64)
    for _ in range(len(shipment.supply) + 1):
        before = potential.copy()
        np.minimum.at(potential, head, potential[tail] + cost)
        if (before == potential).all():
            return potential
    raise Unsolved("the flows are not optimal: a negative cycle is left")
