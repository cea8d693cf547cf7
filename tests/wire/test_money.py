"""The two helpers in which division happens, against exact fractions."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.money import Rounding, largest_remainder, muldiv

INTS = st.integers(-(2**70), 2**70) | st.integers(-20, 20)
DIVISORS = st.integers(1, 2**70) | st.integers(1, 8)


def _half_up(exact: Fraction) -> int:
    """Half away from zero."""
    rounded = math.floor(abs(exact) + Fraction(1, 2))
    return rounded if exact >= 0 else -rounded


EXPECTED: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.FLOOR: math.floor,
    Rounding.CEIL: math.ceil,
    Rounding.TOWARD_ZERO: math.trunc,
    Rounding.HALF_EVEN: round,
    Rounding.HALF_UP: _half_up,
}


@given(INTS, INTS, DIVISORS)
def test_every_rounding_is_that_of_the_exact_fraction(a: int, b: int, c: int) -> None:
    exact = Fraction(a * b, c)
    for rounding, expected in EXPECTED.items():
        assert muldiv(a, b, c, rounding) == expected(exact), rounding


@pytest.mark.parametrize(
    ("rounding", "results"),
    [
        (Rounding.FLOOR, (-3, -2, -1, 0, 1, 2)),
        (Rounding.CEIL, (-2, -1, 0, 1, 2, 3)),
        (Rounding.TOWARD_ZERO, (-2, -1, 0, 0, 1, 2)),
        (Rounding.HALF_EVEN, (-2, -2, 0, 0, 2, 2)),
        (Rounding.HALF_UP, (-3, -2, -1, 1, 2, 3)),
    ],
)
def test_halves(rounding: Rounding, results: tuple[int, ...]) -> None:
    assert tuple(muldiv(n, 1, 2, rounding) for n in (-5, -3, -1, 1, 3, 5)) == results


@pytest.mark.parametrize("divisor", [0, -1])
def test_a_divisor_that_is_not_positive_is_a_bug(divisor: int) -> None:
    with pytest.raises(AssertionError):
        muldiv(1, 1, divisor, Rounding.FLOOR)


WEIGHTS = st.dictionaries(st.text("ABC", max_size=4), st.integers(0, 2**62), max_size=8)


@given(st.integers(0, 2**62), WEIGHTS)
def test_shares_add_up_and_are_within_one_of_exact(total: int, weights: dict[str, int]) -> None:
    shares = largest_remainder(total, weights)
    assert list(shares) == sorted(weights)
    whole = sum(weights.values())
    assert sum(shares.values()) == (total if whole else 0)
    for key, share in shares.items():
        exact = Fraction(total * weights[key], whole) if whole else Fraction(0)
        assert math.floor(exact) <= share <= math.ceil(exact)
        assert weights[key] or not share


@given(st.integers(0, 100), st.dictionaries(st.integers(0, 9), st.integers(0, 9), max_size=6))
def test_no_other_share_has_a_larger_remainder(total: int, weights: dict[int, int]) -> None:
    shares = largest_remainder(total, weights)
    whole = sum(weights.values()) or 1
    rest = {key: total * weights[key] % whole for key in weights}
    up = {key for key in weights if shares[key] > total * weights[key] // whole}
    for one in up:
        for other in weights.keys() - up:
            assert (rest[one], -one) > (rest[other], -other)


def test_ties_go_to_the_lowest_identifier_whatever_the_order_given() -> None:
    assert largest_remainder(2, {"C": 1, "A": 1, "B": 1}) == {"A": 1, "B": 1, "C": 0}
    assert largest_remainder(1, {2: 1, 1: 1}) == {1: 1, 2: 0}
    assert largest_remainder(10, {"A": 0, "B": 0}) == {"A": 0, "B": 0}
    assert largest_remainder(0, {}) == {}


def test_negative_totals_and_weights_are_bugs() -> None:
    with pytest.raises(AssertionError):
        largest_remainder(-1, {"A": 1})
    with pytest.raises(AssertionError):
        largest_remainder(1, {"A": -1, "B": 3})
