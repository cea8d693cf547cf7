"""Alerts open in the block in which a rule is met, and close in the one in which it is no more."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import structlog

from ledger import marks
from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    CancelTrade,
    CommitLooks,
    CommitMark,
    DiscloseLooks,
    RegisterCsa,
    SubmitMark,
)
from ledger.genesis import Genesis, genesis_state
from ledger.mandates import digest_of
from node.config import AlertsSection
from node.core.effects import CommitBlock
from node.daemon import Daemon
from node.history import steps
from node.metrics import metrics_text
from node.observer.alerts.reading import SHOWN_MAX, alerts_between, changed_since, open_counts
from node.observer.alerts.rules import RULES
from node.observer.catching_up import store_of as opened_store
from node.observer.projection import Seen, begin, project
from node.observer.store import FILE, Reader, Readers
from node.viewing.viewer import Viewer, looking
from tests.api.served import served
from tests.ledger.defaults import fixed_terms
from tests.ledger.world import CALENDAR
from tests.observer.chains import Recorded, crisis, lives, store_of
from wire.ids import Party

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

replace = msgspec.structs.replace
QUIET = AlertsSection(
    late_blocks=0, limit_bps=0, concentration_bps=0, missing_blocks=0, marks_bps=0
)  # fmt: skip
Spans = list[tuple[str, int, int]]


def alerts(path: Path, world: Recorded, thresholds: AlertsSection, rule: str) -> Spans:
    """(subject, opened, closed) of a rule over a world's blocks, in the order of opening."""
    store = store_of(path / "store", world)
    project(store, world.seen, thresholds)
    query = "SELECT subject, opened, closed FROM alerts WHERE rule=? ORDER BY opened, subject"
    found: Spans = store.db.execute(query, (rule,)).fetchall()
    store.close()
    return found


def founded(
    members: int = 3, change: Callable[[Genesis], Genesis] = lambda genesis: genesis
) -> Recorded:
    world = Recorded(members=members, maturity=CALENDAR[4], change=change)
    world.must(*[world.mint(who, 10**6) for who in world.members])
    return world


# -------------------------------------------------------------------- each rule
def test_a_payer_is_late_from_the_block_after_the_one_it_failed_in_until_it_has_paid(
    tmp_path: Path,
) -> None:
    world = Recorded(members=3, maturity=CALENDAR[4])
    a, b, _ = world.members
    world.must(world.mint(a, 10))
    world.must(world.trade(a, b, 100, 1_000))
    world.close(CALENDAR[0], AAA=900)
    world.settle()
    (call,) = [row for _, row in world.state.scan(t.CALLS)]
    assert call.state == o.CallState.FAILED
    world.apply()
    world.must(world.mint(a, 10**6))
    world.close(CALENDAR[1], AAA=900)
    world.settle()
    world.apply()
    assert world.state.scan(t.CALLS) == []
    for most in (1, 2, 100):
        thresholds = replace(QUIET, late_blocks=most)
        (folder := tmp_path / str(most)).mkdir()
        found = alerts(folder, world, thresholds, "late_payer")
        assert [one[1] for one in found] == ([call.due + most] if most < 100 else [])
        assert all(one[1] < one[2] <= world.height for one in found)
    assert alerts(tmp_path, world, QUIET, "late_payer") == []


def test_who_waits_for_another_s_default_is_not_late(tmp_path: Path) -> None:
    world = lives()
    store = store_of(tmp_path / "store", world)
    project(store, world.seen)
    late = store.db.execute(
        "SELECT DISTINCT c.payer_member FROM calls c JOIN alerts a ON a.subject=c.id "
        "WHERE a.rule='late_payer'"
    ).fetchall()
    waited = "SELECT COUNT(*) FROM calls WHERE ended>due+1 AND failed=0"
    assert store.db.execute(waited).fetchone()[0] > 0
    assert late == [(world.members[3].lei,)]
    store.close()


def test_a_set_near_a_limit_is_told_until_it_is_away_from_it(tmp_path: Path) -> None:
    world = founded()
    a, b, c = world.members
    world.must(world.limit(a, b, 100_000))
    world.must(world.trade(a, b, 89, 10_000))
    near = world.trade(b, a, 1, 10_000)
    world.must(near)
    opens = world.height
    uti = near.action.trade.uti  # type: ignore[union-attr]
    world.must(
        world.sign(CancelTrade(Party(b.lei), Party(a.lei), uti), a.key("trade"), b.key("trade")),
        world.trade(c, a, 500, 10_000),  # with whom there is no limit
    )
    closes = world.height
    world.must(world.limit(b, a, 89_000))
    subject = "{0} {1} {2} USD"
    first, second = sorted((a.lei, b.lei))
    assert alerts(tmp_path, world, replace(QUIET, limit_bps=9_000), "limit") == [
        (subject.format(a.lei, first, second), opens, closes),
        (subject.format(b.lei, first, second), closes + 1, 0),
    ]


