"""Disclosure on operation (17), participation (18, 19) and what is cleared (23)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from node.observer.reports.outstanding import sums
from node.observer.reports.periods import Periods, Span
from node.observer.reports.pqd.figures import BPS, COUNT, MS, WORD, Figure
from node.observer.store import Reader
from wire.ids import member_of
from wire.money import BPS as WHOLE
from wire.money import Rounding, muldiv

FAILURE_MS: Final = 60_000
"""Longer without a block, the network did not work: as the alert `NetworkHalted` has it."""

FEW, MANY = 10, 25
"""Members from which on the standard asks for shares of the largest five, and of ten."""


def operation(db: Reader, periods: Periods) -> Iterator[Figure]:
    """17.2 and 17.3: how long no block was decided."""
    year = periods.year
    query = (
        "SELECT decided_ms - LAG(decided_ms) OVER (ORDER BY height) FROM blocks "
        "WHERE height>=? AND height<=?"
    )
    gaps = [gap for (gap,) in db.rows(query, year.after, year.height) if gap is not None]
    failures = [gap for gap in gaps if gap > FAILURE_MS]
    up, whole = sum(gaps) - sum(failures), sum(gaps)
    how = f"times between decisions of blocks; longer than {FAILURE_MS} ms is a failure, whole"
    share = muldiv(up, WHOLE, whole, Rounding.FLOOR) if whole > 0 else None
    said = "" if whole > 0 else "fewer than two blocks"
    yield Figure("17.2.1", "", share, BPS, how, "year", said)
    yield Figure("17.3.1", "number", len(failures), COUNT, how, "year")
    yield Figure("17.3.1", "duration", sum(failures), MS, how, "year")


def participation(db: Reader, periods: Periods) -> Iterator[Figure]:
    """18 and 19: how many there are, and how much the largest have."""
    query = "SELECT members, clients FROM dates WHERE date=?"
    ((members, clients),) = db.rows(query, periods.date.date)
    how = "members in state ACTIVE with role MEMBER"
    yield Figure("18.1.1", "", members, COUNT, how)
    yield from _largest(db, periods, members)
    yield Figure("19.1.1", "", clients, COUNT, "client accounts")
    lines = sums(db, periods.date.height)
    parties = {party for line in lines for party in (line.first, line.second) if ":" in party}
    clearing = len({member_of(party) for party in parties})
    yield Figure("19.1.2", "", clearing, COUNT, "members with contracts of client accounts")
    how = "sides of client accounts of trades registered, by their member and trade date"
    few = f"there are fewer than {FEW} members"
    if members < FEW:
        yield Figure("19.1.3", "", None, WORD, how, "quarter", few)
        return
    of_clients = _of_clients(db, periods)
    yield from _tops("19.1.3", "", of_clients, 5, how)
    if members >= MANY:
        yield from _tops("19.1.4", "", of_clients, 10, how)


def _largest(db: Reader, periods: Periods, members: int) -> Iterator[Figure]:
    shares = {
        "18.2": ("notional of both sides, house and clients, by member", _positions(db, periods)),
        "18.3": ("initial margin in custody, by poster", _posted(db, periods)),
        "18.4": ("contributions in the default fund", _contributed(db, periods)),
    }
    for number, (how, by_date) in shares.items():
        if members < FEW:
            said = f"there are fewer than {FEW} members"
            yield Figure(f"{number}.1", "", None, WORD, how, "quarter", said)
            continue
        places = [(f"{number}.1", 5)] if members < MANY else [
            (f"{number}.2", 5), (f"{number}.3", 10),
        ]  # fmt: skip
        for place, count in places:
            for asset, found in sorted(by_date.items()):
                yield from _tops(place, f"{asset}, ", found, count, how)


Shares = dict[int, dict[str, int]]
"""Date to member to amount."""

ByDate = dict[str, Shares]
"""The same by asset."""


def _tops(number: str, of: str, found: Shares, count: int, how: str) -> Iterator[Figure]:
    """Mean and peak over the dates of what the largest so many have of all."""
    tops = [_share(amounts, count) for amounts in found.values()]
    mean = muldiv(sum(tops), 1, len(tops), Rounding.HALF_EVEN) if tops else 0
    yield Figure(number, f"{of}mean", mean, BPS, how, "quarter")
    yield Figure(number, f"{of}peak", max(tops, default=0), BPS, how, "quarter")


def _of_clients(db: Reader, periods: Periods) -> Shares:
    """How many sides of trades were of clients, by trade date and member."""
    query = (
        "SELECT trade_date, buyer, seller FROM main.contract_steps "
        "WHERE what='REGISTERED' AND height>? AND height<=?"
    )
    found: Shares = defaultdict(lambda: defaultdict(int))
    for date, *parties in db.rows(query, periods.quarter.after, periods.quarter.height):
        for party in parties:
            if ":" in party:
                found[date][member_of(party)] += 1
    return found


def _by_date() -> ByDate:
    return defaultdict(lambda: defaultdict(lambda: defaultdict(int)))


def _positions(db: Reader, periods: Periods) -> ByDate:
    query = "SELECT asset, date, first, second, notional FROM main.exposures WHERE {}"
    found = _by_date()
    for asset, date, first, second, notional in _in(db, query, periods.quarter):
        for party in (first, second):
            found[asset][date][member_of(party)] += notional
    return found


def _posted(db: Reader, periods: Periods) -> ByDate:
    query = (
        "SELECT asset, date, first, second, posted_first, posted_second FROM main.collateral "
        "WHERE {}"
    )
    found = _by_date()
    for asset, date, first, second, of_first, of_second in _in(db, query, periods.quarter):
        if of_first or of_second:
            found[asset][date][member_of(first)] += of_first
            found[asset][date][member_of(second)] += of_second
    return found


def _contributed(db: Reader, periods: Periods) -> ByDate:
    query = "SELECT service, date, lei, amount FROM main.resources WHERE kind='CONTRIBUTION' AND {}"
    found = _by_date()
    for service, date, lei, amount in _in(db, query, periods.quarter):
        found[service][date][lei] += amount
    return found


def _in(db: Reader, query: str, span: Span) -> list[tuple[Any, ...]]:
    return db.rows(query.format("date BETWEEN ? AND ?"), span.first, span.last)


def _share(amounts: dict[str, int], count: int) -> int:
    """Of the largest so many, in basis points of all."""
    ranked = sorted(amounts.values(), reverse=True)
    total = sum(ranked)
    return muldiv(sum(ranked[:count]), WHOLE, total, Rounding.HALF_EVEN) if total else 0


def cleared(db: Reader, periods: Periods) -> Iterator[Figure]:
    """23: what was registered, and what is outstanding."""
    quarter = periods.quarter
    query = (
        "SELECT i.asset_class, i.currency, s.source, s.notional FROM main.contract_steps s "
        "JOIN instruments i ON i.code=s.instrument "
        "WHERE s.what='REGISTERED' AND s.height>? AND s.height<=?"
    )
    by_class: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    by_source: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for kind, currency, source, notional in db.rows(query, quarter.after, quarter.height):
        traded = "exchange-traded" if source == "BOOK" else "OTC"
        for line in (by_class[kind, currency, traded], by_source[source, currency]):
            line[0] += 1
            line[1] += notional
    how = "trades registered in the period's blocks, over its dates"
    for (kind, currency, traded), (count, notional) in sorted(by_class.items()):
        of = f"{kind}, {currency}, {traded}"
        yield Figure("23.1.1", of, quarter.mean(count), COUNT, how, "quarter")
        yield Figure("23.1.2", of, quarter.mean(notional), currency, how, "quarter")
    outstanding_now: dict[tuple[str, str], int] = defaultdict(int)
    for contract in sums(db, periods.date.height):
        outstanding_now[contract.asset_class, contract.currency] += contract.notional
    for (kind, currency), notional in sorted(outstanding_now.items()):
        how_now = "quantity * price of the contracts that are not over"
        yield Figure("23.2.1", f"{kind}, {currency}", notional, currency, how_now)
    for (source, currency), (count, notional) in sorted(by_source.items()):
        of = f"{source}, {currency}"
        yield Figure("23.3.1", of, quarter.mean(count), COUNT, how, "quarter")
        yield Figure("23.3.2", of, quarter.mean(notional), currency, how, "quarter")
