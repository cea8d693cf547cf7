"""The page from which the reports are asked for."""

from typing import Any, Final

from litestar import get

from node.observer.showing import Page
from node.observer.sight import Asked, Row, Seen, Sight

PAGE: Final = Page("reports.html", "Reports", "reports")

REPORTS: Final = {
    "trades": ("Trade report", "contracts as EMIR asks for them, reconciled to the ledger"),
    "pqd": (
        "Public quantitative disclosure",
        "the fields of CPMI-IOSCO's standards that apply to a network without a central "
        "counterparty",
    ),
    "daily": ("Daily summary", "a business date on one page, for the screen and for paper"),
}


class ReportOf(Row, frozen=True):
    """A report; it can be had of every date of the list."""

    name: str
    title: str
    told: str


class ReportsView(Seen, frozen=True):
    """What reports there are, and of which closed dates, the latest first."""

    reports: list[ReportOf]
    dates: list[int]


def report_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/reports", opt={"page": PAGE}, sync_to_thread=True)
    def reports(request: Asked) -> ReportsView:
        """The reports that there are, and the closed business dates that they can be of."""
        del request
        with sight.reader() as db:
            return ReportsView(
                reports=[
                    ReportOf(
                        name=name, title=title, told=told, height=db.height, rule="docs/REPORTS.md"
                    )
                    for name, (title, told) in REPORTS.items()
                ],
                dates=[day for (day,) in db.rows("SELECT date FROM dates ORDER BY date DESC")],
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [reports]
