"""The solver for large markets, where numba is: levels by prices, and few debts for the simplex.

Costs of 0 and 1, those of the first level, are shipped price level after price level
(`primal_dual`). For the weights of the second, the problem is made smaller first (`shrink`); then
only some of the debts are taken in: after a rough solution (`scaling`) most of them are left as
they are, until the exact prices of the others say that they must not be.
"""

from typing import Final

import numpy as np

from netting.compiled import compiled
from netting.errors import Unsolved
from netting.graph import Flags, Ints, Unsigned
from netting.primal_dual import ship
from netting.scaling import approach
from netting.shrink import shrunk
from netting.solve import Columns, Shipment
from netting.solver_pylmcf import solver_pylmcf

_ROUGH_DEBTS: Final = 3
"""Per member: with no more, the rough solution may be wrong by a usual cost."""

_ROUGH_SHIFT_MAX: Final = 2
"""The rough solution is wrong by no less than a quarter of a usual cost: finer takes too long."""

_SPARE_SHIFT: Final = 2
"""Debts nearest to reduced cost 0 in every round: a quarter more than there are members."""

_DROPPING_ROUNDS: Final = 12
"""Then nothing is left out again: where prices are not unique, that could go in circles."""

_ROUNDS_MAX: Final = 64
"""Usually three to ten."""

_EVERYTHING: Final = (1 << 63) - 1


def solver_compiled(shipment: Shipment) -> Ints:
    """See `netting.solve.Solver`."""
    if shipment.cost.max(initial=0) <= 1:
        return ship(shipment)[0]
    return shrunk(shipment, in_parts)


def in_parts(shipment: Shipment) -> Ints:
    """Sifting: solve among the debts in doubt, the others as they are; look which are wrong.

    The flows get cheaper every round, and when no debt is wrong any more they are optimal. The
    exact prices of the first round leave far fewer in doubt than the rough ones before it.
    """
    if len(shipment.amount) == 0:
        return solver_pylmcf(shipment)
    columns = shipment.columns()
    n, pairs, usual = len(shipment.supply), len(shipment.amount), int(np.median(columns[3]))
    # The more debts a member has, the finer, so that as few of them are in doubt.
    step = usual * min(_ROUGH_DEBTS * n, pairs) // pairs
    p, flows = approach(shipment, max(1, step, usual >> _ROUGH_SHIFT_MAX))
    chosen = np.zeros(pairs, np.bool_)
    wanted = min(n + (n >> _SPARE_SHIFT), pairs - 1)
    for done in range(_ROUNDS_MAX):
        near = _nearest(columns, p, wanted) if done <= _DROPPING_ROUNDS else _EVERYTHING
        if _look(*columns, p, near, flows, chosen) == 0 and done > 0:
            return p
        p = _among(shipment, chosen, flows)
    raise Unsolved(f"still wrong after {_ROUNDS_MAX} rounds")


def _nearest(columns: Columns, p: Ints, wanted: int) -> int:
    """The reduced cost, plus or minus, that so many edges come nearer to 0 than."""
    debtor, creditor, _, cost = columns
    distance = np.abs(cost + p[debtor] - p[creditor])
    return int(np.partition(distance, wanted)[wanted])


def _among(shipment: Shipment, chosen: Flags, flows: Ints) -> Ints:
    """Potentials with all edges but the `chosen` ones left as in `flows`."""
    debtor, creditor, _, _ = shipment.columns()
    left = shipment.supply.copy()
    _carry(debtor, creditor, flows, chosen, left)
    part = Shipment(
        debtor=shipment.debtor[chosen],
        creditor=shipment.creditor[chosen],
        amount=shipment.amount[chosen],
        cost=shipment.cost[chosen],
        supply=left,
    )
    return shrunk(part, solver_pylmcf)


@compiled("void(uint32[::1], uint32[::1], int64[::1], boolean[::1], int64[::1])")
def _carry(debtor: Unsigned, creditor: Unsigned, flows: Ints, chosen: Flags, supply: Ints) -> None:
    """Bring the flows on all but the `chosen` edges where they go."""
    for edge in range(len(flows)):
        if not chosen[edge]:
            supply[debtor[edge]] -= flows[edge]
            supply[creditor[edge]] += flows[edge]


@compiled(
    "int64(uint32[::1], uint32[::1], int64[::1], int64[::1], int64[::1], int64, int64[::1],"
    " boolean[::1])"
)
def _look(
    debtor: Unsigned,
    creditor: Unsigned,
    amount: Ints,
    cost: Ints,
    p: Ints,
    near: int,
    flows: Ints,
    chosen: Flags,
) -> int:
    """How many edges that were not chosen are wrong by these prices; they are chosen now.

    As is who is near to reduced cost 0. Of the others, those that were chosen are not any more,
    and get their flows from the prices.
    """
    wrong = 0
    for edge in range(len(amount)):
        reduced = cost[edge] + p[debtor[edge]] - p[creditor[edge]]
        if chosen[edge]:
            if abs(reduced) > near:
                chosen[edge] = False
                flows[edge] = amount[edge] if reduced < 0 else 0
        elif (reduced < 0 and flows[edge] < amount[edge]) or (reduced > 0 and flows[edge] > 0):
            chosen[edge] = True
            wrong += 1
        elif abs(reduced) <= near < _EVERYTHING:
            chosen[edge] = True
    return wrong
