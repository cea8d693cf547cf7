"""Min-cost flow for small costs, as compiled loops: price level after price level.

The primal-dual algorithm (Ford, Fulkerson 1962; Ahuja, Magnanti, Orlin 1993, section 9.8). At the
prices p, only edges of reduced cost 0 may change: ship over them all that gets through. Then
everybody whom left goods still reach costs one more to get to, until nothing is left to ship.
With unit costs there are as many levels as the longest chain of debts on a cheapest way: a dozen
among 100,000 members, but thousands on a ring.

At one level, goods go where the way to a taker is one hop shorter, and stop where they are stuck
(push and relabel: Goldberg, Tarjan 1988; first in, first out). Unlike augmenting paths, this
costs nothing for all those that goods have left behind. What gets through to nobody stays where
it is: the next level ships it from there.

Imported by `netting.compiled.load` only.
"""

from typing import Final

import numpy as np

from netting.compiled import compiled
from netting.errors import Unsolved
from netting.graph import Index, Ints, Unsigned
from netting.solve import Shipment
from netting.varint import Bytes

LEVELS_MAX: Final = 64
"""More price levels than this are for another solver: each takes a pass over all edges."""

_ROUNDS: Final = 4
"""Of searching and pushing at one price level: the later ones ship little."""

_EDGES: Final = "uint32[::1], uint32[::1], int64[::1], int64[::1]"
_ARCS: Final = "uint32[::1], uint32[::1], uint32[::1], int64[::1], uint8[::1]"
"""See `_lay_out`: where those of each participant start, head, back, room, open."""


def ship(shipment: Shipment, levels_max: int = LEVELS_MAX) -> tuple[Ints, Ints]:
    """Potentials int64[n] as `netting.solve.Solver` gives them, and the flows int64[E].

    Raises `Unsolved` when there are more than `levels_max` prices to go through.
    """
    n, pairs = len(shipment.supply), len(shipment.amount)
    edges = shipment.columns()
    excess, flows = shipment.supply.copy(), np.zeros(pairs, np.int64)
    p = np.zeros(n, np.int32)
    hops, queue = np.empty(n, np.int32), np.empty(n, np.uint32)
    found = np.empty(pairs, np.uint32)
    for _ in range(levels_max):
        start = np.zeros(n + 1, np.uint32)
        tight = found[: _find_tight(*edges, p, found, start)]
        arcs = 2 * len(tight)
        head, back = np.empty(arcs, np.uint32), np.empty(arcs, np.uint32)
        room, open_ = np.empty(arcs, np.int64), np.empty(arcs, np.uint8)
        more = np.empty(len(tight), np.uint32)
        _lay_out(*edges, tight, flows, start, head, back, room, open_, more)
        reached = _saturate(start, head, back, room, open_, excess, hops, queue)
        flows[tight] = shipment.amount[tight] - room[more]
        if reached < 0:
            return p.astype(np.int64), flows
        p[queue[:reached]] += 1
    raise Unsolved(f"more than {levels_max} price levels")


@compiled(f"int64({_EDGES}, int32[::1], uint32[::1], uint32[::1])")
def _find_tight(
    debtor: Unsigned,
    creditor: Unsigned,
    amount: Ints,
    cost: Ints,
    p: Index,
    tight: Unsigned,
    start: Unsigned,
) -> int:
    """How many edges have reduced cost 0, and which; `start`: where everybody's arcs begin."""
    count = 0
    # Without a branch, which would be guessed wrong most of the time.
    for edge in range(len(amount)):
        tight[count] = edge
        count += int(cost[edge] + p[debtor[edge]] - p[creditor[edge]] == 0)
    for edge in tight[:count]:
        start[debtor[edge] + 1] += 1
        start[creditor[edge] + 1] += 1
    for who in range(len(p)):
        start[who + 1] += start[who]
    return count


@compiled(
    f"void({_EDGES}, uint32[::1], int64[::1], uint32[::1], uint32[::1], uint32[::1], int64[::1],"
    " uint8[::1], uint32[::1])"
)
def _lay_out(
    debtor: Unsigned,
    creditor: Unsigned,
    amount: Ints,
    cost: Ints,
    tight: Unsigned,
    flows: Ints,
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    forth: Unsigned,
) -> None:
    """Two arcs for each tight edge, by participant: ship more (noted in `forth`), and ship less.

    `head`: where an arc leads; `back`: the arc the other way; `room`: how much it can take.
    `open_`: 1 if the arc the other way can take more, so that searching needs no `back`.
    """
    place = start[:-1].astype(np.int64)
    for number in range(len(tight)):
        edge = tight[number]
        u, v = debtor[edge], creditor[edge]
        more, less = place[u], place[v]
        place[u] += 1
        place[v] += 1
        head[more], back[more], room[more] = v, less, amount[edge] - flows[edge]
        head[less], back[less], room[less] = u, more, flows[edge]
        open_[more], open_[less] = flows[edge] > 0, flows[edge] < amount[edge]
        forth[number] = more


