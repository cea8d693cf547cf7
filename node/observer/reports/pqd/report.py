"""The disclosure of a date: every field that applies, and every other with the reason."""

from typing import Any, Final, Literal

from litestar import get

from node.observer.reports.periods import Periods, Span, periods
from node.observer.reports.pqd import activity, credit, margin
from node.observer.reports.pqd.figures import Disclosed, Figure
from node.observer.reports.pqd.names import NAMES, NOT_APPLICABLE
from node.observer.showing import Page
from node.observer.sight import Asked, OnDate, Row, Seen, Sight
from node.observer.store import Reader

PAGE: Final = Page("report_pqd.html", "Public quantitative disclosure", "reports", live=False)

PARTS: Final[tuple[Disclosed, ...]] = (
    credit.resources, credit.stress, credit.defaults,
    margin.initial_margin, margin.back_testing, margin.called, margin.payments, margin.paid_in,
    activity.operation, activity.participation, activity.cleared,
)  # fmt: skip


class Disclosure(Row, frozen=True):
    """A value of a field of the standard."""

    number: str
    name: str
    of: str
    """What of the field: an asset, peak or mean, a class; empty: all of it."""
    value: int | None
    """Null: `said` is the answer."""
    unit: str
    """The code of an asset, for its minor units; or number, basis points, milliseconds, words."""
    said: str
    period: Literal["at", "quarter", "year"]
    from_date: int
    to_date: int


class Inapplicable(Row, frozen=True):
    """Fields that this network has no figure for."""

    numbers: str
    reason: str


class PqdReport(Seen, frozen=True):
    """The disclosure as of a date's close: public, the same for whoever asks."""

    date: int
    disclosures: list[Disclosure]
    """By their numbers."""
    inapplicable: list[Inapplicable]
    dates: list[int]


def pqd_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/reports/pqd", opt={"page": PAGE}, sync_to_thread=True)
    def pqd(request: Asked, date: OnDate = None) -> PqdReport:
        """The fields of CPMI-IOSCO's public quantitative disclosure that apply, as of a closed
        business date (the last one, if none is named), each with its period and how it is made,
        and the numbers that do not apply, each with the reason."""
        del request
        with sight.reader() as db:
            return pqd_report(db, date)

    return [pqd]


def pqd_report(db: Reader, wanted: int | None) -> PqdReport:
    """The disclosure of a date; raises `DateNotClosed`, `DateBeforeStore`."""
    over = periods(db, wanted)
    figures = [figure for part in PARTS for figure in part(db, over)]
    figures.sort(key=lambda one: _place(one.number))  # stable: the parts have theirs in order
    return PqdReport(
        date=over.date.date,
        disclosures=[_line(one, over) for one in figures],
        inapplicable=[
            Inapplicable(
                numbers=numbers, reason=reason, height=over.date.height, rule="docs/PFMI.md"
            )
            for numbers, reason in NOT_APPLICABLE.items()
        ],
        dates=[day for (day,) in db.rows("SELECT date FROM dates ORDER BY date")],
        as_of_height=db.height,
        from_height=db.from_height,
    )


def _place(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))


def _line(one: Figure, over: Periods) -> Disclosure:
    spans: dict[str, Span] = {"at": over.at, "quarter": over.quarter, "year": over.year}
    span = spans[one.period]
    return Disclosure(
        number=one.number,
        name=NAMES[one.number],
        of=one.of,
        value=one.value,
        unit=one.unit,
        said=one.said,
        period=one.period,
        from_date=span.first,
        to_date=span.last,
        height=over.date.height,
        rule=one.how,
    )
