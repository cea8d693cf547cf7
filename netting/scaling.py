"""A min-cost flow that is nearly the cheapest, and its prices, as compiled loops.

One step of cost scaling (Goldberg, Tarjan 1990; Ahuja, Magnanti, Orlin 1993, section 10.3): goods
go where the reduced cost is negative, and whoever is stuck lowers its price until it is, for one
way out, by `step`. In the end no way that is open has a reduced cost below -step: the prices are
not those of an optimum, but most debts are on the right side of them, and the others are few
enough to be sifted out (`solver_compiled`). Imported by `netting.compiled.load` only.
"""

from typing import Final

import numpy as np

from netting.compiled import compiled
from netting.errors import Unsolved
from netting.graph import Index, Ints, Unsigned
from netting.solve import Shipment
from netting.varint import Bytes

_STEPS_MAX: Final = 1 << 18
"""Farther than this from a taker is as good as unreached."""

_LOWERINGS_MAX: Final = 256
"""Of prices, per participant: where so many do not do, another solver takes over."""

_ARCS: Final = "uint32[::1], uint32[::1], uint32[::1], int64[::1], uint8[::1], int64[::1]"
"""See `_lay_out`: where those of each participant start, head, back, room, open, cost."""


def approach(shipment: Shipment, step: int) -> tuple[Ints, Ints]:
    """Prices int64[n] and flows int64[E] that obey them within `step` on every edge.

    Ships all of the supply. Raises `Unsolved` where that takes too long.
    """
    n, pairs = len(shipment.supply), len(shipment.amount)
    start, more = np.zeros(n + 1, np.uint32), np.empty(pairs, np.uint32)
    head, back = np.empty(2 * pairs, np.uint32), np.empty(2 * pairs, np.uint32)
    room, cost = np.empty(2 * pairs, np.int64), np.empty(2 * pairs, np.int64)
    open_ = np.empty(2 * pairs, np.uint8)
    _lay_out(*shipment.columns(), start, head, back, room, open_, cost, more)
    excess, p = shipment.supply.copy(), np.zeros(n, np.int64)
    if not _ship(start, head, back, room, open_, cost, excess, p, step):
        raise Unsolved("prices fall without end")
    return p, shipment.amount - room[more]


@compiled(
    "void(uint32[::1], uint32[::1], int64[::1], int64[::1], uint32[::1], uint32[::1], uint32[::1],"
    " int64[::1], uint8[::1], int64[::1], uint32[::1])"
)
def _lay_out(
    debtor: Unsigned,
    creditor: Unsigned,
    amount: Ints,
    costs: Ints,
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    cost: Ints,
    forth: Unsigned,
) -> None:
    """Two arcs for each edge, by participant: ship more (noted in `forth`), and ship less.

    `head`: where an arc leads; `back`: the arc the other way; `room`: how much it can take.
    `open_`: 1 if the arc the other way can take more, so that pricing needs no `back`.
    """
    for edge in range(len(amount)):
        start[debtor[edge] + 1] += 1
        start[creditor[edge] + 1] += 1
    for who in range(len(start) - 1):
        start[who + 1] += start[who]
    place = start[:-1].astype(np.int64)
    for edge in range(len(amount)):
        u, v = debtor[edge], creditor[edge]
        more, less = place[u], place[v]
        place[u] += 1
        place[v] += 1
        head[more], back[more], room[more], cost[more] = v, less, amount[edge], costs[edge]
        head[less], back[less], room[less], cost[less] = u, more, 0, -costs[edge]
        open_[more], open_[less] = 0, 1
        forth[edge] = more


@compiled("void(int64, int64, int32[::1], int32[::1], int32[::1], int32[::1])")
def _move(who: int, to: int, far: Index, first: Index, after: Index, before: Index) -> None:
    """From the list of those as far as `far` says to that of those at `to`."""
    if far[who] < len(first):
        if before[who] >= 0:
            after[before[who]] = after[who]
        else:
            first[far[who]] = after[who]
        if after[who] >= 0:
            before[after[who]] = before[who]
    far[who], after[who], before[who] = to, first[to], -1
    if first[to] >= 0:
        before[first[to]] = who
    first[to] = who


