"""Alerts as they are read: the view, and what has changed since a block."""

from typing import Any, Final, Literal

import msgspec
from litestar import get

from node.api.reading import Limit
from node.observer.alerts.rules import RULES
from node.observer.showing import Page
from node.observer.sight import Asked, Before, Row, Seen, Sight
from node.observer.store import Reader

PAGE: Final = Page("alerts.html", "Alerts", "alerts")


class AlertLine(Row, frozen=True):
    """An alert. `height`: of the block that its figure is of; `rule`: what the rule is."""

    name: str
    """Of the rule."""
    severity: Literal["page", "ticket"]
    """Wakes a person, or waits for the morning."""
    subject: str
    """What tells it from others of its rule."""
    told: str
    figure: int
    threshold: int
    unit: str
    """The code of an asset, for its minor units; or blocks, basis points, number."""
    member: str
    """Whose business it is; empty: everybody's."""
    other: str
    opened: int
    """Height."""
    opened_ms: int
    """Time of that block; 0: the store begins later."""
    closed: int
    """Height; 0: it is open."""


class AlertsView(Seen, frozen=True):
    """Alerts that the viewer sees: open ones by severity, or all, the latest first."""

    which: Literal["open", "all"]
    alerts: list[AlertLine]
    next: int | None
    """The `before` of the page that follows, of all."""


COLUMNS: Final = (
    "SELECT a.rule AS name, a.severity, a.subject, a.told, a.figure, a.threshold, a.unit, "
    "a.member, a.other, a.opened, COALESCE(b.time_ms, 0) AS opened_ms, a.closed, a.height, "
    "'' AS rule FROM alerts a LEFT JOIN blocks b ON b.height=a.opened "
)
SHOWN_MAX: Final = 500


def alert_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/alerts", opt={"page": PAGE}, sync_to_thread=True)
    def alerts(
        request: Asked,
        which: Literal["open", "all"] = "open",
        before: Before = None,
        limit: Limit = 100,
    ) -> AlertsView:
        """Open alerts, those that wake a person first; with `which=all` closed ones too, the
        latest first. `before`: opened before this height."""
        del request
        with sight.reader() as db:
            found = _open(db) if which == "open" else _all(db, before, limit)
            following = found[-1].opened if which == "all" and len(found) >= limit else None
            return AlertsView(
                which=which,
                alerts=found,
                next=following,
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [alerts]


def alerts_between(db: Reader, first: int, last: int) -> list[AlertLine]:
    """Alerts that were open in one of these blocks."""
    query = (
        f"{COLUMNS} WHERE a.opened<=? AND (a.closed=0 OR a.closed>=?) "
        f"ORDER BY a.severity, a.opened, a.rule, a.subject LIMIT {SHOWN_MAX}"
    )
    return _lines(db, query, last, first)


def changed_since(db: Reader, height: int, *, public: bool = False) -> list[AlertLine]:
    """Alerts that have opened or closed after a block, those that wake a person first: of more than
    are told, it is the others that are left out, whoever has made them. `public`: only those that
    name nobody whose business they are."""
    where = "AND a.member=''" if public else ""
    query = (
        f"{COLUMNS} WHERE (a.closed>?1 OR (a.closed=0 AND a.opened>?1)) {where} "
        f"ORDER BY a.severity, MAX(a.opened, a.closed), a.rule, a.subject LIMIT {SHOWN_MAX}"
    )
    return _lines(db, query, height)


def open_counts(db: Reader) -> dict[tuple[str, str], int]:
    """How many are open by rule and severity, of every rule."""
    found = {(name, str(rule.severity)): 0 for name, rule in RULES.items()}
    query = "SELECT rule, severity, COUNT(*) FROM alerts WHERE closed=0 GROUP BY 1, 2"
    return found | {(name, severity): count for name, severity, count in db.rows(query)}


def _open(db: Reader) -> list[AlertLine]:
    query = (
        f"{COLUMNS} WHERE a.closed=0 ORDER BY a.severity, a.opened, a.rule, a.subject "
        f"LIMIT {SHOWN_MAX}"
    )
    return _lines(db, query)


def _all(db: Reader, before: int | None, limit: int) -> list[AlertLine]:
    """The latest, whole heights at a time, so that a page follows without a gap."""
    below = db.height + 1 if before is None else before
    query = f"{COLUMNS} WHERE a.opened<? ORDER BY a.opened DESC, a.rule, a.subject LIMIT ?"
    found = _lines(db, query, below, limit)
    if len(found) < limit:
        return found
    last = found[-1].opened
    query = f"{COLUMNS} WHERE a.opened=? ORDER BY a.rule, a.subject"
    return [one for one in found if one.opened > last] + _lines(db, query, last)


def _lines(db: Reader, query: str, *values: object) -> list[AlertLine]:
    return [
        msgspec.structs.replace(one, rule=RULES[one.name].meaning if one.name in RULES else "")
        for one in db.all(AlertLine, query, *values)
    ]