@pytest.mark.parametrize("most", [0, 1])
def test_a_limit_far_below_what_is_open_does_not_stop_the_store(tmp_path: Path, most: int) -> None:
    world = founded()
    a, b, _ = world.members
    world.must(world.trade(a, b, 10**10, 10**7), world.limit(a, b, 5))
    world.must(world.limit(a, b, most))
    found = alerts(tmp_path, world, replace(QUIET, limit_bps=9_000), "limit")
    assert [opened for _, opened, _ in found] == [world.height - 1]


def test_notional_with_one_counterparty_is_looked_at_when_a_date_closes(tmp_path: Path) -> None:
    world = founded()
    a, b, c = world.members
    world.must(world.trade(a, b, 60, 1_000), world.trade(c, a, 40, 1_000))
    world.close(CALENDAR[0], AAA=1_000)
    one = world.height
    world.must(world.trade(b, c, 60, 1_000))
    assert world.height == one + 1
    world.close(CALENDAR[1], AAA=1_000)
    two = world.height
    found = alerts(tmp_path, world, replace(QUIET, concentration_bps=6_000), "concentration")
    assert found == [(f"{a.lei} USD", one, 0), (f"{b.lei} USD", one, two), (f"{c.lei} USD", one, 0)
    ]  # fmt: skip


def test_a_validator_without_a_precommit_in_so_many_commits_is_missing(tmp_path: Path) -> None:
    world = founded(members=3)  # the first proposes, and alone signs these commits
    a, b, c = world.members
    for _ in range(5):
        world.apply()
    world.turns = 3
    while world.height < 12:
        world.apply()
    proposers = [
        next(who.lei for who in (a, b, c) if who.key("consensus").public == one.proposer)
        for one in world.blocks
    ]
    found = alerts(tmp_path, world, replace(QUIET, missing_blocks=4), "missing_validator")
    assert {subject for subject, _, _ in found} == {b.lei, c.lei}
    for subject, opened, closed in found:
        assert opened == 4
        assert closed == proposers.index(subject) + 1
    (tmp_path / "long").mkdir()
    assert (
        alerts(tmp_path / "long", world, replace(QUIET, missing_blocks=13), "missing_validator")
        == []
    )


def test_marks_of_the_parties_that_differ_are_told_until_they_are_resolved(tmp_path: Path) -> None:
    world = founded()
    a, b, _ = world.members
    terms = replace(fixed_terms(a, b, 400), mark_source=o.MarkSource.PARTIES)
    world.must(world.sign(RegisterCsa(terms), a.key("governance"), b.key("governance")))
    trade = world.trade(a, b, 100, 1_000)
    world.must(trade)
    uti = trade.action.trade.uti  # type: ignore[union-attr]
    said = {a.lei: (o.ContractMark(uti, 900),), b.lei: (o.ContractMark(uti, 100),)}
    sides = ((a, b), (b, a))
    world.must(*[
        world.sign(
            CommitMark(Party(x.lei), Party(y.lei), CALENDAR[0], marks.digest(b"s", said[x.lei])),
            x.key("trade"),
        )
        for x, y in sides
    ])  # fmt: skip
    world.must(*[
        world.sign(
            SubmitMark(Party(x.lei), Party(y.lei), CALENDAR[0], b"s", said[x.lei]),
            x.key("trade"),
        )
        for x, y in sides
    ])  # fmt: skip
    world.close(CALENDAR[0], AAA=1_005)
    opens = world.height
    assert world.state.scan(t.DISPUTES)
    world.settle()
    world.close(CALENDAR[1], AAA=1_005)
    assert not world.state.scan(t.DISPUTES)
    first, second = sorted((a.lei, b.lei))
    (found,) = alerts(tmp_path, world, QUIET, "disputed_marks")
    assert found[:2] == (f"{first} {second} USD", opens)
    assert opens < found[2] <= world.height


