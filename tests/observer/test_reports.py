"""Reports equal sums that are made another way, from the exported ledger and from its events."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    AmendTrade,
    CancelTrade,
    ConfirmTermination,
    ConsentNovation,
    OpenClientAccount,
    ProposeNovation,
    RequestTermination,
)
from ledger.default import sizing
from ledger.events import (
    CallIssued,
    CallMoved,
    ContractChanged,
    DateClosed,
    FundSized,
    MarginCycle,
    TradeRegistered,
)
from ledger.state import Draft, State
from ledger.transactions import tx_id
from ledger.waterfall import DCN
from node.api.errors import status_of
from node.cli.main import app as command
from node.home import Home
from node.observer.projection import begin, project
from node.observer.reports.daily import DailyReport, daily_report
from node.observer.reports.dates import DateBeforeStore, DateNotClosed
from node.observer.reports.emir import ACTIONS, ASSET_CLASSES, CONTRACT_TYPES
from node.observer.reports.periods import periods
from node.observer.reports.pqd.names import NAMES, NOT_APPLICABLE
from node.observer.reports.pqd.report import PqdReport, pqd_report
from node.observer.reports.trades import TradeReport, trade_report
from node.observer.store import Reader, Readers, Writer
from node.viewing.viewer import Viewer, looking
from tests.ledger import defaults
from tests.ledger.world import CALENDAR
from tests.observer.chains import Recorded, lives, ported, store_of
from tests.observer.exported import CONTRACTS, CUSTODY, POSITIONS, Exported, total
from tests.tidy import ROOT
from wire.ids import Party, Uti, member_of
from wire.limits import AMOUNT_MAX

DATES = CALENDAR[:4]


class Reported:
    """A history, its store, and its state at each close, exported."""

    def __init__(self, folder: Path, world: Recorded) -> None:
        self.world = world
        self.store = store_of(folder / "store", world)
        self.closes: dict[int, State] = {}
        self.heights: dict[int, int] = {}
        for one in world.seen:
            project(self.store, [one])
            for event in one.applied.events:
                if isinstance(event, DateClosed):
                    self.closes[event.date] = one.applied.state
                    self.heights[event.date] = one.height
        self.exported = {
            date: Exported(state, folder / str(date)) for date, state in self.closes.items()
        }

    @property
    def db(self) -> Reader:
        return Reader(self.store.db)

    def events(self, kind: type, date: int | None = None) -> list[Any]:
        """Of a kind, in the blocks up to a date's close, or in all."""
        last = self.world.height if date is None else self.heights[date]
        return [
            event for one in self.world.seen if one.height <= last
            for event in one.applied.events if isinstance(event, kind)
        ]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """Contracts amended, cancelled, ended, novated, frozen, closed out; four dates; a default."""
    made = Reported(tmp_path_factory.mktemp("reports"), lives())
    yield made
    made.store.close()
    for one in made.exported.values():
        one.close()


@pytest.fixture(autouse=True)
def everything() -> Iterator[None]:
    with looking(Viewer("test", everything=True)):
        yield


# -------------------------------------------------------------------- the trade report
@pytest.mark.parametrize("date", DATES)
def test_every_line_of_the_trade_report_is_that_of_the_exported_ledger(
    told: Reported, date: int
) -> None:
    report = trade_report(told.db, date)
    rows = {row[0]: row[1:] for row in told.exported[date].rows(CONTRACTS.format(date=date))}
    assert report.trades
    assert {line.uti for line in report.trades} == set(rows)
    for line in report.trades:
        buyer, seller, currency, quantity, price, notional, value, state, first, _ = rows[line.uti]
        assert {line.account_1, line.account_2} == {buyer, seller}
        assert line.account_1 == first
        assert line.direction == ("BYER" if buyer == first else "SLLR")
        assert (line.counterparty_1, line.counterparty_2) == (
            member_of(line.account_1), member_of(line.account_2),
        )  # fmt: skip
        assert (line.currency, line.quantity, line.price) == (currency, quantity, price)
        assert (line.notional, line.state) == (notional, state)
        seen = value if buyer == first else -value
        assert line.valuation == (seen if state == "LIVE" else None)
        assert (line.valuation_date, line.valuation_method) == (date, "MTMA")


