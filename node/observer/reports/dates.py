"""Of which date a report is: one that is closed, and that the store has seen closing."""

from typing import NamedTuple

from node.api.errors import HeightPruned, NotFound
from node.observer.store import Reader


class DateNotClosed(NotFound):
    """The report's date is not closed, or is no business date."""

    code = "REPORT_DATE_NOT_CLOSED"
    remedy = "Name a closed business date, or none for the last one; the message names the range."


class DateBeforeStore(HeightPruned):
    """The report's date closed before the block that the read store begins with."""

    code = "REPORT_DATE_TOO_OLD"
    remedy = "Ask a node that keeps every block since the genesis, or name a later date."


class Closed(NamedTuple):
    """A closed business date."""

    date: int
    height: int
    """Of the block that closed it: the report is of the state after that block."""
    time_ms: int
    after: int
    """Height of the block that closed the date before; 0: none is known."""


def closed(db: Reader, wanted: int | None) -> Closed:
    """The date wanted, or the last one; raises `DateNotClosed`, `DateBeforeStore`."""
    known = db.rows("SELECT date, height, time_ms FROM dates ORDER BY date")
    if not known:
        raise DateNotClosed(f"none is closed since block {db.from_height}")
    first, last = known[0][0], known[-1][0]
    chosen = last if wanted is None else wanted
    if chosen < first and db.from_height > 1:
        raise DateBeforeStore(f"{chosen}, the store begins with block {db.from_height}")
    for place, (date, height, time_ms) in enumerate(known):
        if date == chosen:
            before = known[place - 1][1] if place else 0
            return Closed(date, height, time_ms, before)
    raise DateNotClosed(f"{chosen}, closed are {len(known)} dates from {first} to {last}")