def test_an_oracle_that_is_far_off_is_named_when_the_date_closes(tmp_path: Path) -> None:
    world = founded()
    honest, off = world.oracles[:-1], world.oracles[-1]
    heights = []
    for date, odd in ((CALENDAR[0], 1_049), (CALENDAR[1], 1_050), (CALENDAR[2], 1_000)):
        world.must(
            world.marks(off, date, AAA=odd), *[world.marks(x, date, AAA=1_000) for x in honest]
        )
        heights.append(world.height)
    found = alerts(tmp_path, world, replace(QUIET, marks_bps=500), "odd_oracle")
    assert found == [(f"EQ-AAA {off.lei}", heights[1], heights[2])]


def test_a_mark_that_is_carried_forward_is_told_until_there_is_a_quorum(tmp_path: Path) -> None:
    def change(genesis: Genesis) -> Genesis:
        margin = replace(genesis.rulebook.margin, quorum_wait_blocks=3)
        return replace(genesis, rulebook=replace(genesis.rulebook, margin=margin))

    world = Recorded(members=3, shares=("AAA", "BBB"), maturity=CALENDAR[4], change=change)
    world.close(CALENDAR[0], AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(CALENDAR[1], AAA=1_010))
    while world.network.closed_date != CALENDAR[1]:
        world.apply()
    opens = world.height
    world.close(CALENDAR[2], AAA=1_000, BBB=1_000)
    found = alerts(tmp_path, world, QUIET, "carried_mark")
    assert found == [("EQ-BBB", opens, world.height)]


def test_a_default_and_a_short_fund_are_told_from_their_blocks(tmp_path: Path) -> None:
    world = crisis()
    store = store_of(tmp_path / "store", world)
    project(store, world.seen, QUIET)
    (case,) = store.db.execute("SELECT opened, ended FROM cases").fetchall()
    spans = "SELECT opened, closed FROM alerts WHERE rule=? ORDER BY opened"
    assert store.db.execute(spans, ("default",)).fetchall() == [case]
    short = [
        (date, height)
        for date, height in store.db.execute(
            "SELECT s.date, d.height FROM fund_sizes s JOIN dates d ON d.date=s.date "
            "WHERE s.fund<s.requirement"
        )
    ]
    assert len(store.db.execute(spans, ("fund_short",)).fetchall()) == bool(short)
    store.close()


def test_a_look_that_is_not_disclosed_in_time_is_told_until_it_is(tmp_path: Path) -> None:
    world = Recorded()
    mandate = o.Mandate(
        authority=world.observer.lei, reference="M1", products=(),
        members=(world.members[0].lei,), first_date=CALENDAR[0], last_date=CALENDAR[-1],
        embargo_blocks=2, disclosure_blocks=2, basis="an act",
    )  # fmt: skip
    world.put({t.MANDATES.key(mandate.authority, "M1"): mandate})
    look = o.Look(
        authority=world.observer.lei, mandate="M1", person="p", member=world.members[0].lei,
        what="/x", height=1, time_ms=1, purpose="why", salt=bytes(32),
    )  # fmt: skip
    key = world.observer.key("governance")
    world.must(world.sign(CommitLooks(world.observer.lei, "M1", False, (digest_of(look),)), key))
    due = world.height + 4
    while world.height < due + 3:
        world.apply()
    world.must(world.sign(DiscloseLooks(world.observer.lei, (look,)), key))
    (found,) = alerts(tmp_path, world, QUIET, "look_overdue")
    assert found[0] == world.observer.lei
    assert due <= found[1] <= due + 1
    assert found[2] == world.height


# -------------------------------------------------------------------- all of them
def test_alerts_are_the_same_however_the_blocks_come(tmp_path: Path) -> None:
    world = lives()
    found = []
    for size in (1, 7, 1_000):
        store = store_of(tmp_path / str(size), world)
        for start in range(0, len(world.seen), size):
            project(store, world.seen[start : start + size])
        found.append(store.db.execute("SELECT * FROM alerts ORDER BY 1, 2, 3").fetchall())
        store.close()
    assert found[0] == found[1] == found[2]
    assert {row[0] for row in found[0]} >= {"default", "late_payer", "concentration"}


def test_an_alert_about_a_member_is_seen_by_who_may_see_the_member(tmp_path: Path) -> None:
    world = lives()
    store = store_of(tmp_path / "store", world)
    project(store, world.seen)
    readers = Readers(store.path)
    with looking(Viewer("test", everything=True)), readers.reader() as db:
        every = alerts_between(db, 1, world.height)
    assert {one.name for one in every if one.member} == {"concentration", "late_payer"}
    for lei in [who.lei for who in world.members] + [""]:
        with looking(Viewer("somebody", own=lei)), readers.reader() as db:
            seen = alerts_between(db, 1, world.height)
            assert seen == [
                one for one in every if not one.member or (lei and lei in (one.member, one.other))
            ]
            public = changed_since(db, 0, public=True)
            assert all(not one.member for one in public)
    readers.close()
    store.close()


