"""Whether a trade report is the ledger: its sums, against rows that have come another way.

A report's lines are made from the steps that contracts have taken and from marks. They are held
against figures that the ledger keeps itself, pair by pair and asset by asset: those of netting sets
and accounts when the date closed, and those of now. On a right store nothing differs.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from node.observer.reports.dates import Closed
from node.observer.reports.outstanding import ENDED, Outstanding, sums
from node.observer.sight import Row
from node.observer.store import Reader, exact, whole
from node.viewing.viewer import viewer_now

Slot = tuple[str, str, str]
"""Two parties and an asset."""

Figures = dict[Slot, int]


class Compared(Row, frozen=True):
    """One comparison over all netting sets of the network, whoever asks."""

    what: str
    slots: int
    """Pairs of parties, by asset, that were compared."""
    reported: int
    """Sum over them, as the report has it."""
    ledger: int
    """Sum over them, as the ledger's own figures have it."""
    differences: int


class Difference(Row, frozen=True):
    """A figure that is not the ledger's; of pairs that the viewer sees."""

    what: str
    first: str
    second: str
    asset: str
    reported: int
    ledger: int


class Reconciled(NamedTuple):
    """The outcome."""

    compared: list[Compared]
    differences: list[Difference]


class _Check(NamedTuple):
    what: str
    reported: Figures
    ledger: Figures
    height: int
    rule: str


CLOSED: Final = "figures of the state that closed the date"
NOW: Final = "figures of the state now"


def reconcile(db: Reader, date: Closed, lines: list[Outstanding]) -> Reconciled:
    """Compare everything; `lines`: those of the whole network. The comparisons are of it, too,
    differences of what the viewer may see."""
    compared, differences = [], []
    for check in (*_at_close(db, date, lines), *_now(db)):
        slots = sorted(check.reported.keys() | check.ledger.keys())
        wrong = [x for x in slots if check.reported.get(x, 0) != check.ledger.get(x, 0)]
        compared.append(
            Compared(
                what=check.what,
                slots=len(slots),
                reported=sum(check.reported.values()),
                ledger=sum(check.ledger.values()),
                differences=len(wrong),
                height=check.height,
                rule=check.rule,
            )
        )
        differences += [
            Difference(
                what=check.what,
                first=slot[0],
                second=slot[1],
                asset=slot[2],
                reported=check.reported.get(slot, 0),
                ledger=check.ledger.get(slot, 0),
                height=check.height,
                rule=check.rule,
            )
            for slot in wrong
            if viewer_now().may_see(slot[:2], date=date.date)
        ]
    return Reconciled(compared, differences)


def _at_close(db: Reader, date: Closed, lines: list[Outstanding]) -> list[_Check]:
    """Contracts against netting sets and their values; margin against custody."""
    query = (
        "SELECT first, second, asset, live, notional, gross_first - gross_second "
        "FROM main.exposures WHERE date=?"
    )
    live, notional, value = _columns(db, query, 3, date.date)
    query = (
        "SELECT first, second, asset, settled + held_first - held_second FROM main.collateral "
        "WHERE date=?"
    )
    (margin,) = _columns(db, query, 1, date.date)
    query = (
        "SELECT s.first, s.second, s.asset, s.settled + s.held_first - s.held_second "
        "FROM main.vm_steps s WHERE s.height<=?1 AND NOT EXISTS (SELECT 1 FROM main.vm_steps l "
        "WHERE l.first=s.first AND l.second=s.second AND l.asset=s.asset AND l.height>s.height "
        "AND l.height<=?1)"
    )
    (moved,) = _columns(db, query, 1, date.height)
    query = (
        "SELECT first, second, asset, posted_first FROM main.collateral WHERE date=?1 UNION ALL "
        "SELECT second, first, asset, posted_second FROM main.collateral WHERE date=?1"
    )
    (posted,) = _columns(db, query, 1, date.date)
    return [
        _Check("contracts", _count(lines), live, date.height, CLOSED),
        _Check("notional", _notional(lines), notional, date.height, CLOSED),
        _Check("valuation", _value(lines), value, date.height, CLOSED),
        _Check("variation margin", margin, moved, date.height, "moves of each netting set"),
        _Check(
            "initial margin", posted, _custody(db, date.height), date.height,
            "moves of each custody account",
        ),
    ]  # fmt: skip


def _now(db: Reader) -> list[_Check]:
    """The same of the last block, against the netting sets, contracts and accounts of the state."""
    query = "SELECT first, second, asset, live, notional FROM main.sets"
    live, notional = _columns(db, query, 2)
    ended = ", ".join(f"'{state}'" for state in ENDED)
    query = (
        f"SELECT MIN(buyer, seller), MAX(buyer, seller), currency, COUNT(*), {exact('notional')} "
        f"FROM main.trades WHERE state NOT IN ({ended}) GROUP BY 1, 2, 3"
    )
    rows = db.rows(query)
    count = {row[:3]: row[3] for row in rows}
    total = {row[:3]: whole(*row[4:]) for row in rows}
    query = (
        "SELECT SUBSTR(reference, 1, INSTR(reference, '>') - 1), "
        "SUBSTR(reference, INSTR(reference, '>') + 1), asset, balance FROM main.balances "
        "WHERE kind='IM_ESCROW'"
    )
    (held,) = _columns(db, query, 1)
    at = db.height
    counted: Figures = defaultdict(int)
    summed: Figures = defaultdict(int)
    for one in sums(db, at):
        counted[one.first, one.second, one.currency] += one.contracts
        summed[one.first, one.second, one.currency] += one.notional
    return [
        _Check("contracts now", counted, live, at, f"{NOW}: netting sets"),
        _Check("notional now", summed, notional, at, f"{NOW}: netting sets"),
        _Check("contracts by state", counted, count, at, f"{NOW}: contracts"),
        _Check("notional by state", summed, total, at, f"{NOW}: contracts"),
        _Check("custody now", _custody(db, at), held, at, f"{NOW}: accounts"),
    ]


def _custody(db: Reader, height: int) -> Figures:
    """By poster, secured and asset: what the moves of each account leave in it."""
    query = (
        "SELECT s.poster, s.secured, s.asset, s.balance FROM main.custody_steps s "
        "WHERE s.height<=?1 AND NOT EXISTS (SELECT 1 FROM main.custody_steps l WHERE "
        "l.poster=s.poster AND l.secured=s.secured AND l.asset=s.asset AND l.height>s.height "
        "AND l.height<=?1)"
    )
    return _columns(db, query, 1, height)[0]


def _columns(db: Reader, query: str, count: int, *values: object) -> list[Figures]:
    """The figures that follow two parties and an asset; what is 0 is left out."""
    found: list[Figures] = [{} for _ in range(count)]
    for first, second, asset, *figures in db.rows(query, *values):
        for column, figure in zip(found, figures, strict=True):
            if figure:
                column[first, second, asset] = figure
    return found


def _count(lines: Iterable[Outstanding]) -> Figures:
    return _sums((line, 1) for line in lines)


def _notional(lines: Iterable[Outstanding]) -> Figures:
    return _sums((line, line.notional) for line in lines)


def _value(lines: Iterable[Outstanding]) -> Figures:
    return _sums((line, line.value_to_first or 0) for line in lines)


def _sums(given: Iterable[tuple[Outstanding, int]]) -> Figures:
    found: Figures = defaultdict(int)
    for line, figure in given:
        found[*line.pair, line.currency] += figure
    return {slot: figure for slot, figure in found.items() if figure}