@pytest.mark.parametrize("date", DATES)
def test_the_report_s_sums_by_pair_are_those_of_netting_sets_and_custody(
    told: Reported, date: int
) -> None:
    exported = told.exported[date]
    report = trade_report(told.db, date)
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in report.trades:
        sums[line.account_1, line.account_2][0] += 1
        sums[line.account_1, line.account_2][1] += line.notional
    query = f"SELECT first, second, live, notional FROM ({POSITIONS}) WHERE live > 0"
    assert dict(sums) == {row[:2]: list(row[2:]) for row in exported.rows(query)}
    margin = {one.portfolio: one for one in report.portfolios}
    query = f"SELECT first, second, settled, held_first, held_second FROM ({POSITIONS})"
    for first, second, settled, held_1, held_2 in exported.rows(query):
        one = margin.pop(f"{first}-{second}", None)
        if one is None:
            assert not any((settled, held_1, held_2))
            continue
        assert one.vm_collected - one.vm_posted == settled + held_1 - held_2
        held = {row[:2]: row[2] for row in exported.rows(
            f"SELECT poster, secured, amount FROM ({CUSTODY})"
        )}  # fmt: skip
        assert one.im_posted == held.get((first, second), 0)
        assert one.im_collected == held.get((second, first), 0)
    assert margin == {}
    posted = total(one.im_posted + one.im_collected for one in report.portfolios)
    assert posted == exported.rows(f"SELECT sum(amount) FROM ({CUSTODY})")[0][0]


@pytest.mark.parametrize("date", DATES)
def test_a_right_store_reconciles_on_every_date(told: Reported, date: int) -> None:
    report = trade_report(told.db, date)
    assert report.differences == []
    assert all(one.reported == one.ledger for one in report.reconciliation)
    compared = {one.what: one for one in report.reconciliation}
    assert compared["contracts"].reported == len(report.trades)
    assert compared["initial margin"].reported == 9_000
    assert compared["contracts now"].reported > 0


def test_what_happened_to_contracts_is_told_with_its_transaction(told: Reported) -> None:
    steps = [line for date in DATES for line in trade_report(told.db, date).activity]
    changed = [event.uti for event in told.events(ContractChanged, DATES[-1])]
    assert {"AMENDED", "CANCELLED", "PARTLY_TERMINATED", "TERMINATED", "NOVATED", "NOVATION",
        "FROZEN", "CLOSED_OUT", "REGISTERED"} == {line.step for line in steps}  # fmt: skip
    assert {line.uti for line in steps if line.step in ("AMENDED", "NOVATED")} <= set(changed)
    transactions = dict(told.db.rows("SELECT id, kind FROM transactions"))
    for line in steps:
        if line.step == "REGISTERED":
            assert transactions[line.transaction] == "RegisterTrade"
        assert (line.action, line.event) == ACTIONS[line.step]
    (novated,) = [line for line in steps if line.step == "NOVATION"]
    (before,) = [line for line in steps if line.step == "NOVATED"]
    assert (novated.prior_uti, novated.height) == (before.uti, before.height)
    assert transactions[novated.transaction] == "ConsentNovation"


def test_a_contract_that_matures_is_in_the_report_of_the_date_before_only(tmp_path: Path) -> None:
    made = Reported(tmp_path, lives(maturity=CALENDAR[3]))
    before, last = (trade_report(made.db, date) for date in (CALENDAR[2], CALENDAR[3]))
    assert before.trades
    assert last.trades == []
    assert {line.step for line in last.activity} == {"MATURED", "REGISTERED", "CLOSED_OUT"}
    assert before.differences == last.differences == []
    made.store.close()


def test_the_report_of_a_member_is_seen_from_its_side(told: Reported) -> None:
    whole = {line.uti: line for line in trade_report(told.db, DATES[0]).trades}
    for who in told.world.members:
        report = trade_report(told.db, DATES[0], who.lei)
        wanted = [x for x in whole.values() if who.lei in (x.counterparty_1, x.counterparty_2)]
        assert len(report.trades) == len(wanted) > 0
        for line in report.trades:
            other = whole[line.uti]
            turned = other.counterparty_1 != who.lei
            assert line.counterparty_1 == who.lei
            assert line.valuation is not None
            assert other.valuation == (-line.valuation if turned else line.valuation)
            assert (line.direction == other.direction) != turned
        for one in report.portfolios:
            assert one.counterparty_1 == who.lei
    turned_one = trade_report(told.db, DATES[0], told.world.members[1].lei).portfolios
    straight = {x.portfolio: x for x in trade_report(told.db, DATES[0]).portfolios}
    for one in turned_one:
        other = straight[one.portfolio]
        if other.counterparty_1 != one.counterparty_1:
            assert (one.vm_posted, one.im_posted) == (other.vm_collected, other.im_collected)


def test_a_report_of_an_older_date_stays_what_it_was(told: Reported, tmp_path: Path) -> None:
    """Made when the date was the last, and made now."""
    store = store_of(tmp_path / "then", told.world)
    for one in told.world.seen:
        project(store, [one])
        if one.height == told.heights[DATES[1]]:
            break
    then, now = trade_report(Reader(store.db), None), trade_report(told.db, DATES[1])
    assert then.date == now.date == DATES[1]
    assert then.trades == now.trades
    assert then.activity == now.activity
    assert then.portfolios == now.portfolios
    store.close()


