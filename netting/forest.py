"""Flows on a forest from conservation alone: take leaves off until nothing is left."""

from typing import Final

import numpy as np

from netting.graph import Index, Ints
from wire.limits import AMOUNT_MAX

_LAYER_MIN: Final = 128
"""Fewer leaves than this at once are taken one by one: bounds the number of array passes."""


def fill_forest(debtor: Index, creditor: Index, surplus: Ints) -> Ints | None:
    """The flows on edges debtor -> creditor that bring every participant's surplus to 0.

    `surplus`: int64[n], what each receives minus what it gives without these edges; it is used
    up. Returns int64[E], or None if the edges have a cycle or a surplus is left. Flows may come
    out negative, and equal to the true ones only modulo 2^64: the caller checks their bounds,
    which leave one reading. O(E).
    """
    forest = _Forest(debtor, creditor, surplus)
    while (leaves := forest.leaves()).size >= _LAYER_MIN:
        forest.take(leaves)
    in_range = leaves.size == 0 or forest.take_one_by_one()
    return forest.flows if in_range and forest.is_gone() else None


class _Forest:
    """What is left of the forest while its leaves are taken off."""

    def __init__(self, debtor: Index, creditor: Index, surplus: Ints) -> None:
        self.debtor, self.creditor, self.surplus = debtor, creditor, surplus
        self.flows = np.zeros(len(debtor), np.int64)
        self.degree = np.zeros(len(surplus), np.int64)
        # The sum of the numbers of a participant's edges: of one edge, its number.
        self.link = np.zeros(len(surplus), np.int64)
        for end in (debtor, creditor):
            np.add.at(self.degree, end, 1)
            np.add.at(self.link, end, np.arange(len(debtor)))

    def leaves(self) -> Ints:
        return np.flatnonzero(self.degree == 1)

    def is_gone(self) -> bool:
        return not (self.degree.any() or self.surplus.any())

    def take(self, leaves: Ints) -> None:
        """All `leaves` at once; of an edge between two leaves, the first takes it."""
        edge = self.link[leaves]
        gives = self.debtor[edge] == leaves
        other = np.where(gives, self.creditor[edge], self.debtor[edge])
        once = (self.degree[other] != 1) | (leaves < other)
        leaves, edge, gives, other = leaves[once], edge[once], gives[once], other[once]
        due = self.surplus[leaves]
        self.flows[edge] = np.where(gives, due, -due)
        np.add.at(self.surplus, other, due)
        np.subtract.at(self.link, other, edge)
        np.subtract.at(self.degree, other, 1)
        self.surplus[leaves] = 0
        self.degree[leaves] = 0

    def take_one_by_one(self) -> bool:
        """The same on Python ints; False if a surplus leaves the range of amounts."""
        left = np.flatnonzero(self.degree)
        who = left.tolist()
        degree = dict(zip(who, self.degree[left].tolist(), strict=True))
        link = dict(zip(who, self.link[left].tolist(), strict=True))
        surplus = dict(zip(who, self.surplus[left].tolist(), strict=True))
        for start in self.leaves().tolist():
            leaf = start
            while degree[leaf] == 1:
                edge, due = link[leaf], surplus[leaf]
                if not -AMOUNT_MAX <= due <= AMOUNT_MAX:
                    return False
                gives = self.debtor[edge] == leaf
                other = int(self.creditor[edge] if gives else self.debtor[edge])
                self.flows[edge] = due if gives else -due
                degree[leaf] = surplus[leaf] = 0
                surplus[other] += due
                degree[other] -= 1
                link[other] -= edge
                leaf = other
        if any(surplus.values()):
            return False
        self.degree[left] = list(degree.values())
        self.surplus[left] = 0
        return True
