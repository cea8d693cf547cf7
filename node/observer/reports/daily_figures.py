"""The totals of a day, chapter by chapter: public, of everybody."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from node.observer.reports.dates import Closed
from node.observer.reports.outstanding import sums
from node.observer.sight import Row
from node.observer.store import Reader, exact, whole

COUNT: Final = "number"

LATE: Final = "calls that their payers had failed when due, and still owed at the close"


class DayFigure(Row, frozen=True):
    """A total of the day."""

    chapter: str
    what: str
    value: int
    unit: str
    """The code of an asset, for its minor units; or number, basis points."""


def day_figures(db: Reader, date: Closed, first: int) -> Iterator[DayFigure]:
    """All of them; `first`: the first block of the day."""
    parts = (
        ("blocks", _blocks(db, date, first)),
        ("trades", _trades(db, date, first)),
        ("values", _values(db, date)),
        ("margin", _margin(db, date)),
        ("calls", _calls(db, date)),
        ("default fund", _fund(db, date)),
    )
    for chapter, found in parts:
        for what, value, unit, rule in found:
            yield DayFigure(
                chapter=chapter, what=what, value=value, unit=unit, height=date.height, rule=rule
            )


Told = tuple[str, int, str, str]
"""What, how much, its unit, what it rests on."""


def _blocks(db: Reader, date: Closed, first: int) -> Iterator[Told]:
    query = (
        "SELECT COUNT(*), COALESCE(SUM(transactions), 0), COALESCE(SUM(refused), 0) FROM blocks "
        "WHERE height BETWEEN ? AND ?"
    )
    ((blocks, transactions, refused),) = db.rows(query, first, date.height)
    rule = "blocks of the day"
    yield "blocks", blocks, COUNT, rule
    yield "transactions", transactions, COUNT, rule
    yield "refused", refused, COUNT, rule


def _trades(db: Reader, date: Closed, first: int) -> Iterator[Told]:
    query = (
        f"SELECT s.what, i.currency, COUNT(*), {exact('s.notional')} FROM main.contract_steps s "
        "JOIN instruments i ON i.code=s.instrument WHERE s.height BETWEEN ? AND ? "
        "AND s.what<>'KNOWN' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for what, currency, count, high, low in db.rows(query, first, date.height):
        told = what.lower().replace("_", " ")
        yield f"{told}, {currency}", count, COUNT, "steps of contracts in the day's blocks"
        if what == "REGISTERED":
            yield f"notional {told}", whole(high, low), currency, "quantity * price of those"
    live: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in sums(db, date.height):
        live[one.currency][0] += one.contracts
        live[one.currency][1] += one.notional
    for currency, (count, notional) in sorted(live.items()):
        yield f"outstanding at the close, {currency}", count, COUNT, "contracts that are not over"
        yield "notional outstanding", notional, currency, "quantity * price of those"


def _values(db: Reader, date: Closed) -> Iterator[Told]:
    query = "SELECT asset, gross_first, gross_second, uncovered FROM main.exposures WHERE date=?"
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for asset, first, second, left in db.rows(query, date.date):
        line = sums[asset]
        line[0] += first + second
        line[1] += abs(first - second)
        line[2] += abs(left)
    for asset, (gross, net, left) in sorted(sums.items()):
        yield "gross", gross, asset, "values of contracts at the date's marks, to who gains"
        yield "net", net, asset, "the same, netted in each netting set"
        yield "left after margin", left, asset, "the same, less margin that has moved, with debts"


def _margin(db: Reader, date: Closed) -> Iterator[Told]:
    query = (
        "SELECT asset, settled, held_first + held_second, posted_first + posted_second "
        "FROM main.collateral WHERE date=?"
    )
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for asset, settled, held, posted in db.rows(query, date.date):
        line = sums[asset]
        line[0] += abs(settled)
        line[1] += held
        line[2] += posted
    for asset, (settled, held, posted) in sorted(sums.items()):
        yield "variation margin settled", settled, asset, "net of each netting set, to its date"
        yield "variation margin held", held, asset, "collateralised netting sets"
        yield "initial margin in custody", posted, asset, "custody accounts, before haircuts"
    query = "SELECT asset, required_first + required_second FROM main.im_required WHERE date=?"
    asked: dict[str, int] = defaultdict(int)
    for asset, required in db.rows(query, date.date):
        asked[asset] += required
    for asset, required in sorted(asked.items()):
        yield "initial margin required", required, asset, "by the models of the pairs' terms"


def _calls(db: Reader, date: Closed) -> Iterator[Told]:
    query = (
        f"SELECT kind, asset, COUNT(*), {exact('amount')} FROM main.calls WHERE date=? "
        "AND state<>'REPLACED' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for kind, asset, count, high, low in db.rows(query, date.date):
        yield f"{kind} calls, {asset}", count, COUNT, "margin calls of the date"
        yield f"{kind} called", whole(high, low), asset, "margin calls of the date"
    at = date.height
    query = "SELECT COUNT(*) FROM main.calls WHERE issued<=?1 AND (ended=0 OR ended>?1)"
    yield "open at the close", db.scalar(query, at), COUNT, "calls not settled by the close"
    yield "late at the close", db.scalar(f"{query} AND failed BETWEEN 1 AND ?1", at), COUNT, LATE
    query = "SELECT COUNT(*) FROM main.disputes WHERE opened<=?1 AND (ended=0 OR ended>?1)"
    yield "disputes at the close", db.scalar(query, at), COUNT, "disputes not resolved by the close"


def _fund(db: Reader, date: Closed) -> Iterator[Told]:
    query = "SELECT requirement, fund FROM fund_sizes WHERE date=?"
    currency = db.scalar("SELECT value FROM meta WHERE key='currency'") or ""
    for requirement, fund in db.rows(query, date.date):
        yield "fund", fund, currency, "contributions and capital when the fund was sized"
        yield "two largest stressed losses", requirement, currency, "scenarios of the rulebook"