# -------------------------------------------------------------------- a store that is not right
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE contract_steps SET quantity=quantity+1 WHERE what='REGISTERED'", "valuation"),
        ("UPDATE contract_steps SET notional=notional+1", "notional now"),
        ("DELETE FROM contract_steps WHERE what='NOVATION'", "contracts"),
        ("UPDATE exposures SET gross_first=gross_first+1", "valuation"),
        ("UPDATE marks SET value=value+1", "valuation"),
        ("UPDATE collateral SET settled=settled+1", "variation margin"),
        ("UPDATE collateral SET posted_first=posted_first+1", "initial margin"),
        ("UPDATE balances SET balance=balance-1 WHERE kind='IM_ESCROW'", "custody now"),
        ("UPDATE trades SET state='TERMINATED' WHERE state='LIVE'", "contracts by state"),
        ("UPDATE sets SET live=live+1 WHERE live>0", "contracts now"),
    ],
)
def test_what_is_not_the_ledger_s_is_listed_difference_by_difference(
    told: Reported, damage: str, what: str
) -> None:
    db = told.store.db
    db.execute("BEGIN")
    try:
        assert db.execute(damage).rowcount > 0
        report = trade_report(told.db, DATES[1])
        assert what in {one.what for one in report.differences}
        wrong = {one.what: one.differences for one in report.reconciliation if one.differences}
        counts: dict[str, int] = defaultdict(int)
        for one in report.differences:
            assert one.reported != one.ledger
            counts[one.what] += 1
        assert counts == wrong
    finally:
        db.execute("ROLLBACK")
    assert trade_report(told.db, DATES[1]).differences == []


# -------------------------------------------------------------------- dates
def test_a_date_that_is_not_closed_or_older_than_the_store_is_an_error_with_its_code(
    told: Reported, tmp_path: Path
) -> None:
    for make in (trade_report, pqd_report, daily_report):
        for date in (CALENDAR[4], 20240106, 20991231, 1):
            with pytest.raises(DateNotClosed, match="4 dates from 20240102 to 20240105") as wrong:
                make(told.db, date)
            assert status_of(wrong.value) == 404
    at = told.heights[DATES[1]]
    store = Writer(tmp_path / "late", told.store.chain)
    begin(store, told.closes[DATES[1]])
    with pytest.raises(DateNotClosed):
        trade_report(Reader(store.db), None)
    project(store, told.world.seen[at:])
    for make in (trade_report, pqd_report, daily_report):
        with pytest.raises(DateBeforeStore, match=f"block {at + 1}") as old:
            make(Reader(store.db), DATES[0])
        assert status_of(old.value) == 410
    late, whole = (trade_report(x, DATES[3]) for x in (Reader(store.db), told.db))
    assert late.differences == []
    assert [(x.uti, x.notional, x.valuation) for x in late.trades] == [
        (x.uti, x.notional, x.valuation) for x in whole.trades
    ]
    assert late.portfolios == whole.portfolios
    store.close()


def test_the_periods_of_a_date_are_its_quarter_and_twelve_months(tmp_path: Path) -> None:
    store = Writer(tmp_path / "store", "00")
    dates = (20221230, 20230331, 20230401, 20231229, 20231230, 20240102, 20240329, 20240330)
    for height, date in enumerate(dates, start=1):
        store.db.execute("INSERT INTO dates VALUES (?, ?, 0, 1, 0, 0)", (date, height * 10))
    for date, quarter, year in (
        (20240330, (20240102, 20240329, 20240330), dates[1:]),
        (20231230, (20231229, 20231230), dates[1:5]),
        (20231229, (20231229,), dates[:4]),
        (20221230, (20221230,), dates[:1]),
    ):
        found = periods(Reader(store.db), date)
        assert found.quarter.dates == quarter
        assert found.year.dates == year
        assert (found.at.dates, found.at.height) == ((date,), (dates.index(date) + 1) * 10)
        assert found.quarter.after == dates.index(quarter[0]) * 10
    assert periods(Reader(store.db), None).date.date == dates[-1]
    store.close()


# -------------------------------------------------------------------- the disclosure
def value(report: PqdReport, number: str, of: str = "") -> int | None:
    """A figure."""
    (found,) = [x.value for x in report.disclosures if (x.number, x.of) == (number, of)]
    return found


def values(report: PqdReport, number: str) -> list[int]:
    """All figures of a number."""
    return [x.value for x in report.disclosures if x.number == number and x.value is not None]


