"""Disclosure on credit risk (4) and on defaults (13)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import msgspec

from node.observer.reports.periods import Periods, Span
from node.observer.reports.pqd.figures import COUNT, WORD, Figure, currency_of, peak_and_mean
from node.observer.store import Reader
from wire.ids import member_of

STRESS: Final = (
    "largest over the rulebook's scenarios; beyond initial margin and the group's own contributions"
)
EXPOSED: Final = (
    "what netting sets are worth and owe, beyond variation margin that has moved and initial "
    "margin in custody in the asset; the group that owes most"
)


def resources(db: Reader, periods: Periods) -> Iterator[Figure]:
    """4.1 and 4.3: what stands behind a default besides margin."""
    currency = currency_of(db)
    query = "SELECT kind, amount, required FROM main.resources WHERE date=?"
    total: dict[str, int] = defaultdict(int)
    required = 0
    for kind, amount, asked in db.rows(query, periods.date.date):
        total[kind] += amount
        required += asked
    capital, paid = total["CAPITAL"], total["CONTRIBUTION"]
    order = "operator's capital; its place is that of the rulebook's order of tranches"
    both = "contributions and the operator's capital, in settlement tokens"
    yield Figure("4.1.1", "", capital, currency, order)
    yield Figure("4.1.4", "", required, currency, "members' shares of the fund's requirement")
    yield Figure("4.1.5", "", paid, currency, "contributions paid in, less what was used")
    yield Figure("4.3.14", "", capital + paid, currency, both)
    yield Figure("4.3.15", "", capital + paid, currency, both)


def stress(db: Reader, periods: Periods) -> Iterator[Figure]:
    """4.4: stressed losses against the fund, and actual exposures."""
    currency, year = currency_of(db), periods.year
    yield Figure("4.4.1", "", None, WORD, "rulebook, chapter FUND", said="Cover 2")
    single = _single(db, year)
    funds, double = {}, {}
    query = "SELECT date, requirement, fund FROM fund_sizes WHERE date BETWEEN ? AND ?"
    for date, requirement, fund in db.rows(query, year.first, year.last):
        funds[date], double[date] = fund, requirement
    numbers = (("4.4.3", "4.4.4", "4.4.5", single), ("4.4.7", "4.4.8", "4.4.9", double))
    for peak, days, amount, losses in numbers:
        values = list(losses.values())
        mean = year.mean(sum(values))
        yield from peak_and_mean(peak, values, mean, currency, STRESS, "year")
        over = [loss - funds.get(date, 0) for date, loss in losses.items()]
        over = [excess for excess in over if excess > 0]
        against = f"{STRESS}; against the fund of the same date"
        yield Figure(days, "", len(over), COUNT, against, "year")
        yield Figure(amount, "peak", max(over, default=0), currency, against, "year")
    yield from _actual(db, year)


def _single(db: Reader, year: Span) -> dict[int, int]:
    """By date: the largest loss of one group."""
    query = (
        "SELECT date, MAX(0, MAX(loss)) FROM main.stressed WHERE date BETWEEN ? AND ? GROUP BY 1"
    )
    return dict(db.rows(query, year.first, year.last))


def _actual(db: Reader, year: Span) -> Iterator[Figure]:
    """4.4.6 and 4.4.10."""
    largest: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for (date, asset), groups in sorted(_exposed(db, year).items()):
        largest[asset][date] = sorted(groups.values(), reverse=True)
    for asset, by_date in sorted(largest.items()):
        for number, count in (("4.4.6", 1), ("4.4.10", 2)):
            values = [sum(ranked[:count]) for ranked in by_date.values()]
            yield from peak_and_mean(
                number, values, year.mean(sum(values)), asset, EXPOSED, "year"
            )  # fmt: skip


def _exposed(db: Reader, year: Span) -> dict[tuple[int, str], dict[str, int]]:
    """By date and asset: what the others are exposed to each group that owes something."""
    parents: dict[str, str] = dict(db.rows("SELECT lei, parent FROM members"))
    query = (
        "SELECT e.date, e.asset, e.first, e.second, e.uncovered, COALESCE(k.posted_first, 0), "
        "COALESCE(k.posted_second, 0) FROM main.exposures e LEFT JOIN main.collateral k "
        "ON k.date=e.date AND k.first=e.first AND k.second=e.second AND k.asset=e.asset "
        "WHERE e.date BETWEEN ? AND ?"
    )
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for date, asset, first, second, left, posted_1, posted_2 in db.rows(
        query, year.first, year.last
    ):
        debtor, owed = (second, left - posted_2) if left > 0 else (first, -left - posted_1)
        one, other = (parents.get(member_of(party), party) for party in (first, second))
        if owed > 0 and one != other:
            found[date, asset][parents.get(member_of(debtor), debtor)] += owed
    return found


# -------------------------------------------------------------------- defaults
def defaults(db: Reader, periods: Periods) -> Iterator[Figure]:
    """13.1: the cases declared in the quarter."""
    currency, quarter = currency_of(db), periods.quarter
    how = "cases declared in the period; losses by tranche as the waterfall has shared them"
    query = (
        "SELECT number, applied FROM main.cases WHERE declared>? AND declared<=? ORDER BY number"
    )
    cases = db.rows(query, quarter.after, quarter.height)
    borne: dict[str, int] = defaultdict(int)
    for _, applied in cases:
        for part in msgspec.json.decode(applied):
            borne[part["tranche"]] += part["amount"]
    yield Figure("13.1.1", "cases", len(cases), COUNT, how, "quarter")
    yield Figure("13.1.1", "loss", sum(borne.values()), currency, how, "quarter")
    yield Figure("13.1.1", "initial margin used", borne.pop("IM", 0), currency, how, "quarter")
    for tranche, amount in sorted(borne.items()):
        yield Figure("13.1.2", tranche, amount, currency, how, "quarter")
    yield from _clients(db, [number for number, _ in cases])


def _clients(db: Reader, cases: list[int]) -> Iterator[Figure]:
    """13.1.3: contracts of defaulters' clients, by what became of them in the case."""
    counts = {"ported": 0, "closed out": 0}
    for number in cases:
        query = "SELECT defaulter, declared, ended FROM main.cases WHERE number=?"
        ((defaulter, declared, ended),) = db.rows(query, number)
        query = "SELECT body FROM main.case_steps WHERE number=? AND type='ClientPorted'"
        for (body,) in db.rows(query, number):
            counts["ported"] += msgspec.json.decode(body)["contracts"]
        query = (
            "SELECT COUNT(*) FROM main.contract_steps WHERE what='CLOSED_OUT' AND "
            "(INSTR(buyer, ?1)=1 OR INSTR(seller, ?1)=1) AND height>=?2 AND (?3=0 OR height<=?3)"
        )
        counts["closed out"] += db.scalar(query, f"{defaulter}:", declared, ended)
    for of, count in counts.items():
        how = "contracts of clients of who was in default, by what became of them"
        yield Figure("13.1.3", of, count, COUNT, how, "quarter")
