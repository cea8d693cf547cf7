"""Cancelled flows told as explicit cycles: who, how much, and which obligations it discharged.

The legal effect comes from the flows alone; the cycles explain it. They are found by one walk in
the order of participants and edges, so everybody finds the same ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netting.graph import Graph, Ints


@dataclass(frozen=True, slots=True)
class Cycle:
    """Each member's debt to the next one (the last one's to the first) is cancelled by `amount`."""

    members: tuple[int, ...]
    """Participants, the smallest number first."""
    edges: tuple[int, ...]
    """edges[i]: of the graph, members[i] -> the next member."""
    amount: int
    """Minor units."""


@dataclass(frozen=True, slots=True)
class Discharge:
    """A part of one obligation that one cycle cancelled."""

    cycle: int
    obligation: int
    amount: int


def decompose(graph: Graph, flows: Ints) -> list[Cycle]:
    """Cycles whose amounts add up to `flows` (a circulation); at most one per edge.

    O(sum of the lengths of the cycles).
    """
    debtor: list[int] = graph.debtor.tolist()
    return [_cycle(edges, debtor, amount) for edges, amount in _walk(graph, flows)]


def count(graph: Graph, flows: Ints) -> int:
    """How many cycles `decompose` finds, in memory for one of them."""
    return sum(1 for _ in _walk(graph, flows))


def _walk(graph: Graph, flows: Ints) -> Iterator[tuple[list[int], int]]:
    """Edges and amount of each cycle, in the order in which the walk closes them."""
    left: list[int] = flows.tolist()
    debtor, creditor = graph.debtor.tolist(), graph.creditor.tolist()
    bounds = np.searchsorted(graph.debtor, np.arange(graph.n + 1))
    at, end = bounds[:-1].tolist(), bounds[1:].tolist()
    place = [-1] * graph.n
    path: list[int] = []

    def next_edge(here: int) -> int:
        while at[here] < end[here] and left[at[here]] == 0:
            at[here] += 1
        return at[here] if at[here] < end[here] else -1

    for start in range(graph.n):
        here = start
        place[here] = 0
        # A circulation: whoever is entered can be left, until the walk is back and empty.
        while (edge := next_edge(here)) >= 0:
            path.append(edge)
            here = creditor[edge]
            if place[here] < 0:
                place[here] = len(path)
                continue
            meeting, cycle = here, path[place[here] :]
            flow = [left[e] for e in cycle]
            amount = min(flow)
            yield cycle, amount
            for e, old in zip(cycle, flow, strict=True):
                left[e] = old - amount
            keep = place[meeting] + flow.index(amount)
            here = debtor[path[keep]]
            for e in path[keep:-1]:
                place[creditor[e]] = -1
            del path[keep:]
        assert not path, "not a circulation"
        place[start] = -1


def _cycle(edges: list[int], debtor: list[int], amount: int) -> Cycle:
    """Turned so that its smallest member stands first."""
    members = [debtor[edge] for edge in edges]
    turn = members.index(min(members))
    return Cycle(tuple(members[turn:] + members[:turn]), tuple(edges[turn:] + edges[:turn]), amount)


def discharges(cycles: Sequence[Cycle], edge: Ints, cancelled: Ints) -> list[Discharge]:
    """Which obligations each cycle discharged, oldest first on every edge.

    `edge`, `cancelled`: int64[m] as of `allot`, obligations oldest first.
    """
    queues: dict[int, list[list[int]]] = {}
    for obligation in np.flatnonzero(cancelled)[::-1].tolist():
        queues.setdefault(int(edge[obligation]), []).append(
            [obligation, int(cancelled[obligation])]
        )
    record: list[Discharge] = []
    for number, cycle in enumerate(cycles):
        for e in cycle.edges:
            due = cycle.amount
            while due:
                oldest = queues[e][-1]
                part = min(due, oldest[1])
                record.append(Discharge(number, oldest[0], part))
                due -= part
                oldest[1] -= part
                if oldest[1] == 0:
                    queues[e].pop()
    return record
