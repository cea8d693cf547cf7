"""Asks the rules after each block, and writes what has opened, changed and closed."""

from collections.abc import Iterator
from typing import Final

from node.config import AlertsSection
from node.observer.alerts.rules import RULES, At, Finding, Rule
from node.observer.store import Reader, Statement, Value

STANDARD: Final = AlertsSection()

OPENED: Final = (
    "INSERT INTO alerts (rule, subject, opened, closed, severity, member, other, about_date, "
    "figure, threshold, unit, told, height) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
CHANGED: Final = (
    "UPDATE alerts SET figure=?, threshold=?, told=?, about_date=?, height=? "
    "WHERE rule=? AND subject=? AND closed=0"
)
CLOSED: Final = "UPDATE alerts SET closed=?, height=? WHERE rule=? AND subject=? AND closed=0"

Known = dict[tuple[str, str], tuple[Value, ...]]
"""Open alerts, by rule and subject: figure, threshold, words, date."""


def watched(db: Reader, thresholds: AlertsSection) -> list[Statement]:
    """What the rules say after the store's last block, as statements."""
    height = db.height
    date = db.scalar("SELECT date FROM dates WHERE height=?", height) or 0
    query = "SELECT rule, subject, figure, threshold, told, about_date FROM alerts WHERE closed=0"
    known: Known = {(row[0], row[1]): tuple(row[2:]) for row in db.rows(query)}
    at = At(db, thresholds, height, date)
    found: list[Statement] = []
    for name, rule in RULES.items():
        if date or rule.asked == "block":
            found += _asked(name, rule, at, known)
    return found


def _asked(name: str, rule: Rule, at: At, known: Known) -> Iterator[Statement]:
    found = {one.subject: one for one in rule.find(at)}
    for subject, one in found.items():
        before = known.get((name, subject))
        if before is None:
            yield OPENED, _row(name, rule, one, at.height)
        elif before != (one.figure, one.threshold, one.told, one.about_date):
            values = (one.figure, one.threshold, one.told, one.about_date, at.height)
            yield CHANGED, (*values, name, subject)
    for other, subject in known:
        if other == name and subject not in found:
            yield CLOSED, (at.height, at.height, name, subject)


def _row(name: str, rule: Rule, one: Finding, height: int) -> tuple[Value, ...]:
    return (
        name, one.subject, height, rule.severity, one.member, one.other, one.about_date,
        one.figure, one.threshold, one.unit, one.told, height,
    )  # fmt: skip