@compiled(f"void({_ARCS}, int64[::1], int64[::1], int64, int32[::1])")
def _reprice(
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    cost: Ints,
    excess: Ints,
    p: Ints,
    step: int,
    first: Index,
) -> None:
    """Lower everybody's price by as many steps as it is from a taker, so that goods flow there.

    Dijkstra's algorithm with lists for queues (Dial 1969). `first`: work space, a list for every
    distance.
    """
    n, last, sources = len(p), len(first) - 1, 0
    after, before = np.empty(n, np.int32), np.empty(n, np.int32)
    far = np.full(n, last + 1, np.int32)
    first[:] = -1
    for who in range(n):
        sources += int(excess[who] > 0)
        if excess[who] < 0:
            _move(who, 0, far, first, after, before)
    here, top = 0, 0
    while here <= top and sources > 0:
        who = first[here]
        if who < 0:
            here += 1
            continue
        first[here] = after[who]
        if after[who] >= 0:
            before[after[who]] = -1
        # Done with: it stays as far as it is, for it gets no nearer.
        sources -= int(excess[who] > 0)
        for arc in range(start[who], start[who + 1]):
            other = head[arc]
            if open_[arc] and far[other] > here:
                steps = max(0, (p[other] - cost[arc] - p[who]) // step + 1)
                if here + steps < min(far[other], last):
                    _move(other, here + steps, far, first, after, before)
                    top = max(top, here + steps)
    for who in range(n):
        p[who] -= step * min(far[who], here)


@compiled(f"int64(uint32, {_ARCS}, int64[::1])")
def _price(
    who: int,
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    cost: Ints,
    p: Ints,
) -> int:
    """The highest price of `who` at which a way out of it has reduced cost 0."""
    highest = -(1 << 62)
    for arc in range(start[who], start[who + 1]):
        if room[arc] > 0:
            highest = max(highest, p[head[arc]] - cost[arc])
    return highest


@compiled(
    f"int64(uint32, {_ARCS}, int64[::1], int64[::1], int64[::1], uint32[::1], uint8[::1], int64)"
)
def _give(
    who: int,
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    cost: Ints,
    excess: Ints,
    p: Ints,
    place: Ints,
    line: Unsigned,
    queued: Bytes,
    end: int,
) -> int:
    """Ship what `who` has where reduced costs are negative; whom it comes to joins the line."""
    left, arc = excess[who], place[who]
    while left > 0 and arc < start[who + 1]:
        other = head[arc]
        if room[arc] > 0 and cost[arc] + p[who] - p[other] < 0:
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


@compiled(f"boolean({_ARCS}, int64[::1], int64[::1], int64)")
def _ship(
    start: Unsigned,
    head: Unsigned,
    back: Unsigned,
    room: Ints,
    open_: Bytes,
    cost: Ints,
    excess: Ints,
    p: Ints,
    step: int,
) -> bool:
    """First in, first out, until nobody has anything left; whether that came to an end."""
    n = len(p)
    first = np.empty(_STEPS_MAX, np.int32)
    _reprice(start, head, back, room, open_, cost, excess, p, step, first)
    place, queued = start[:-1].astype(np.int64), np.zeros(n, np.uint8)
    line = np.empty(n + 1, np.uint32)
    here = end = 0
    for who in range(n):
        if excess[who] > 0:
            line[end], queued[who] = who, 1
            end += 1
    lowered, lowered_max = 0, _LOWERINGS_MAX * n
    while here != end and lowered < lowered_max:
        who = line[here]
        here = here + 1 if here < n else 0
        queued[who] = 0
        while excess[who] > 0 and lowered < lowered_max:
            end = _give(
                who, start, head, back, room, open_, cost, excess, p, place, line, queued, end
            )
            if excess[who] > 0:
                p[who] = _price(who, start, head, back, room, open_, cost, p) - step
                place[who] = start[who]
                lowered += 1
                if lowered % (n >> 1 | 1) == 0:
                    _reprice(start, head, back, room, open_, cost, excess, p, step, first)
                    place[:] = start[:-1]
    return lowered < lowered_max
