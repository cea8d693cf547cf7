"""A day of the network on one page: what was traded, called, cleared, and what went wrong.

The totals are public and of everybody; the lists name only whom the viewer may see. The day is the
blocks after the close of the date before, up to the one that closed it.
"""

from collections import defaultdict
from typing import Any, Final

from litestar import get

from node.observer.alerts.reading import AlertLine, alerts_between
from node.observer.reports.daily_figures import DayFigure, day_figures
from node.observer.reports.dates import Closed, closed
from node.observer.showing import Page
from node.observer.sight import Asked, OnDate, Row, Seen, Sight
from node.observer.store import Reader
from node.observer.views.calls import CALL_COLUMNS, IssuedCall, aged
from wire.money import BPS, Rounding, muldiv

PAGE: Final = Page("report_daily.html", "Daily summary", "reports", live=False)


class Absent(Row, frozen=True):
    """A validator's part in the blocks of the day."""

    lei: str
    missed: int
    """Blocks whose commit is without its precommit."""
    of: int
    proposed: int


class DayRound(Row, frozen=True):
    """A netting round of the date, in one asset; minor units."""

    number: int
    state: str
    asset: str
    gross: int
    set_off: int
    cancelled: int
    discharged: int
    cash_moved: int
    cleared_bps: int
    """Set-off and cycles, of gross."""


class DayDefault(Row, frozen=True):
    """A default case that was open on the day."""

    number: int
    defaulter: str
    cause: str
    state: str
    """As it stands now."""
    opened: int
    ended: int
    loss: int


class DailyReport(Seen, frozen=True):
    """A closed business date."""

    date: int
    first_height: int
    last_height: int
    time_ms: int
    """Of the block that closed the date."""
    rulebook: int
    currency: str
    figures: list[DayFigure]
    rounds: list[DayRound]
    late: list[IssuedCall]
    """Those that the viewer sees."""
    validators: list[Absent]
    cases: list[DayDefault]
    alerts: list[AlertLine]
    """Open on the day; those that the viewer sees."""
    dates: list[int]


def daily_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/reports/daily", opt={"page": PAGE}, sync_to_thread=True)
    def daily(request: Asked, date: OnDate = None) -> DailyReport:
        """A summary of a closed business date (the last one, if none is named): trades, values,
        margin, calls, netting, defaults, validators, alerts."""
        del request
        with sight.reader() as db:
            return daily_report(db, date)

    return [daily]


def daily_report(db: Reader, wanted: int | None) -> DailyReport:
    """The summary of a date; raises `DateNotClosed`, `DateBeforeStore`."""
    date = closed(db, wanted)
    first = max(date.after + 1, db.from_height, 1)
    return DailyReport(
        date=date.date,
        first_height=first,
        last_height=date.height,
        time_ms=date.time_ms,
        rulebook=db.scalar("SELECT rulebook FROM dates WHERE date=?", date.date),
        currency=db.scalar("SELECT value FROM meta WHERE key='currency'") or "",
        figures=list(day_figures(db, date, first)),
        rounds=_rounds(db, date),
        late=aged(db, _late(db, date)),
        validators=_validators(db, first, date.height),
        cases=_cases(db, first, date.height),
        alerts=alerts_between(db, first, date.height),
        dates=[day for (day,) in db.rows("SELECT date FROM dates ORDER BY date")],
        as_of_height=db.height,
        from_height=db.from_height,
    )


def _late(db: Reader, date: Closed) -> list[IssuedCall]:
    query = (
        f"SELECT {CALL_COLUMNS} FROM calls WHERE failed BETWEEN 1 AND ?1 AND (ended=0 OR ended>?1) "
        "ORDER BY issued, id LIMIT 500"
    )
    return db.all(IssuedCall, query, date.height)


def _rounds(db: Reader, date: Closed) -> list[DayRound]:
    query = (
        "SELECT r.number, r.state, f.asset, f.gross, f.set_off, f.cleared, f.discharged, "
        "f.cash_moved, r.height FROM rounds r JOIN round_figures f ON f.number=r.number "
        "WHERE r.date=? ORDER BY 1, 3"
    )
    return [
        DayRound(
            number=number,
            state=state,
            asset=asset,
            gross=gross,
            set_off=set_off,
            cancelled=cancelled,
            discharged=discharged,
            cash_moved=cash,
            cleared_bps=muldiv(set_off + cancelled, BPS, gross, Rounding.FLOOR) if gross else 0,
            height=height,
            rule="the round's certificate",
        )
        for number, state, asset, gross, set_off, cancelled, discharged, cash, height in db.rows(
            query, date.date
        )
    ]


def _validators(db: Reader, first: int, last: int) -> list[Absent]:
    """Who has missed blocks of the day. Of a validator that began within it, only those since."""
    signed: dict[str, int] = defaultdict(int)
    proposed: dict[str, int] = defaultdict(int)
    blocks = db.rows(
        "SELECT height, proposer, signers FROM blocks WHERE height BETWEEN ? AND ?", first, last
    )
    for _, proposer, signers in blocks:
        proposed[proposer] += 1
        for lei in signers.split():
            signed[lei] += 1
    found = []
    for lei, since in db.rows("SELECT lei, votes_from FROM members WHERE power>0 ORDER BY lei"):
        of = sum(height >= since for height, _, _ in blocks)
        found.append(
            Absent(
                lei=lei,
                missed=max(0, of - signed[lei]),
                of=of,
                proposed=proposed[lei],
                height=last,
                rule="commits of the day's blocks; who has power now",
            )
        )
    return found


def _cases(db: Reader, first: int, last: int) -> list[DayDefault]:
    query = (
        "SELECT number, defaulter, cause, state, opened, ended, loss, height, "
        "'rulebook ' || rulebook || ', DEFAULT' AS rule FROM cases "
        "WHERE opened<=? AND (ended=0 OR ended>=?) ORDER BY number"
    )
    return db.all(DayDefault, query, last, first)
