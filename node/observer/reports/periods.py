"""What disclosure figures are over: a date, its quarter so far, the twelve months to it."""

from typing import NamedTuple

from node.observer.reports.dates import Closed, closed
from node.observer.store import Reader
from wire.money import Rounding, muldiv


class Span(NamedTuple):
    """Closed business dates, ascending, and the blocks of them."""

    dates: tuple[int, ...]
    after: int
    """Height of the block that closed the date before the first; 0: none is known."""
    height: int
    """Of the block that closed the last."""

    @property
    def first(self) -> int:
        """The first date."""
        return self.dates[0]

    @property
    def last(self) -> int:
        """The last date."""
        return self.dates[-1]

    def mean(self, total: int) -> int:
        """A sum over the dates as a date's average, half to even."""
        return muldiv(total, 1, len(self.dates), Rounding.HALF_EVEN)


class Periods(NamedTuple):
    """Those of a report."""

    date: Closed
    at: Span
    quarter: Span
    """The calendar quarter of the date, as far as it is closed."""
    year: Span
    """Twelve months to the date."""


def periods(db: Reader, wanted: int | None) -> Periods:
    """Of a closed date; raises `DateNotClosed`, `DateBeforeStore`."""
    date = closed(db, wanted)
    year, month, day = date.date // 10_000, date.date // 100 % 100, date.date % 100
    quarter = year * 10_000 + ((month - 1) // 3 * 3 + 1) * 100 + 1
    ago = (year - 1) * 10_000 + month * 100 + day + 1  # no date for 31 February is asked for
    return Periods(
        date,
        Span((date.date,), date.after, date.height),
        _span(db, quarter, date),
        _span(db, ago, date),
    )


def _span(db: Reader, first: int, date: Closed) -> Span:
    query = "SELECT date FROM dates WHERE date BETWEEN ? AND ? ORDER BY date"
    found = tuple(day for (day,) in db.rows(query, first, date.date))
    after = db.scalar("SELECT MAX(height) FROM dates WHERE date<?", first) or 0
    return Span(found, after, date.height)
