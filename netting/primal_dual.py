"""Min-cost flow for small costs, as compiled loops: price level after price level.

The primal-dual algorithm (Ford, Fulkerson 1962; Ahuja, Magnanti, Orlin 1993, section 9.8). At the
prices p, only edges of reduced cost 0 may change: ship over them all that gets through, by
blocking flows (Dinic 1970). Then everybody whom left goods still reach costs one more to get to,
until nothing is left to ship. With unit costs there are as many levels as the longest chain
of debts on a cheapest way: a dozen among 100,000 members, but thousands on a ring.

Imported by `netting.compiled.load` only.
"""

from typing import Final, TypeAlias

import numpy as np

from netting.compiled import compiled
from netting.errors import Unsolved
from netting.graph import Index, Ints
from netting.solve import Shipment
from netting.varint import Bytes

LEVELS_MAX: Final = 64
"""More price levels than this are for another solver: each takes a pass over all edges."""

_Edges: TypeAlias = tuple[Index, Index, Ints, Ints]
_EDGES: Final = "int32[::1], int32[::1], int64[::1], int64[::1]"


def ship(shipment: Shipment, levels_max: int = LEVELS_MAX) -> tuple[Ints, Ints]:
    """Potentials int64[n] as `netting.solve.Solver` gives them, and the flows int64[E].

    Raises `Unsolved` when there are more than `levels_max` prices to go through.
    """
    n, pairs = len(shipment.supply), len(shipment.amount)
    edges = _columns(shipment)
    excess, flows = shipment.supply.copy(), np.zeros(pairs, np.int64)
    p = np.zeros(n, np.int64)
    hops, queue = np.empty(n, np.int32), np.empty(n, np.int32)
    for _ in range(levels_max):
        start = np.zeros(n + 1, np.int64)
        tight = _count_tight(*edges, p, start)
        head, back = np.empty(2 * tight, np.int32), np.empty(2 * tight, np.int32)
        room, open_ = np.empty(2 * tight, np.int64), np.empty(2 * tight, np.uint8)
        _lay_out(*edges, p, flows, start, head, back, room, open_)
        sources = np.flatnonzero(excess > 0).astype(np.int32)
        reached = _saturate(start, head, back, room, open_, excess, sources, hops, queue)
        _note(*edges, p, start, room, flows)
        if reached < 0:
            return p, flows
        p[queue[:reached]] += 1
    raise Unsolved(f"more than {levels_max} price levels")


def _columns(shipment: Shipment) -> _Edges:
    """The edges as the loops take them."""
    return (
        np.require(shipment.debtor, np.int32, ["C", "W"]),
        np.require(shipment.creditor, np.int32, ["C", "W"]),
        np.require(shipment.amount, np.int64, ["C", "W"]),
        np.require(shipment.cost, np.int64, ["C", "W"]),
    )


@compiled(f"int64({_EDGES}, int64[::1], int64[::1])")
def _count_tight(
    debtor: Index, creditor: Index, amount: Ints, cost: Ints, p: Ints, start: Ints
) -> int:
    """How many edges have reduced cost 0; `start`: where the arcs of each participant begin."""
    tight = 0
    for edge in range(len(amount)):
        u, v = debtor[edge], creditor[edge]
        if cost[edge] + p[u] - p[v] == 0:
            start[u + 1] += 1
            start[v + 1] += 1
            tight += 1
    for who in range(len(p)):
        start[who + 1] += start[who]
    return tight


@compiled(
    f"void({_EDGES}, int64[::1], int64[::1], int64[::1], int32[::1], int32[::1], int64[::1],"
    " uint8[::1])"
)
def _lay_out(
    debtor: Index,
    creditor: Index,
    amount: Ints,
    cost: Ints,
    p: Ints,
    flows: Ints,
    start: Ints,
    head: Index,
    back: Index,
    room: Ints,
    open_: Bytes,
) -> None:
    """Two arcs for each tight edge, by participant: ship more, and ship less.

    `head`: where an arc leads; `back`: the arc the other way; `room`: how much it can take.
    `open_`: 1 if the arc the other way can take more, so that searching needs no `back`.
    """
    place = start[:-1].copy()
    for edge in range(len(amount)):
        u, v = debtor[edge], creditor[edge]
        if cost[edge] + p[u] - p[v] == 0:
            more, less = place[u], place[v]
            place[u] += 1
            place[v] += 1
            head[more], back[more], room[more] = v, less, amount[edge] - flows[edge]
            head[less], back[less], room[less] = u, more, flows[edge]
            open_[more], open_[less] = flows[edge] > 0, flows[edge] < amount[edge]


