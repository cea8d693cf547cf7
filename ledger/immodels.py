"""Initial margin formulas, pure and in integers.

Schedule: BCBS-IOSCO, Margin requirements for non-centrally cleared derivatives (2020), annex A.
Historical simulation: the quantile of a set's value changes over past moves of the marks, with one
of three tools against procyclicality (EMIR RTS 153/2013, article 28).
"""

from collections.abc import Sequence
from typing import Final

from ledger import objects as o
from wire.ids import Date
from wire.money import BPS, Rounding, muldiv

_FLAT: Final = {
    o.AssetClass.FX: 6,
    o.AssetClass.EQUITY: 15,
    o.AssetClass.COMMODITY: 15,
    o.AssetClass.OTHER: 15,
}
_BY_MATURITY: Final = {o.AssetClass.CREDIT: (2, 5, 10), o.AssetClass.RATES: (1, 2, 4)}
"""Up to two years, up to five, longer."""

_YEAR: Final = 10_000
"""One year in yyyymmdd."""


def schedule_percent(asset_class: o.AssetClass, today: Date, maturity: Date) -> int:
    """Percent of notional; exactly two or five years belong to the shorter bucket."""
    if asset_class in _FLAT:
        return _FLAT[asset_class]
    short, middle, long = _BY_MATURITY[asset_class]
    if maturity <= today + 2 * _YEAR:
        return short
    return middle if maturity <= today + 5 * _YEAR else long


def schedule_margin(weighted: int, values: Sequence[int], *, netted: bool) -> int:
    """gross * (0.4 + 0.6 * NGR), one division, half up.

    `weighted`: sum of notional * percent. `values`: replacement cost of each contract seen from the
    collecting party; NGR = max(0, sum) / sum of the positive ones, 1 when there are none or the
    set is not netted.
    """
    gross = sum(value for value in values if value > 0)
    net = max(0, sum(values))
    if not gross or not netted:
        return muldiv(weighted, 1, 100, Rounding.HALF_UP)
    return muldiv(weighted, 40 * gross + 60 * net, 10_000 * gross, Rounding.HALF_UP)


def quantile(losses: Sequence[int], confidence_bps: int) -> int:
    """The smallest loss that at least `confidence_bps` of the scenarios do not exceed, not below 0
    (nearest rank: the ceil(confidence * n)-th of the ascending losses)."""
    if not losses:
        return 0
    rank = muldiv(len(losses), confidence_bps, BPS, Rounding.CEIL)
    return max(0, sorted(losses)[rank - 1])


def moved(value: int, before: int, after: int, lowest: int) -> tuple[int, int]:
    """The change of a mark under a past move, as numerator and denominator.

    Prices move in proportion; what can be negative (a rate: `lowest` below 1) moves by the same
    difference.
    """
    if lowest < 1:
        return after - before, 1
    return value * (after - before), before


def buffered(requirement: int) -> int:
    """A quarter on top, rounded up."""
    return muldiv(requirement, 125, 100, Rounding.CEIL)


def stressed(requirement: int, stress: int, weight_bps: int) -> int:
    """The requirement with a weight on that of the stressed period, rounded up."""
    mixed = requirement * (BPS - weight_bps) + stress * weight_bps
    return muldiv(mixed, 1, BPS, Rounding.CEIL)


def capped(requirement: int, before: int, rise_bps_max: int) -> int:
    """Not more than `rise_bps_max` above what the model gave a date earlier for the same
    positions; 0: no cap."""
    if not rise_bps_max or not before:
        return requirement
    return min(requirement, muldiv(before, BPS + rise_bps_max, BPS, Rounding.FLOOR))