@compiled(
    "int64(uint32[::1], uint32[::1], uint8[::1], int64[::1], int32[::1], uint32[::1], boolean)"
)
def _search(
    start: Unsigned,
    head: Unsigned,
    open_: Bytes,
    excess: Ints,
    hops: Index,
    queue: Unsigned,
    everybody: bool,
) -> int:
    """Breadth first from the takers, against the arcs, until all sources are found, or everybody.

    `hops`: int32[n], to the nearest taker; at least so many for who was not looked for any more;
    above n for who reaches none, which stays so at these prices. How many were reached, and are
    in `queue`, nearest first; negative if there is a source among them.
    """
    n, reached, sources, found = len(hops), 0, 0, 0
    for who in range(n):
        if excess[who] < 0:
            hops[who] = 0
            queue[reached] = who
            reached += 1
        elif hops[who] <= n:
            hops[who] = n
            sources += int(excess[who] > 0)
    done = 0
    everybody |= sources == 0
    while done < reached and (found < sources or everybody):
        who = queue[done]
        done += 1
        for arc in range(start[who], start[who + 1]):
            other = head[arc]
            if open_[arc] and hops[other] == n:
                hops[other] = hops[who] + 1
                queue[reached] = other
                reached += 1
                found += int(excess[other] > 0)
    unseen = n + 1 if done == reached else hops[queue[done - 1]] + 1
    for who in range(n):
        if hops[who] == n:
            hops[who] = unseen
    return -reached if found else reached


@compiled(
    f"int64(uint32, {_ARCS}, int64[::1], int32[::1], int64[::1], uint32[::1], uint8[::1], int64)"
)
def _give(
    who: int,
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    excess: Ints,
    hops: Index,
    place: Ints,
    line: Unsigned,
    queued: Bytes,
    end: int,
) -> int:
    """Ship what `who` has to those one hop nearer; who has something now joins the line."""
    left, arc, nearer = excess[who], place[who], hops[who] - 1
    while left > 0 and arc < start[who + 1]:
        other = head[arc]
        if hops[other] == nearer and room[arc] > 0:
            amount = min(left, room[arc])
            left -= amount
            excess[other] += amount
            room[arc] -= amount
            room[back[arc]] += amount
            open_[arc] = 1
            if room[arc] == 0:
                open_[back[arc]] = 0
            if excess[other] > 0 and not queued[other]:
                queued[other] = 1
                line[end] = other
                end = end + 1 if end + 1 < len(line) else 0
        if left > 0:
            arc += 1
    excess[who] = left
    place[who] = arc
    return end


@compiled(f"int64(uint32, {_ARCS}, int32[::1])")
def _nearest(
    who: int, start: Unsigned, head: Unsigned, back: Unsigned, room: Ints, open_: Bytes, hops: Index
) -> int:
    """Hops of `who` to a taker, if those of the others are right; above n: reaches none."""
    nearest = len(hops)
    for arc in range(start[who], start[who + 1]):
        if room[arc] > 0:
            nearest = min(nearest, hops[head[arc]])
    return nearest + 1


@compiled(
    f"void({_ARCS}, int64[::1], int32[::1], uint32[::1], int64, int64[::1], uint32[::1],"
    " uint8[::1])"
)
def _discharge(
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    excess: Ints,
    hops: Index,
    queue: Unsigned,
    reached: int,
    place: Ints,
    line: Unsigned,
    queued: Bytes,
) -> None:
    """Ship by `hops`, and correct them where goods are stuck, for about the time of a search."""
    n = len(hops)
    place[:] = start[:-1]
    # One sweep, farthest first. All count as queued, since each has its turn.
    queued[:] = 1
    for turn in range(reached - 1, -1, -1):
        who = queue[turn]
        if excess[who] > 0:
            _give(who, start, head, back, room, open_, excess, hops, place, line, queued, 0)
    queued[:] = 0
    first = end = 0
    for turn in range(reached - 1, -1, -1):
        if excess[queue[turn]] > 0:
            line[end] = queue[turn]
            queued[queue[turn]] = 1
            end += 1
    work = len(head) >> 1
    while first != end and work > 0:
        who = line[first]
        first = first + 1 if first + 1 < len(line) else 0
        queued[who] = 0
        end = _give(who, start, head, back, room, open_, excess, hops, place, line, queued, end)
        if excess[who] > 0:
            work -= 4 + int(start[who + 1]) - int(start[who])
            place[who] = start[who]
            hops[who] = _nearest(who, start, head, back, room, open_, hops)
            if hops[who] < n:
                queued[who] = 1
                line[end] = who
                end = end + 1 if end + 1 < len(line) else 0
            else:
                hops[who] = n + 1


@compiled(f"int64({_ARCS}, int64[::1], int32[::1], uint32[::1])")
def _saturate(
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    excess: Ints,
    hops: Index,
    queue: Unsigned,
) -> int:
    """Ship until no source reaches a taker; how many of `queue` still reach one, -1: all done.

    After a few rounds, what is still on its way may as well go on at the next prices, together
    with what has no way at these: among those who reach a taker, prices rise alike.
    """
    n, rounds = len(hops), 0
    place, queued = np.empty(n, np.int64), np.empty(n, np.uint8)
    line = np.empty(n + 1, np.uint32)
    hops[:] = 0
    while (excess > 0).any():
        late = rounds >= _ROUNDS and bool(((excess > 0) & (hops > n)).any())
        reached = _search(start, head, open_, excess, hops, queue, late)
        if reached >= 0 or late:
            return abs(reached)
        _discharge(start, head, back, room, open_, excess, hops, queue, -reached, place, line,
                   queued)  # fmt: skip
        rounds += 1
    return -1
