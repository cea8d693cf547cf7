"""The two helpers in which division happens. Nothing else in the core rounds."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, TypeVar

BPS: Final = 10_000
"""Basis points of a whole."""

K = TypeVar("K", str, bytes, int)


class Rounding(IntEnum):
    """How `muldiv` rounds an inexact quotient."""

    FLOOR = 0
    CEIL = 1
    TOWARD_ZERO = 2
    HALF_EVEN = 3
    HALF_UP = 4
    """Half away from zero: the commercial rule of BCBS-IOSCO tables."""


def muldiv(a: int, b: int, c: int, rounding: Rounding) -> int:
    """a * b / c in exact integers, rounded once. `c` must be positive."""
    assert c > 0, c
    product = a * b
    quotient, rest = divmod(product, c)
    if rest == 0:
        return quotient
    match rounding:
        case Rounding.FLOOR:
            up = False
        case Rounding.CEIL:
            up = True
        case Rounding.TOWARD_ZERO:
            up = product < 0
        case Rounding.HALF_EVEN:
            up = 2 * rest > c or (2 * rest == c and quotient % 2 == 1)
        case Rounding.HALF_UP:
            up = 2 * rest > c or (2 * rest == c and product > 0)
    return quotient + up


def largest_remainder(total: int, weights: Mapping[K, int]) -> dict[K, int]:
    """`total` >= 0 shared in proportion to `weights` >= 0, to the last unit.

    Largest remainder, ties to the lowest identifier; all weights zero: nothing is allocated.
    """
    assert total >= 0, total
    whole = sum(weights.values())
    if whole == 0:
        return dict.fromkeys(sorted(weights), 0)
    shares: dict[K, int] = {}
    remainders: list[tuple[int, K]] = []
    for key in sorted(weights):
        assert weights[key] >= 0, (key, weights[key])
        shares[key], rest = divmod(total * weights[key], whole)
        remainders.append((-rest, key))
    for _, key in sorted(remainders)[: total - sum(shares.values())]:
        shares[key] += 1
    return shares
