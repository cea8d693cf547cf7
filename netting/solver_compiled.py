"""The solver for large markets, where numba is: levels by prices, and few debts for the simplex.

Costs of 0 and 1, those of the first level, are shipped price level after price level
(`primal_dual`). For the weights of the second, the problem is made smaller first (`shrink`), and
where there are many more debts than members, only some of the debts are taken in: the weights in
coarse units are solved by price levels, and a debt that this decides by a wide margin is left as
it is, until the prices of the others say that it must not be.
"""

from typing import Final

import numpy as np

from netting.errors import Unsolved
from netting.forest import fill_forest
from netting.graph import Flags, Index, Ints, net_positions
from netting.primal_dual import LEVELS_MAX, ship
from netting.shrink import shrunk
from netting.solve import Shipment
from netting.solver_pylmcf import solver_pylmcf

_DENSE: Final = 8
"""Debts per member from which on leaving some out pays."""

_COARSE_BITS: Final = 3
"""Of a weight, in the coarse problem: more take more levels there, and leave out more."""

_MARGIN_SHIFT: Final = 3
"""An eighth of a coarse unit: how much nearer to 0 a reduced cost may come in a round."""

_DROPPING_ROUNDS: Final = 8
"""Then nothing is left out again: where prices are not unique, that could go in circles."""

_ROUNDS_MAX: Final = 64
"""Usually three to eight."""


def solver_compiled(shipment: Shipment) -> Ints:
    """See `netting.solve.Solver`."""
    if shipment.cost.max(initial=0) <= 1:
        return ship(shipment)[0]
    if len(shipment.amount) < _DENSE * len(shipment.supply):
        return shrunk(shipment, solver_pylmcf)
    return in_parts(shipment)


def in_parts(shipment: Shipment) -> Ints:
    """Sifting: solve among the debts in doubt, the others as they are; look which are wrong.

    The flows get cheaper every round, and when no debt is wrong any more they are optimal. The
    exact prices of the first round leave far fewer in doubt than the coarse ones before it.
    """
    debtor, creditor, amount, cost = _columns(shipment)
    shift = max(0, int(cost.max()).bit_length() - 1 - _COARSE_BITS)
    unit = 1 << shift
    coarse = (cost + (unit >> 1)) >> shift
    levels = LEVELS_MAX << _COARSE_BITS
    p, flows = ship(Shipment(debtor, creditor, amount, coarse, shipment.supply), levels)
    reduced = cost + (p[debtor] - p[creditor]) * unit
    # Wherever the coarse solution uses a part of a debt, its reduced cost is half a unit at most.
    chosen = np.abs(reduced) <= (unit >> 1) + (unit >> _MARGIN_SHIFT)
    for done in range(_ROUNDS_MAX):
        potentials = _among(shipment, chosen, flows)
        reduced = cost + potentials[debtor] - potentials[creditor]
        wrong = ((reduced < 0) & (flows < amount)) | ((reduced > 0) & (flows > 0))
        wrong &= ~chosen
        if not wrong.any():
            return potentials
        flows = _complete(shipment, chosen, reduced, flows)
        near = np.abs(reduced) <= unit >> _MARGIN_SHIFT
        chosen = wrong | (near if done < _DROPPING_ROUNDS else chosen)
    raise Unsolved(f"still wrong after {_ROUNDS_MAX} rounds")


def _columns(shipment: Shipment) -> tuple[Index, Index, Ints, Ints]:
    return shipment.debtor, shipment.creditor, shipment.amount, shipment.cost


def _among(shipment: Shipment, chosen: Flags, flows: Ints) -> Ints:
    """Potentials with all edges but the `chosen` ones left as in `flows`."""
    debtor, creditor, amount, cost = _columns(shipment)
    supply = shipment.supply + _carried(shipment, ~chosen & (flows > 0), flows)
    part = Shipment(debtor[chosen], creditor[chosen], amount[chosen], cost[chosen], supply)
    return shrunk(part, solver_pylmcf)


def _complete(shipment: Shipment, chosen: Flags, reduced: Ints, flows: Ints) -> Ints:
    """The flows that these reduced costs leave on the `chosen` edges, the others as they are."""
    flows = np.where(chosen, np.where(reduced < 0, shipment.amount, 0), flows)
    tight = np.flatnonzero(chosen & (reduced == 0))
    left = shipment.supply + _carried(shipment, flows > 0, flows)
    branches = fill_forest(shipment.debtor[tight], shipment.creditor[tight], left)
    if branches is None:
        raise Unsolved("the weights leave a tie")
    flows[tight] = branches
    return flows


def _carried(shipment: Shipment, edges: Flags, flows: Ints) -> Ints:
    """int64[n]: what each receives minus what it ships on these edges."""
    debtor, creditor = shipment.debtor[edges], shipment.creditor[edges]
    return net_positions(len(shipment.supply), debtor, creditor, flows[edges])
