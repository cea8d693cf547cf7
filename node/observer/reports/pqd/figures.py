"""What a disclosed figure is, before it is a line of the report."""

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from node.observer.reports.periods import Periods
from node.observer.store import Reader

BPS: Final = "basis points"
COUNT: Final = "number"
MS: Final = "milliseconds"
WORD: Final = "words"


class Figure(NamedTuple):
    """One value of a field."""

    number: str
    of: str
    """What of the field it is: an asset, peak or mean, a class; empty: all of it."""
    value: int | None
    """None: the standard asks for none, see `said`."""
    unit: str
    """Minor units of an asset by its code, or one of the words above."""
    how: str
    period: Literal["at", "quarter", "year"] = "at"
    """`at` the date's close, over its `quarter` so far, or over the `year` to it."""
    said: str = ""


Disclosed = Callable[[Reader, Periods], Iterator[Figure]]
"""A part of the disclosure."""


def currency_of(db: Reader) -> str:
    """The rulebook's."""
    return str(db.scalar("SELECT value FROM meta WHERE key='currency'") or "")


def peak_and_mean(
    number: str,
    values: list[int],
    mean: int,
    unit: str,
    how: str,
    period: Literal["quarter", "year"],
) -> Iterator[Figure]:
    """The two that the standard asks for."""
    yield Figure(number, "peak", max(values, default=0), unit, how, period)
    yield Figure(number, "mean", mean, unit, how, period)
