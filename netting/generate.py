"""Markets to try netting on: who owes whom how much, from a seed, in integers only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from netting.graph import Ints
from netting.tiebreak import splitmix64


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Obligations debtor[i] -> creditor[i] of amount[i] minor units; n participants."""

    n: int
    debtor: Ints
    creditor: Ints
    amount: Ints


class Dice:
    """A stream of numbers from a seed: SplitMix64 of a counter."""

    def __init__(self, seed: int) -> None:
        self._next = (seed << 32) & 0xFFFFFFFFFFFFFFFF

    def below(self, bound: int | Ints, count: int) -> Ints:
        """int64[count]: numbers from 0 to bound - 1."""
        counter = np.arange(count, dtype=np.uint64) + np.uint64(self._next)
        self._next += count
        rolled: Ints = (splitmix64(counter) >> np.uint64(2)).astype(np.int64) % bound
        return rolled

    def skewed(self, bound: int, count: int) -> Ints:
        """int64[count]: as `below`, but small numbers much more often (the cube of a share)."""
        share = self.below(1 << 20, count)
        return (((share * share * share) >> 40) * bound) >> 20

    def amounts(self, count: int) -> Ints:
        """int64[count]: from 1 to 2^43 (about 10^13), every order of magnitude as often."""
        return 1 + self.below(np.int64(1) << (10 + self.below(34, count)), count)


def core_periphery(n: int, m: int, seed: int) -> Market:
    """Interbank: a core of one in fifty deals with all, the others seldom with each other."""
    dice = Dice(seed)
    core = max(2, n // 50)
    debtor, creditor = dice.below(n, m), dice.below(n, m)
    kind = dice.below(10, m)
    debtor = np.where(kind <= 5, dice.below(core, m), debtor)
    creditor = np.where((kind <= 2) | ((kind >= 6) & (kind <= 8)), dice.below(core, m), creditor)
    return _market(n, debtor, creditor, dice.amounts(m))


def trade_credit(n: int, m: int, seed: int) -> Market:
    """Firms: few large ones with many suppliers and customers, many small ones with few."""
    dice = Dice(seed)
    return _market(n, dice.skewed(n, m), dice.skewed(n, m), dice.amounts(m))


def ring(n: int, m: int, seed: int) -> Market:
    """Everybody owes the next one; chords skip some: the longest cycles there can be."""
    dice = Dice(seed)
    chords = max(0, m - n)
    here = np.arange(n)
    start = dice.below(n, chords)
    skip = 2 + dice.below(max(1, min(n - 2, 16)), chords)
    return _market(
        n,
        np.concatenate((here, start)),
        np.concatenate(((here + 1) % n, (start + skip) % n)),
        dice.amounts(n + chords),
    )


def adversarial(n: int, m: int, seed: int) -> Market:
    """Ties, extremes, duplicates, both directions, parts without connection."""
    dice = Dice(seed)
    parts = 1 + int(dice.below(3, 1)[0])
    debtor = dice.below(n, m)
    creditor = (debtor + parts * (1 + dice.below(max(1, n // parts), m))) % n
    extremes = np.array([1, 1, 2, 3, 10**13, 10**13 - 1, 10**13], np.int64)
    return _market(n, debtor, creditor, extremes[dice.below(len(extremes), m)])


SHAPES: Final[dict[str, Callable[[int, int, int], Market]]] = {
    "core-periphery": core_periphery,
    "trade-credit": trade_credit,
    "ring": ring,
    "adversarial": adversarial,
}


def _market(n: int, debtor: Ints, creditor: Ints, amount: Ints) -> Market:
    """Without those who would owe themselves."""
    fine = debtor != creditor
    return Market(n, debtor[fine], creditor[fine], amount[fine])
