"""A day of the network on one page: what was traded, called, cleared, and what went wrong.

The totals are public and of everybody; the lists name only whom the viewer may see. The day is the
blocks after the close of the date before, up to the one that closed it.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from litestar import get

from node.observer.alerts.reading import AlertLine, alerts_between
from node.observer.reports.dates import Closed, closed
from node.observer.reports.outstanding import sums
from node.observer.showing import Page
from node.observer.sight import Asked, OnDate, Row, Seen, Sight
from node.observer.store import Reader, exact, whole
from node.observer.views.calls import CALL_COLUMNS, IssuedCall, aged
from wire.money import BPS, Rounding, muldiv

PAGE: Final = Page("report_daily.html", "Daily summary", "reports", live=False)

COUNT: Final = "number"
SHARE: Final = "basis points"

LATE: Final = "calls that their payers had failed when due, and still owed at the close"


class DayFigure(Row, frozen=True):
    """A total of the day."""

    chapter: str
    what: str
    value: int
    unit: str
    """The code of an asset, for its minor units; or number, basis points."""


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
        figures=list(_figures(db, date, first)),
        rounds=_rounds(db, date),
        late=aged(db, _late(db, date)),
        validators=_validators(db, first, date.height),
        cases=_cases(db, first, date.height),
        alerts=alerts_between(db, first, date.height),
        dates=[day for (day,) in db.rows("SELECT date FROM dates ORDER BY date")],
        as_of_height=db.height,
        from_height=db.from_height,
    )


def _figures(db: Reader, date: Closed, first: int) -> Iterator[DayFigure]:
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