@pytest.mark.parametrize("date", DATES)
def test_what_is_disclosed_of_a_date_is_in_its_exported_ledger(told: Reported, date: int) -> None:
    exported, report = told.exported[date], pqd_report(told.db, date)

    def one(query: str) -> int:
        return int(exported.rows(query)[0][0] or 0)

    of_kind = "SELECT sum(CAST(balance AS HUGEINT)) FROM balance WHERE split_part(key, ' ', 2)='{}'"
    contributed, capital = one(of_kind.format(5)), one(of_kind.format(6))
    assert value(report, "4.1.1") == capital
    assert value(report, "4.1.5") == value(report, "16.1.2") == contributed
    assert value(report, "4.3.15") == capital + contributed
    asked = one("SELECT sum(CAST(required AS HUGEINT)) FROM contribution")
    assert value(report, "4.1.4") == asked
    held = one(f"SELECT sum(amount) FROM ({CUSTODY})")
    assert sum(values(report, "6.2.15")) == sum(values(report, "16.1.1")) == held
    query = (
        "SELECT sum(CAST(im ->> '$.fixed_first' AS HUGEINT) + "
        "CAST(im ->> '$.fixed_second' AS HUGEINT)) FROM csa WHERE EXISTS (SELECT 1 FROM "
        f"({POSITIONS}) p WHERE p.live > 0 AND csa.key = p.first || ' ' || p.second)"
    )
    assert sum(values(report, "6.1.1")) == one(query)
    contracts = CONTRACTS.format(date=date)
    assert sum(values(report, "23.2.1")) == one(f"SELECT sum(notional) FROM ({contracts})")
    query = f"SELECT sum(notional) FROM ({contracts}) WHERE contains(first || second, ':')"
    assert value(report, "14.1.1", "USD") == one(query)
    active = "SELECT count(*) FROM member WHERE state='ACTIVE' AND contains(roles, '\"MEMBER\"')"
    assert value(report, "18.1.1") == one(active)
    assert value(report, "19.1.1") == one("SELECT count(*) FROM client_account")


def test_what_is_disclosed_over_a_period_is_in_the_events_of_its_blocks(told: Reported) -> None:
    report, dates = pqd_report(told.db, DATES[-1]), len(DATES)
    sized = {event.date: event for event in told.events(FundSized)}
    requirements = [event.requirement for event in sized.values()]
    assert len(requirements) == dates
    assert value(report, "4.4.7", "peak") == max(requirements)
    assert value(report, "4.4.7", "mean") == round(sum(requirements) / dates)
    excess = [x.requirement - x.fund for x in sized.values() if x.requirement > x.fund]
    assert value(report, "4.4.8") == len(excess)
    assert value(report, "4.4.9", "peak") == max(excess, default=0)
    rules = told.world.state.must(t.RULEBOOK, t.rulebook_key()).default
    single = [
        max(0, *(
            loss for scenario in rules.scenarios
            for loss in sizing.stressed_losses(Draft(state), date, scenario).values()
        ))
        for date, state in told.closes.items()
    ]  # fmt: skip
    assert value(report, "4.4.3", "peak") == max(single) > 0
    called: dict[int, int] = defaultdict(int)
    issued = {event.ident: event for event in told.events(CallIssued)}
    for event in told.events(CallMoved):
        call = issued[event.ident]
        if event.state == o.CallState.SETTLED and call.kind == o.CallKind.VM:
            called[call.date] += call.amount
    assert value(report, "6.7.1", "USD") == max(called.values())
    assert value(report, "6.6.1", "USD") == round(sum(called.values()) / dates)
    registered = told.events(TradeRegistered, DATES[-1])
    assert sum(values(report, "23.1.1")) == round(len(registered) / dates)
    assert value(report, "17.3.1", "number") == 0
    (case,) = [row for _, row in told.world.state.scan(t.DEFAULT_CASES)]
    assert value(report, "13.1.1", "loss") == case.loss > 0
    borne = sum(values(report, "13.1.2")) + (value(report, "13.1.1", "initial margin used") or 0)
    assert borne == sum(part.amount for part in case.applied)


def test_the_largest_payment_and_exposure_are_found_pair_by_pair(told: Reported) -> None:
    report = pqd_report(told.db, DATES[-1])
    nets: dict[tuple[int, str], int] = defaultdict(int)
    dated = {row.number: row.date for one in told.world.seen
             for _, row in one.applied.state.scan(t.ROUNDS)}  # fmt: skip
    for one in told.world.seen:
        for result in one.applied.results:
            left = result.amount - result.cancelled
            if dated[result.number] <= DATES[-1]:
                nets[result.number, member_of(result.debtor)] += left
                nets[result.number, member_of(result.creditor)] -= left
    assert value(report, "7.3.3", "USD") == max(nets.values())
    peaks = []
    for date, exported in told.exported.items():
        owed: dict[str, int] = defaultdict(int)
        uncovered: dict[tuple[str, str], int] = defaultdict(int)
        contracts = CONTRACTS.format(date=date)
        query = (
            "SELECT first, second, sum(CASE WHEN buyer = first THEN value ELSE -value END) "
            f"FROM ({contracts}) WHERE state = 'LIVE' GROUP BY 1, 2"
        )
        for first, second, worth in exported.rows(query):
            uncovered[first, second] += worth
        live = set(uncovered)
        query = f"SELECT first, second, settled + held_first - held_second FROM ({POSITIONS})"
        for first, second, moved in exported.rows(query):
            if (first, second) in live:
                uncovered[first, second] -= moved
        debts = "SELECT debtor, creditor, CAST(amount AS HUGEINT) FROM obligation"
        for debtor, creditor, amount in exported.rows(debts):
            first, second = sorted((debtor, creditor))
            uncovered[first, second] += amount if creditor == first else -amount
        held = exported.dict(f"SELECT poster, secured, amount FROM ({CUSTODY})")
        for (first, second), left in uncovered.items():
            debtor, creditor = (second, first) if left > 0 else (first, second)
            owed[member_of(debtor)] += max(0, abs(left) - held.get((debtor, creditor), 0))
        peaks.append(max(owed.values()))
    assert value(report, "4.4.6", "peak") == max(peaks) > 0


