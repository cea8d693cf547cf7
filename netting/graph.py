"""Who owes whom how much, per ordered pair: obligations aggregated, then each pair set off.

A `Graph` has n participants, numbered 0 to n-1 in the order of their ids, and one edge for
every ordered pair that owes: sorted by (debtor, creditor), amounts in minor units, all positive.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netting.errors import BadObligations
from wire.limits import AMOUNT_MAX

Ints: TypeAlias = NDArray[np.int64]
Index: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]
Unsigned: TypeAlias = NDArray[np.uint32]
"""An `Index` as compiled loops take it: of a signed one they ask each time whether it counts from
the end, a fifth of their time."""

ParticipantId: TypeAlias = bytes | str
"""Opaque to netting; only its bytes (UTF-8 of text) matter, for the tie-break."""

_LOW_BITS: Final = 31
"""Amounts are summed in two halves of 31 bits, so that sums of 2^32 amounts stay in int64."""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Debts per ordered pair; `debtor`, `creditor`: int32[E]; `amount`: int64[E], minor units."""

    n: int
    debtor: Index
    creditor: Index
    amount: Ints
    free: int | None = None
    """A participant whose edges count nothing (cash, tolerance): see `gridlock`, `compress`."""

    @property
    def pairs(self) -> int:
        """How many ordered pairs owe."""
        return len(self.amount)

    def value(self) -> Ints:
        """int64[E]: what one unit cancelled on an edge counts, 1, or 0 at the free participant."""
        if self.free is None:
            return np.ones(self.pairs, np.int64)
        counted: Flags = (self.debtor != self.free) & (self.creditor != self.free)
        return counted.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class SetOff:
    """What is left when each pair is set off, and how that was reached."""

    graph: Graph
    """At most one direction of each pair is left."""
    cancelled: Ints
    """int64[E of the graph before]: cancelled on each of its edges."""
    kept: Ints
    """int64[E of `graph`]: the edge before that each edge of `graph` is the rest of."""


def exact_sum(amounts: Ints) -> int:
    """Sum of int64 amounts as a Python int, never wrapped."""
    high = int((amounts >> _LOW_BITS).sum()) << _LOW_BITS
    # The sum modulo 2^64 tells the low halves' sum, which is less.
    return high + ((int(amounts.sum()) - high) & 0xFFFFFFFFFFFFFFFF)


def net_positions(n: int, debtor: Index | Ints, creditor: Index | Ints, amount: Ints) -> Ints:
    """int64[n]: to receive minus to pay, minor units. Gross per participant is below 2^62."""
    net = np.zeros(n, np.int64)
    np.add.at(net, creditor, amount)
    np.subtract.at(net, debtor, amount)
    return net


def nets(graph: Graph) -> Ints:
    """int64[n]: each participant's claims minus its debts."""
    return net_positions(graph.n, graph.debtor, graph.creditor, graph.amount)


def pay_ins(net: Ints) -> Ints:
    """int64, shape of `net`: what each participant has to bring, max(0, -net)."""
    return np.maximum(-net, 0)


def aggregate(n: int, debtor: Index | Ints, creditor: Index | Ints, amount: Ints) -> Graph:
    """The graph of obligations debtor[i] -> creditor[i] of amount[i]; duplicates are added up.

    Raises `BadObligations` on a participant outside 0..n-1, a self-loop, an amount below 1 or
    above 2^62 - 1, or a participant whose debts and claims together reach 2^62.
    """
    refuse_bad(n, debtor, creditor, amount)
    keys = pair_keys(n, debtor, creditor)
    order = np.argsort(keys)
    ordered = keys[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    if len(first) == 0:
        return Graph(n, np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))
    pair = ordered[first]
    rows = (pair // n).astype(np.int32)
    columns = (pair - rows.astype(np.int64) * n).astype(np.int32)
    return Graph(n, rows, columns, np.add.reduceat(amount[order], first))


def pair_keys(n: int, debtor: Index | Ints, creditor: Index | Ints) -> Ints:
    """int64: one key per ordered pair, in the order of a graph's edges."""
    return debtor.astype(np.int64) * n + creditor


def edges_of(graph: Graph, debtor: Index | Ints, creditor: Index | Ints) -> Ints:
    """int64[m]: the edge of `graph` each obligation belongs to; every pair must be there."""
    keys = pair_keys(graph.n, graph.debtor, graph.creditor)
    return np.searchsorted(keys, pair_keys(graph.n, debtor, creditor)).astype(np.int64)


def set_off(graph: Graph) -> SetOff:
    """Cancel within each pair the smaller of what the two owe each other."""
    low = np.minimum(graph.debtor, graph.creditor)
    high = np.maximum(graph.debtor, graph.creditor)
    unordered = pair_keys(graph.n, low, high)
    order = np.argsort(unordered)
    unordered = unordered[order]
    mutual = np.flatnonzero(unordered[1:] == unordered[:-1])
    here, there = order[mutual], order[mutual + 1]
    both = np.minimum(graph.amount[here], graph.amount[there])
    cancelled = np.zeros(graph.pairs, np.int64)
    cancelled[here] = both
    cancelled[there] = both
    left = graph.amount - cancelled
    kept = np.flatnonzero(left)
    rest = Graph(graph.n, graph.debtor[kept], graph.creditor[kept], left[kept], graph.free)
    return SetOff(rest, cancelled, kept)


def compact(graph: Graph) -> tuple[Graph, Ints]:
    """`graph` without those who neither owe nor are owed, and int64: who the others were."""
    assert graph.free is None
    present = np.zeros(graph.n, np.bool_)
    present[graph.debtor] = True
    present[graph.creditor] = True
    members = np.flatnonzero(present)
    number = (np.cumsum(present) - 1).astype(np.int32)
    rest = Graph(len(members), number[graph.debtor], number[graph.creditor], graph.amount)
    return rest, members


def refuse_bad(n: int, debtor: Index | Ints, creditor: Index | Ints, amount: Ints) -> None:
    """Raise `BadObligations` as `aggregate` does."""
    if len(amount) == 0:
        return
    if min(debtor.min(), creditor.min()) < 0 or max(debtor.max(), creditor.max()) >= n:
        raise BadObligations(f"participants are numbered 0 to {n - 1}")
    if (loops := np.flatnonzero(debtor == creditor)).size:
        raise BadObligations(f"participant {debtor[loops[0]]} owes itself")
    if amount.min() < 1 or amount.max() > AMOUNT_MAX:
        raise BadObligations(
            f"amounts lie in 1 to {AMOUNT_MAX}, not {amount.min()}..{amount.max()}"
        )
    if exact_sum(amount) <= AMOUNT_MAX:
        return
    for who, gross in enumerate(_gross(n, debtor, creditor, amount)):
        if gross > AMOUNT_MAX:
            raise BadObligations(f"gross of participant {who} is {gross}, at most {AMOUNT_MAX}")


def _gross(n: int, debtor: Index | Ints, creditor: Index | Ints, amount: Ints) -> list[int]:
    """Debts and claims of each participant added up, as Python ints."""
    halves = []
    for half in (amount >> _LOW_BITS, amount & ((1 << _LOW_BITS) - 1)):
        total = np.zeros(n, np.int64)
        np.add.at(total, debtor, half)
        np.add.at(total, creditor, half)
        halves.append(total.tolist())
    return [(high << _LOW_BITS) + low for high, low in zip(*halves, strict=True)]
