"""Replays: the same seed the same figures, the ledger and plain arithmetic agree, losses add up."""

import json
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.objects import ImModel
from node.replay.chart import chart
from node.replay.funding import Funding, funding, netted
from node.replay.market import HOURS, NoPrices, bridge, read_closes
from node.replay.others import Values
from node.replay.report import BadReplay, Report, Wanted, replay
from node.replay.run import Run, instruments_of, make_market
from wire.errors import CodedError
from wire.ids import Lei

SHORT = Wanted("2008", members=5, trades=40, margin="SCHEDULE", dates=5)


@pytest.fixture(scope="module")
def report() -> Report:
    return replay(SHORT)


def test_the_windows_are_whole_and_in_order() -> None:
    for window, dates, first, last in (
        ("2008", 44, 20080902, 20081031),
        ("2020", 62, 20200203, 20200430),
    ):
        closes = read_closes(window)
        days = [date for date, _ in closes]
        assert (len(days), days[0], days[-1], days) == (dates, first, last, sorted(set(days)))
        assert {len(prices) for _, prices in closes} == {20}
        assert all(price > 0 for _, prices in closes for price in prices.values())


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 99))
def test_a_bridge_ends_at_the_close_and_is_the_same_for_the_same_seed(
    before: int, after: int, seed: int
) -> None:
    one, two = (bridge(random.Random(seed), before, after) for _ in range(2))
    assert one == two
    assert (len(one), one[-1]) == (HOURS, after)
    assert min(one) >= 1


def test_peak_funding_counts_what_leaves_before_it_comes_in() -> None:
    a, b = Lei("A"), Lei("B")
    flows = [{a: (5, 0), b: (0, 5)}, {a: (4, 4), b: (4, 4)}, {a: (0, 5), b: (5, 0)}]
    assert funding(flows, (a, b)) == {a: Funding(9, 9), b: Funding(0, 9)}
    assert netted({(a, b): 5, (b, a): 2}) == {a: (3, 0), b: (0, 3)}


def test_the_ledger_calls_what_plain_arithmetic_says() -> None:
    closes = read_closes("2020")[:4]
    market = make_market(closes, 4, 30, 7, ImModel.SCHEDULE)
    values = Values(market.book, closes, instruments_of(market))
    outcome = Run(market, hourly=False, seed=7).run(None, lambda _: None)
    for number, (date, _) in enumerate(closes):
        assert outcome.called[date] == sum(values.pairs(number - 1, number).values())
    nets = [netted(values.pairs(number - 1, number)) for number in range(len(closes))]
    expected = funding(nets, market.book.members)
    assert funding(outcome.flows, market.book.members) == expected
    assert outcome.default is None


def test_losses_are_borne_to_the_cent_and_named_by_tranche(report: Report) -> None:
    assert set(report.defaults) == {"daily", "hourly"}
    for one in report.defaults.values():
        assert one.claims == sum(one.borne.values())
        assert one.claims == sum(losses.claim for losses in one.members.values())
        by_member = [sum(losses.borne.values()) for losses in one.members.values()]
        assert sum(by_member) == one.claims
        assert one.defaulter in one.margin
        assert one.declared > 0
    daily, hourly = report.defaults["daily"], report.defaults["hourly"]
    assert daily.closed_out_at is not None
    assert daily.closed_out_at > daily.date
    assert (hourly.defaulter, hourly.date) == (daily.defaulter, daily.date)


def test_netting_asks_for_less_than_margin_contract_by_contract(report: Report) -> None:
    turnover = {
        name: sum(one.turnover for one in by.values()) for name, by in report.funding.items()
    }
    assert turnover["daily"] == turnover["T+2"] < turnover["bilateral"]
    assert turnover["daily"] <= turnover["hourly"]
    assert report.elsewhere["bilateral"].claims >= report.elsewhere["bilateral"].uncovered


def test_the_same_seed_gives_the_same_report_and_another_another(report: Report) -> None:
    again = replay(SHORT)
    assert again == report
    other = replay(Wanted("2008", 5, 40, 2, ("daily",), "SCHEDULE", "none", 3))
    assert other.gross_vm != report.gross_vm
    assert other.defaults == {}


def test_the_chart_is_a_picture_that_names_every_regime(report: Report) -> None:
    picture = chart(report)
    ElementTree.fromstring(picture)
    for name in ("daily", "hourly", "T+2", "bilateral", "synthetic"):
        assert name in picture


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Wanted("1929"), NoPrices),
        (Wanted("2008", dates=2), NoPrices),
        (Wanted("2008", members=1), BadReplay),
        (Wanted("2008", cycles=("weekly",)), BadReplay),
        (Wanted("2008", margin="NONE"), BadReplay),
        (Wanted("2008", default="M99@20080903"), BadReplay),
        (Wanted("2008", default="M01@20080902"), BadReplay),
    ],
)
def test_what_cannot_be_replayed_is_refused(wanted: Wanted, error: type[CodedError]) -> None:
    with pytest.raises(error):
        replay(wanted)


def test_the_command_prints_tables_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "replay.svg"
    words = ["--members", "4", "--trades", "12", "--dates", "3", "--cycle", "daily"]
    line = [sys.executable, "-m", "node.cli.main", "scenario", "replay", "2008", *words]
    shown = subprocess.run(
        [*line, "--plot", str(picture)], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown
    assert "stops paying on 20080903" in shown.stdout
    assert picture.read_text().startswith("<svg")
    machine = subprocess.run([*line, "--json"], capture_output=True, text=True, check=False)
    assert json.loads(machine.stdout)["defaults"]["daily"]["date"] == 20080903