def test_every_field_has_its_name_and_none_is_both_disclosed_and_inapplicable(
    told: Reported,
) -> None:
    report = pqd_report(told.db, None)
    numbers = {line.number for line in report.disclosures}
    assert numbers <= set(NAMES)
    assert report.disclosures == sorted(
        report.disclosures, key=lambda x: [int(part) for part in x.number.split(".")]
    )
    without = {one for numbers in NOT_APPLICABLE for one in numbers.split(", ")}
    assert numbers & without == set()
    for line in report.disclosures:
        assert (line.value is None) <= bool(line.said), line
        assert line.rule
        assert line.from_date <= line.to_date == DATES[-1]
    chapters = {int(number.split(".")[0]) for number in (*NAMES, *without)}
    assert chapters == {4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19, 20, 23}


def sides_of_clients(told: Reported) -> list[tuple[int, str]]:
    """Trade date and member of each, from the ledger's own contracts."""
    return [
        (trade.trade_date, member_of(party))
        for event in told.events(TradeRegistered, DATES[-1])
        if (trade := told.world.state.must(t.CONTRACTS, t.CONTRACTS.key(event.uti)).trade)
        for party in (trade.buyer, trade.seller)
        if ":" in party
    ]


def test_a_few_members_are_too_few_for_shares_of_the_largest(told: Reported) -> None:
    report = pqd_report(told.db, None)
    (line,) = [x for x in report.disclosures if x.number == "18.2.1"]
    assert (line.value, line.said) == (None, "there are fewer than 10 members")
    told.store.db.execute("BEGIN")
    told.store.db.execute("UPDATE dates SET members=25")
    try:
        report = pqd_report(told.db, DATES[0])
        exported = told.exported[DATES[0]]
        query = (
            f"WITH sides AS (SELECT first AS who, notional FROM ({POSITIONS}) UNION ALL "
            f"SELECT second, notional FROM ({POSITIONS})), members AS (SELECT substr(who, 1, 20) "
            "AS lei, sum(notional) AS x FROM sides GROUP BY 1) "
            "SELECT (SELECT sum(x) FROM (SELECT x FROM members ORDER BY x DESC LIMIT 5)), sum(x) "
            "FROM members"
        )
        ((five, every),) = exported.rows(query)
        assert value(report, "18.2.2", "USD, peak") == round(five * 10_000 / every)
        assert value(report, "18.2.3", "USD, peak") == 10_000
        assert sides_of_clients(told), "somebody clears for clients"
        report = pqd_report(told.db, DATES[-1])
        by_date = {day: Counter(lei for d, lei in sides_of_clients(told) if d == day)
                   for day, _ in sides_of_clients(told)}  # fmt: skip
        tops = [sum(n for _, n in found.most_common(5)) * 10_000 / found.total()
                for found in by_date.values()]  # fmt: skip
        assert value(report, "19.1.3", "peak") == round(max(tops))
        assert value(report, "19.1.3", "mean") == round(sum(tops) / len(tops))
        assert value(report, "19.1.4", "mean") == 10_000
    finally:
        told.store.db.execute("ROLLBACK")


# -------------------------------------------------------------------- the day
def figure(report: DailyReport, chapter: str, what: str) -> int:
    """A total of the day."""
    (found,) = [x.value for x in report.figures if (x.chapter, x.what) == (chapter, what)]
    return found


