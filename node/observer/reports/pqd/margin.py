"""Disclosure on margin (6), on payments (7), and on what participants have paid in (14, 16)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from node.observer.reports.periods import Periods, Span
from node.observer.reports.pqd.figures import BPS, COUNT, WORD, Figure, currency_of
from node.observer.store import Reader, exact, whole
from wire.ids import client_of
from wire.money import BPS as WHOLE
from wire.money import Rounding, muldiv

TESTED: Final = (
    "variation margin called at a close, against what its payer had in custody for the other side "
    "at the close before; every party of a pair with terms, every date of twelve months"
)


def initial_margin(db: Reader, periods: Periods) -> Iterator[Figure]:
    """6.1, 6.2, 6.4 and 16.1.1."""
    query = (
        "SELECT first, second, asset, model, required_first, required_second FROM main.im_required "
        "WHERE date=?"
    )
    required: dict[tuple[str, str], int] = defaultdict(int)
    models: dict[str, int] = defaultdict(int)
    for first, second, asset, model, of_first, of_second in db.rows(query, periods.date.date):
        required[asset, _whose(first)] += of_first
        required[asset, _whose(second)] += of_second
        models[model] += 1
    how = "by the model of each pair's terms, at the date's close"
    for (asset, whose), amount in sorted(required.items()):
        yield Figure("6.1.1", f"{asset}, {whose}", amount, asset, how)
    held: dict[tuple[str, str], int] = defaultdict(int)
    query = (
        "SELECT first, second, asset, posted_first, posted_second FROM main.collateral WHERE date=?"
    )
    for first, second, asset, of_first, of_second in db.rows(query, periods.date.date):
        held[asset, _whose(first)] += of_first
        held[asset, _whose(second)] += of_second
    for (asset, whose), amount in sorted(held.items()):
        if amount:
            how = "in contract custody, before haircuts"
            yield Figure("6.2.15", f"{asset}, {whose}", amount, asset, how)
    for model, count in sorted(models.items()):
        yield Figure("6.4.1", model, count, COUNT, "pairs of parties by the model of their terms")
    cash: dict[str, int] = defaultdict(int)
    kinds = dict(db.rows("SELECT code, kind FROM assets"))
    for (asset, _), amount in held.items():
        cash[asset] += amount if kinds.get(asset) == "CASH" else 0
    for asset, amount in sorted(cash.items()):
        if amount:
            yield Figure("16.1.1", asset, amount, asset, "settlement tokens in contract custody")


def _whose(party: str) -> str:
    return "client" if client_of(party) else "house"


def back_testing(db: Reader, periods: Periods) -> Iterator[Figure]:
    """6.5: whether what was in custody would have covered the next move."""
    seen, breaches = _tested(db, periods.year)
    yield Figure("6.5.1", "", sum(map(len, breaches.values())), COUNT, TESTED, "year")
    yield Figure("6.5.2", "", None, WORD, TESTED, "year", said="every business date")
    yield Figure("6.5.3", "", seen, COUNT, TESTED, "year")
    covered = seen - sum(map(len, breaches.values()))
    level = muldiv(covered, WHOLE, seen, Rounding.FLOOR) if seen else None
    said = "" if seen else "no pair has terms for initial margin"
    yield Figure("6.5.4", "", level, BPS, TESTED, "year", said)
    for asset, sizes in sorted(breaches.items()):
        mean = muldiv(sum(sizes), 1, len(sizes), Rounding.HALF_EVEN)
        yield Figure("6.5.5", f"{asset}, peak", max(sizes), asset, TESTED, "year")
        yield Figure("6.5.5", f"{asset}, mean", mean, asset, TESTED, "year")


def _tested(db: Reader, year: Span) -> tuple[int, dict[str, list[int]]]:
    """(observations, by asset the exposures that were not covered)."""
    seen = 0
    found: dict[str, list[int]] = defaultdict(list)
    calls = (
        f"SELECT payer, receiver, asset, {exact('amount')} FROM main.calls WHERE date=? AND "
        "kind='VM' AND state<>'REPLACED' GROUP BY 1, 2, 3"
    )
    terms = (
        "SELECT r.first, r.second, r.asset, COALESCE(k.posted_first, 0), "
        "COALESCE(k.posted_second, 0) FROM main.im_required r LEFT JOIN main.collateral k "
        "ON k.date=r.date AND k.first=r.first AND k.second=r.second AND k.asset=r.asset "
        "WHERE r.date=?"
    )
    for before, date in zip(year.dates, year.dates[1:], strict=False):
        called = {row[:3]: whole(*row[3:]) for row in db.rows(calls, date)}
        for first, second, asset, of_first, of_second in db.rows(terms, before):
            for slot, posted in (((first, second), of_first), ((second, first), of_second)):
                seen += 1
                uncovered = called.get((*slot, asset), 0) - posted
                if uncovered > 0:
                    found[asset].append(uncovered)
    return seen, found


def called(db: Reader, periods: Periods) -> Iterator[Figure]:
    """6.6, 6.7 and 6.8: margin by business date."""
    quarter = periods.quarter
    query = (
        f"SELECT asset, date, {exact('amount')} FROM main.calls "
        "WHERE date BETWEEN ? AND ? AND {} GROUP BY 1, 2"
    )
    paid: dict[str, list[int]] = defaultdict(list)
    what = "kind IN ('VM', 'INTRADAY') AND state='SETTLED'"
    for asset, _, high, low in db.rows(query.format(what), quarter.first, quarter.last):
        paid[asset].append(whole(high, low))
    how = "variation margin calls that have settled, by the date that they are of"
    for asset, amounts in sorted(paid.items()):
        mean = quarter.mean(sum(amounts))
        yield Figure("6.6.1", asset, mean, asset, f"{how}; over all dates", "quarter")
        yield Figure("6.7.1", asset, max(amounts), asset, how, "quarter")
    asked: dict[str, list[int]] = defaultdict(list)
    what = "kind='IM' AND state<>'REPLACED'"
    for asset, _, high, low in db.rows(query.format(what), quarter.first, quarter.last):
        asked[asset].append(whole(high, low))
    for asset, amounts in sorted(asked.items()):
        how = "initial margin calls, by the date that they are of; what is locked as a trade is "
        how += "registered is called from nobody"
        yield Figure("6.8.1", asset, max(amounts), asset, how, "quarter")


def payments(db: Reader, periods: Periods) -> Iterator[Figure]:
    """7.3.3: the most that one group had to pay into a round, net."""
    parents: dict[str, str] = dict(db.rows("SELECT lei, parent FROM members"))
    query = (
        "SELECT p.number, p.asset, p.debtor, p.creditor, p.owed - p.set_off - p.cycled "
        "FROM main.round_pairs p JOIN rounds r ON r.number=p.number "
        "WHERE r.date BETWEEN ? AND ? AND r.state<>'RECOMPUTED'"
    )
    nets: dict[tuple[int, str, str], int] = defaultdict(int)
    for number, asset, debtor, creditor, left in db.rows(
        query, periods.year.first, periods.year.last
    ):
        for party, amount in ((debtor, left), (creditor, -left)):
            lei = party.partition(":")[0]
            nets[number, asset, parents.get(lei, lei)] += amount
    peaks: dict[str, int] = defaultdict(int)
    for (_, asset, _), amount in nets.items():
        peaks[asset] = max(peaks[asset], amount)
    how = "net of a group in one netting round, after set-off and cycles"
    for asset, peak in sorted(peaks.items()):
        yield Figure("7.3.3", asset, peak, asset, how, "year")


def paid_in(db: Reader, periods: Periods) -> Iterator[Figure]:
    """14.1.1 and 16.1.2."""
    query = "SELECT first, second, asset, notional FROM main.exposures WHERE date=?"
    positions: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for first, second, asset, notional in db.rows(query, periods.date.date):
        for party in (first, second):
            positions[asset][0] += notional
            positions[asset][1] += notional if client_of(party) else 0
    how = "notional of contracts of client accounts; each is segregated by itself"
    for asset, (every, clients) in sorted(positions.items()):
        share = muldiv(clients, WHOLE, every, Rounding.FLOOR) if every else 0
        yield Figure("14.1.1", asset, clients, asset, how)
        yield Figure("14.1.1", f"{asset}, share of all positions", share, BPS, how)
    query = "SELECT amount FROM main.resources WHERE date=? AND kind='CONTRIBUTION'"
    total = sum(amount for (amount,) in db.rows(query, periods.date.date))
    currency = currency_of(db)
    yield Figure("16.1.2", "", total, currency, "contributions paid in, less what was used")