@compiled(f"void({_EDGES}, int64[::1], int64[::1], int64[::1], int64[::1])")
def _note(
    debtor: Index,
    creditor: Index,
    amount: Ints,
    cost: Ints,
    p: Ints,
    start: Ints,
    room: Ints,
    flows: Ints,
) -> None:
    """The flows on tight edges, from the room that is left on their arcs."""
    place = start[:-1].copy()
    for edge in range(len(amount)):
        u, v = debtor[edge], creditor[edge]
        if cost[edge] + p[u] - p[v] == 0:
            flows[edge] = amount[edge] - room[place[u]]
            place[u] += 1
            place[v] += 1


@compiled("int64(int64[::1], int32[::1], uint8[::1], int64[::1], int32[::1], int32[::1], int64)")
def _search(
    start: Ints, head: Index, open_: Bytes, excess: Ints, hops: Index, queue: Index, sources: int
) -> int:
    """Breadth first from the takers, against the arcs, until every source is found.

    `hops`: int32[n], to the nearest taker, -1: none. How many were reached, and are in `queue`;
    negative if there is a source among them.
    """
    reached, found = 0, 0
    for who in range(len(hops)):
        hops[who] = -1
        if excess[who] < 0:
            hops[who] = 0
            queue[reached] = who
            reached += 1
    done = 0
    while done < reached and found < sources:
        who = queue[done]
        done += 1
        for arc in range(start[who], start[who + 1]):
            other = head[arc]
            if open_[arc] and hops[other] < 0:
                hops[other] = hops[who] + 1
                queue[reached] = other
                reached += 1
                found += int(excess[other] > 0)
    return -reached if found else reached


@compiled(
    "void(int64[::1], int32[::1], int32[::1], int64[::1], uint8[::1], int64[::1], int32[::1],"
    " int64[::1], int64[::1], int64)"
)
def _push(
    start: Ints,
    head: Index,
    back: Index,
    room: Ints,
    open_: Bytes,
    excess: Ints,
    hops: Index,
    place: Ints,
    path: Ints,
    source: int,
) -> None:
    """Ship from `source`, one hop nearer to a taker at a time, what gets through."""
    length, here = 0, source
    while excess[source] > 0:
        if excess[here] < 0:
            amount = min(excess[source], -excess[here])
            for step in range(length):
                amount = min(amount, room[path[step]])
            excess[source] -= amount
            excess[here] += amount
            for step in range(length - 1, -1, -1):
                arc = path[step]
                room[arc] -= amount
                room[back[arc]] += amount
                open_[arc] = 1
                if room[arc] == 0:
                    open_[back[arc]] = 0
                    length, here = step, head[back[arc]]
            continue
        arc = place[here]
        while arc < start[here + 1] and (hops[head[arc]] != hops[here] - 1 or room[arc] == 0):
            arc += 1
        place[here] = arc
        if arc < start[here + 1] and hops[here] > 0:
            path[length] = arc
            length, here = length + 1, head[arc]
        elif length == 0:
            return
        else:
            length -= 1
            here = head[back[path[length]]]
            place[here] += 1


@compiled(
    "int64(int64[::1], int32[::1], int32[::1], int64[::1], uint8[::1], int64[::1], int32[::1],"
    " int32[::1], int32[::1])"
)
def _saturate(
    start: Ints,
    head: Index,
    back: Index,
    room: Ints,
    open_: Bytes,
    excess: Ints,
    sources: Index,
    hops: Index,
    queue: Index,
) -> int:
    """Blocking flows until no source reaches a taker; how many of `queue` still reach one."""
    place = np.empty(len(hops), np.int64)
    path = np.empty(len(hops) + 1, np.int64)
    left = len(sources)
    while left:
        reached = _search(start, head, open_, excess, hops, queue, left)
        if reached >= 0:
            return reached
        place[:] = start[:-1]
        count = 0
        for source in sources[:left]:
            if hops[source] >= 0:
                _push(start, head, back, room, open_, excess, hops, place, path, source)
            if excess[source] > 0:
                sources[count] = source
                count += 1
        left = count
    return -1