def test_no_number_of_tickets_hides_what_wakes_a_person(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store", founded())
    query = "INSERT INTO alerts VALUES (?, ?, ?, 0, ?, '', '', NULL, 1, 1, 'blocks', 'so it is', ?)"
    flood = [("limit", str(number), 2, "ticket", 2) for number in range(2 * SHOWN_MAX)]
    store.db.executemany(query, [*flood, ("missing_validator", "one", 3, "page", 3)])
    found = changed_since(Reader(store.db), 1)
    store.close()
    assert len(found) == SHOWN_MAX
    assert found[0].name == "missing_validator"


def test_every_rule_says_what_it_is_and_who_wakes() -> None:
    for name, rule in RULES.items():
        assert name.islower()
        assert rule.find.__doc__
        assert len(rule.meaning) > 10
    assert {rule.severity for rule in RULES.values()} == {"page", "ticket"}


# -------------------------------------------------------------------- a running node
async def test_what_opens_and_closes_is_logged_once_measured_and_streamed(
    daemon: Daemon,
) -> None:
    """The node's last blocks come one by one: a share of 1 basis point makes everybody's notional
    concentrated when the date closes, and one of 3 blocks misses who is slow."""
    daemon.config = replace(daemon.config, alerts=replace(QUIET, concentration_bps=1))
    done = list(steps(daemon.home))
    kept = 10
    (daemon.home.data / FILE).unlink()
    with closing(opened_store(daemon.home)) as store:
        begin(store, genesis_state(daemon.genesis))
        project(store, [Seen(x.decided, x.applied, x.before) for x in done[:kept]], QUIET)
    tip = daemon.shell.tip
    daemon.shell.tip = replace(tip, height=kept, state=done[kept].before)
    told = Told(4)
    with structlog.testing.capture_logs() as logs:
        async with served(daemon) as at, following(at, daemon.home.token(), told):
            for step in done[kept:]:
                after = replace(tip, height=step.height, state=step.applied.state)
                daemon.shell.tip = after
                for call in daemon.shell.on_block:
                    call(CommitBlock(step.decided, step.applied, after))
            async with asyncio.timeout(30):
                await told.complete.wait()
            text = (await metrics_text(daemon)).decode()
    opened = [one for one in logs if one["event"] == "alert_opened"]
    assert len(opened) == 4
    assert {one["log_level"] for one in opened} == {"warning"}
    assert {one["alert"] for one in opened} == {"concentration"}
    assert 'dcn_observer_alerts{rule="concentration",severity="ticket"} 4.0' in text
    assert 'dcn_observer_alerts{rule="default",severity="page"} 0.0' in text
    assert {one["name"] for one in told.alerts} == {"concentration"}
    assert all(one["opened"] and not one["closed"] for one in told.alerts)


class Told:
    """The alerts that a stream has told."""

    def __init__(self, expected: int) -> None:
        self.alerts: list[Any] = []
        self.begun, self.complete = asyncio.Event(), asyncio.Event()
        self._expected = expected

    async def follow(self, at: str, token: str) -> None:
        """Take what the stream of the node at `at` says."""
        headers = {"authorization": f"Bearer {token}"}
        async with (
            httpx.AsyncClient(base_url=f"http://{at}", headers=headers) as client,
            client.stream("GET", "/v1/observer/stream") as stream,
        ):
            kind = ""
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                    self.begun.set()
                elif name == "data" and kind == "alert":
                    self.alerts.append(json.loads(value))
                if len(self.alerts) == self._expected:
                    self.complete.set()


@asynccontextmanager
async def following(at: str, token: str, told: Told) -> AsyncIterator[None]:
    """Follows the stream's alerts while a block runs."""
    task = asyncio.create_task(told.follow(at, token))
    await told.begun.wait()
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_open_counts_name_every_rule(tmp_path: Path) -> None:
    world = founded()
    store = store_of(tmp_path / "store", world)
    project(store, world.seen)
    counts = open_counts(Reader(store.db))
    assert {name for name, _ in counts} == set(RULES)
    assert not any(counts.values())
    store.close()