@pytest.mark.parametrize("place", range(4))
def test_the_day_adds_up_to_its_blocks_and_its_exported_ledger(told: Reported, place: int) -> None:
    date = DATES[place]
    report, exported = daily_report(told.db, date), told.exported[date]
    first = told.heights[DATES[place - 1]] + 1 if place else 1
    blocks = [one for one in told.world.seen if first <= one.height <= told.heights[date]]
    assert (report.first_height, report.last_height) == (first, blocks[-1].height)
    assert figure(report, "blocks", "blocks") == len(blocks)
    sent = sum(len(one.applied.receipts) for one in blocks)
    assert figure(report, "blocks", "transactions") == sent
    contracts = CONTRACTS.format(date=date)
    ((count, notional),) = exported.rows(f"SELECT count(*), sum(notional) FROM ({contracts})")
    assert figure(report, "trades", "outstanding at the close, USD") == count
    assert figure(report, "trades", "notional outstanding") == notional
    new = sum(isinstance(e, TradeRegistered) for one in blocks for e in one.applied.events)
    if new:
        assert figure(report, "trades", "registered, USD") == new
    live = f"SELECT first, second, value, buyer FROM ({contracts}) WHERE state = 'LIVE'"
    nets: dict[tuple[str, str], int] = defaultdict(int)
    gross = 0
    for one, other, worth, buyer in exported.rows(live):
        gross += abs(worth)
        nets[one, other] += worth if buyer == one else -worth
    assert figure(report, "values", "gross") == gross
    assert figure(report, "values", "net") == sum(map(abs, nets.values()))
    query = (
        "SELECT sum(abs(settled)), sum(held_first + held_second), "
        f"(SELECT sum(amount) FROM ({CUSTODY})) FROM ({POSITIONS})"
    )
    ((settled, held, posted),) = exported.rows(query)
    assert figure(report, "margin", "variation margin settled") == settled
    assert figure(report, "margin", "variation margin held") == held
    assert figure(report, "margin", "initial margin in custody") == posted
    cycles = [e for one in blocks for e in one.applied.events if isinstance(e, MarginCycle)]
    assert figure(report, "calls", "VM called") == sum(event.gross for event in cycles)
    assert figure(report, "calls", "VM calls, USD") == sum(e.obligations for e in cycles)
    for line in report.rounds:
        row = told.world.state.must(t.ROUNDS, t.ROUNDS.key(line.number))
        (of,) = [x for x in row.figures if x.asset == line.asset]
        assert (line.gross, line.set_off, line.cancelled) == (of.gross, of.set_off, of.cleared)
        assert line.cleared_bps == (of.set_off + of.cleared) * 10_000 // of.gross
    proposers: dict[bytes, int] = defaultdict(int)
    for each in blocks:
        proposers[each.decided.block.header.proposer] += 1
    keys = {who.lei: who.key("consensus").public for who in told.world.members}
    for who in report.validators:  # in this history the proposer alone signs
        mine = proposers[keys[who.lei]]
        assert (who.of, who.missed, who.proposed) == (len(blocks), len(blocks) - mine, mine)


def test_a_day_of_crisis_says_who_is_late_and_who_is_in_default(told: Reported) -> None:
    report = daily_report(told.db, DATES[2])
    defaulter = told.world.members[3].lei
    assert [case.defaulter for case in report.cases] == [defaulter]
    assert {line.payer for line in report.late} == {defaulter}
    assert figure(report, "calls", "late at the close") == len(report.late)
    assert "default" in {alert.name for alert in report.alerts}


# -------------------------------------------------------------------- whose eyes
def test_a_viewer_s_report_has_its_own_lines_and_everybody_s_sums(told: Reported) -> None:
    readers = Readers(told.store.path)
    whole = trade_report(told.db, DATES[1])
    for who in told.world.members:
        with looking(Viewer(who.lei, own=who.lei)), readers.reader() as db:
            report = trade_report(db, DATES[1])
            disclosed, day = pqd_report(db, DATES[1]), daily_report(db, DATES[1])
        own = [x for x in whole.trades if who.lei in (x.counterparty_1, x.counterparty_2)]
        assert report.trades == own
        assert [x.portfolio for x in report.portfolios] == [
            x.portfolio for x in whole.portfolios if who.lei in x.portfolio
        ]
        assert report.reconciliation == whole.reconciliation
        assert disclosed == pqd_report(told.db, DATES[1])
        assert day.figures == daily_report(told.db, DATES[1]).figures
        assert all(who.lei in (x.payer[:20], x.receiver[:20]) for x in day.late)
    readers.close()


# -------------------------------------------------------------------- the command
def run(*words: object) -> Any:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_the_command_writes_what_the_report_says_in_every_form(
    filled: Path, tmp_path: Path
) -> None:
    duckdb = pytest.importorskip("duckdb")
    for name, kind in (("trades", TradeReport), ("pqd", PqdReport), ("daily", DailyReport)):
        printed = run("report", name, "--home", filled, "--json")
        assert printed.exit_code == 0, printed.output
        said = json.loads(printed.stdout)
        assert set(said) == set(kind.__struct_fields__)
        shown = run("report", name, "--home", filled)
        assert (shown.exit_code, "20080915" in shown.stdout) == (0, True)
        for form in ("json", "csv", "parquet"):
            path = tmp_path / f"{name}.{form}"
            done = run("report", name, "--home", filled, "--date", 20080912, "--out", path)
            assert done.exit_code == 0, done.output
        table = next(iter(kind.__struct_fields__[i] for i, _ in enumerate(said) if isinstance(
            said[kind.__struct_fields__[i]], list)))  # fmt: skip
        whole = json.loads((tmp_path / f"{name}.json").read_text())
        lines = list(csv.DictReader(io.StringIO((tmp_path / f"{name}.csv").read_text())))
        assert len(lines) == len(whole[table]) > 0
        count = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/{name}.parquet'").fetchall()
        assert count == [(len(lines),)]


