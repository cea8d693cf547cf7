"""Compression of one fungible contract: fewer and smaller trades, nearly the same positions.

Each pair is set off first; then the maximum circulation is cancelled in which everybody's net
position may move by its own tolerance, up or down. A trade is only ever reduced, never made.
What a reduced trade was worth is settled in cash as an obligation of the next round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netting.allot import allot
from netting.certificate import Objective
from netting.check import check
from netting.graph import Graph, Index, Ints, ParticipantId, SetOff, aggregate, edges_of, set_off
from netting.liquidity import FREE_ID, with_source
from netting.solve import Solver, solve
from wire.money import Rounding, muldiv


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Open trades in one fungible contract, oldest first."""

    n: int
    seller: Index | Ints
    buyer: Index | Ints
    quantity: Ints
    """int64[m], at least 1."""
    tolerance: Ints
    """int64[n]: by how much each net position may move; 0: not at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Compressible:
    """Trades made ready: set off per pair, and the graph that is certified."""

    trades: Trades
    gross: Graph
    rest: SetOff
    graph: Graph
    """The rest, and participant n, who gives and takes within the tolerances."""

    def certify(
        self, ids: Sequence[ParticipantId], seed: bytes, *, solver: Solver | None = None
    ) -> bytes:
        """The certificate; `ids`: the n participants in order."""
        return solve(self.graph, (*ids, FREE_ID), seed, solver=solver)

    def compress(
        self, ids: Sequence[ParticipantId], seed: bytes, certificate: bytes
    ) -> "Compressed":
        """What `certificate` proves; raises `CertificateRefused`."""
        proven = check(self.graph, (*ids, FREE_ID), seed, certificate)
        flows = self.rest.cancelled.copy()
        flows[self.rest.kept] += proven.flows[self.graph.value() == 1]
        edge = edges_of(self.gross, self.trades.seller, self.trades.buyer)
        return Compressed(allot(edge, self.trades.quantity, flows), proven.objective)


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """What is torn up."""

    torn_up: Ints
    """int64[m]: of each trade, oldest first within a pair."""
    objective: Objective


def prepare(trades: Trades) -> Compressible:
    """Set the pairs off and add the tolerances. Raises `BadObligations` as `aggregate` does."""
    gross = aggregate(trades.n, trades.seller, trades.buyer, trades.quantity)
    rest = set_off(gross)
    left = rest.graph
    both_ways = (trades.tolerance, trades.tolerance)
    graph = with_source(trades.n, left.debtor, left.creditor, left.amount, both_ways)
    return Compressible(trades, gross, rest, graph)


def price_difference(quantity: int, traded: int, now: int, scale: int) -> int:
    """What the seller owes the buyer for tearing up `quantity` bought at `traded`, minor units.

    Prices in 1/scale minor units per unit of quantity; half to even; negative: the buyer owes.
    """
    return muldiv(quantity, now - traded, scale, Rounding.HALF_EVEN)


def positions(trades: Trades, quantity: Ints) -> Ints:
    """int64[n]: bought minus sold of `quantity` per trade."""
    net = np.zeros(trades.n, np.int64)
    np.add.at(net, trades.buyer, quantity)
    np.subtract.at(net, trades.seller, quantity)
    return net