def test_the_command_says_what_is_wrong(filled: Path, tmp_path: Path) -> None:
    for words, code in (
        (("report", "daily", "--home", filled, "--date", 20010101), "REPORT_DATE_NOT_CLOSED"),
        (("report", "daily", "--home", filled, "--out", tmp_path / "x.pdf"), "USAGE"),
        (("report", "daily", "--home", filled, "--out", tmp_path / "x.csv", "--table", "no"),
         "USAGE"),
        (("report", "daily", "--home", filled, "--table", "rounds"), "USAGE"),
        (("report", "daily", "--home", tmp_path), "OBSERVER_NO_STORE"),
    ):  # fmt: skip
        done = run(*words)
        assert getattr(done.exception, "code", "") == code, done.output


def test_a_store_of_another_version_or_that_is_none_is_named(filled: Path, tmp_path: Path) -> None:
    import shutil

    from node.observer.catching_up import store_of as opened
    from node.observer.store import FILE

    home = Home(Path(shutil.copytree(filled, tmp_path / "home")))
    with closing(opened(home)) as store:
        store.db.execute("UPDATE sets SET live=live+1")
    assert run("report", "trades", "--home", home.path).exit_code == 1
    with closing(opened(home)) as store:
        store.db.execute("PRAGMA user_version=1")
    done = run("report", "pqd", "--home", home.path)
    assert getattr(done.exception, "code", "") == "OBSERVER_NO_STORE"
    (home.data / FILE).write_bytes(b"not a database" * 500)
    done = run("report", "pqd", "--home", home.path)
    assert getattr(done.exception, "code", "") == "OBSERVER_NO_STORE"


# -------------------------------------------------------------------- the document
def test_every_product_class_and_step_has_its_code() -> None:
    assert set(CONTRACT_TYPES) == {product.name for product in o.Product}
    assert set(ASSET_CLASSES) == {one.name for one in o.AssetClass}


def test_the_document_has_every_field_and_number() -> None:
    text = (ROOT / "docs/REPORTS.md").read_text("utf-8")
    for number, name in NAMES.items():
        assert f"| {number} | {name}" in text, number
    for numbers, reason in NOT_APPLICABLE.items():
        assert f"| {numbers} | {reason} |" in text, numbers
    from node.observer.alerts.rules import RULES
    from node.observer.reports.portfolios import PortfolioMargin
    from node.observer.reports.trades import TradeLine

    for kind in (TradeLine, PortfolioMargin):
        for field in set(kind.__struct_fields__) - {"height", "rule"}:
            assert f"`{field}`" in text, field
    for rule in RULES:
        assert f"| `{rule}` |" in text, rule


# -------------------------------------------------------------------- several steps in one block
def test_each_step_of_a_contract_in_one_block_has_the_terms_of_its_moment(tmp_path: Path) -> None:
    world = Recorded(members=3, maturity=CALENDAR[4], change=defaults.short())
    a, b, c = world.members
    world.must(*[world.mint(who, 10**6) for who in world.members])
    terms = world.terms(a, b, 90, 1_000)
    amended = replace(terms, quantity=60, price=1_010)
    uti, new, part = terms.uti, Uti(f"{a.lei}NEW"), (terms.uti, 20, 1_000)
    deal = world.register(terms, a, b)
    world.must(
        deal,
        world.sign(AmendTrade(amended), a.key("trade"), b.key("trade")),
        world.sign(RequestTermination(Party(a.lei), *part), a.key("trade")),
        world.sign(ConfirmTermination(Party(b.lei), *part), b.key("trade")),
        world.sign(ProposeNovation(Party(b.lei), Party(c.lei), uti, new, 0), b.key("trade")),
        world.sign(ConsentNovation(Party(c.lei), uti, new, 0), c.key("trade")),
        world.sign(ConsentNovation(Party(a.lei), uti, new, 0), a.key("trade")),
        world.sign(CancelTrade(Party(a.lei), Party(c.lei), new), a.key("trade"), c.key("trade")),
    )
    world.close(CALENDAR[0], AAA=1_000)
    store = store_of(tmp_path / "store", world)
    project(store, world.seen)
    report = trade_report(Reader(store.db), CALENDAR[0])
    disclosed = pqd_report(Reader(store.db), CALENDAR[0]).disclosures
    store.close()
    seen = [(x.uti, x.step, x.state, x.quantity, x.price) for x in report.activity]
    assert seen == [
        (uti, "REGISTERED", "LIVE", 90, 1_000),
        (uti, "AMENDED", "LIVE", 60, 1_010),
        (uti, "PARTLY_TERMINATED", "LIVE", 40, 1_010),
        (uti, "NOVATED", "NOVATED", 40, 1_010),
        (new, "NOVATION", "LIVE", 40, 1_010),
        (new, "CANCELLED", "TERMINATED", 40, 1_010),
    ]
    assert {x.transaction for x in report.activity if x.uti == uti} == {tx_id(deal).hex()}
    assert {x.prior_uti for x in report.activity if x.uti == new} == {uti}
    assert (report.trades, report.differences) == ([], [])
    notional = report.activity[0].notional
    assert [x.value for x in disclosed if x.number == "23.1.2"] == [notional]


# -------------------------------------------------------------------- the disclosure
def test_contracts_of_clients_closed_out_before_a_case_are_not_of_it(tmp_path: Path) -> None:
    change = defaults.short(porting_window_blocks=0, order=DCN)
    world = Recorded(members=4, maturity=CALENDAR[4], change=change)
    world.turns = 4
    a, b, c, _ = world.members
    client = Party(f"{a.lei}:C")
    world.must(*[world.mint(who, 10**6) for who in (*world.members, world.issuer)])
    world.must(world.sign(OpenClientAccount(a.lei, "C", bytes(32)), a.key("governance")))
    with_b, with_c = (replace(world.terms(a, x, 9, 1_000), buyer=client) for x in (b, c))
    world.must(world.register(with_b, a, b), world.register(with_c, a, c))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    found = []
    store = store_of(tmp_path / "store", world)
    for who, date in ((c, CALENDAR[1]), (a, CALENDAR[2])):
        defaults.declare(world, who)
        for _ in range(12):
            world.apply()
        world.close(date, AAA=1_000)
        world.settle()
        project(store, world.seen)
        disclosed = pqd_report(Reader(store.db), date).disclosures
        found.append({x.of: x.value for x in disclosed if x.number == "13.1.3"})
    steps = Reader(store.db).rows("SELECT uti FROM contract_steps WHERE what='CLOSED_OUT'")
    store.close()
    assert sorted(steps) == sorted([(with_b.uti,), (with_c.uti,)])
    assert found == [{"ported": 0, "closed out": 0}, {"ported": 0, "closed out": 1}]


def test_sums_of_calls_may_be_larger_than_an_amount(tmp_path: Path) -> None:
    world = Recorded(members=3, maturity=CALENDAR[4])
    world.close(CALENDAR[0], AAA=1_000)
    world.close(CALENDAR[1], AAA=1_000)
    store = store_of(tmp_path / "store", world)
    project(store, world.seen)
    one, other, _ = (who.lei for who in world.members)
    columns = [row[1] for row in store.db.execute("PRAGMA table_info(calls)")]
    given = {
        "payer": one, "receiver": other, "payer_member": one, "receiver_member": other,
        "asset": "USD", "amount": AMOUNT_MAX, "date": CALENDAR[1], "state": "SETTLED",
    }  # fmt: skip
    for number in range(9):
        made = given | {"id": str(number), "kind": ("VM", "IM")[number % 2]}
        row = [made.get(name, 0) for name in columns]
        store.db.execute(f"INSERT INTO calls VALUES ({', '.join('?' * len(row))})", row)
    disclosed = pqd_report(Reader(store.db), CALENDAR[1]).disclosures
    store.close()
    peaks = {x.number: x.value for x in disclosed if x.number in ("6.7.1", "6.8.1")}
    assert peaks == {"6.7.1": 5 * AMOUNT_MAX, "6.8.1": 4 * AMOUNT_MAX}


# -------------------------------------------------------------------- as one party sees it
def test_a_contract_that_was_ported_away_is_in_the_report_of_who_has_it_now_alone(
    tmp_path: Path,
) -> None:
    world, uti = ported()
    a, b, c, d = world.members
    store = store_of(tmp_path / "store", world)
    project(store, world.seen)
    report = trade_report(Reader(store.db), CALENDAR[1])
    assert report.differences == []
    everybody = {line.uti: line for line in report.trades}
    assert everybody[uti].step == "TRANSFERRED"
    assert everybody[uti].counterparty_1 in (b.lei, c.lei)
    readers = Readers(store.path)
    try:
        for who, dates in {a: CALENDAR[:1], b: CALENDAR[1:2], c: CALENDAR[:2], d: ()}.items():
            with looking(Viewer("own", own=who.lei)), readers.reader() as db:
                for date in CALENDAR[:2]:
                    lines = {line.uti: line for line in trade_report(db, date).trades}
                    assert (uti in lines) == (date in dates), (who.lei, date)
                    if date == CALENDAR[1] and uti in lines:
                        assert lines[uti] == everybody[uti]
    finally:
        readers.close()
        store.close()
