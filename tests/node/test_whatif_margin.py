"""What the rehearsal of a trade, a move or a cycle says is what the ledger then does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import objects as o
from ledger import tables as t
from ledger.actions import RegisterTrade, Transfer
from ledger.events import CallIssued
from ledger.rejections import InsufficientFunds
from node.home import Home
from node.whatif.margin import NoDateOpen, Report, View, cycle, move, transaction
from node.whatif.marks import BadMove, NothingMarked
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, USD, World
from tests.node.stores import copied
from wire.errors import Rejection
from wire.ids import Lei, Party

BLOCK = "block"


def _world() -> World:
    """Three members; A and B post initial margin by the schedule, A and C none."""
    world = World(members=3, maturity=CALENDAR[4])
    a, b, c = world.members
    fixed = defaults.fixed_margin(world, a, b, 0)
    csa = fixed.action.csa  # type: ignore[union-attr]
    terms = msgspec.structs.replace(
        csa, im=msgspec.structs.replace(csa.im, model=o.ImModel.SCHEDULE)
    )
    keys = [who.key("governance") for who in (a, b)]
    world.must(*[world.mint(who, 100_000) for who in world.members])
    world.must(world.sign(msgspec.structs.replace(fixed.action, csa=terms), *keys))
    world.must(world.trade(a, b, 100, 1_000), world.trade(c, a, 40, 1_000))
    return world


def _vm(view: View) -> dict[Party, int]:
    return {x.counterparty: x.calls["VM"] for x in view.positions if "VM" in x.calls}


def _happened(world: World, me: Lei, events: Any) -> tuple[dict[Party, int], dict[str, int]]:
    """Variation margin by counterparty, and calls for initial margin by payer and receiver."""
    vm: dict[Party, int] = {}
    margin: dict[str, int] = {}
    for event in events:
        if isinstance(event, CallIssued):
            if event.kind == o.CallKind.IM:
                margin[f"{event.payer}>{event.receiver}"] = event.amount
            elif me in (event.payer, event.receiver):
                other = event.payer if event.receiver == me else event.receiver
                vm[other] = event.amount if event.receiver == me else -event.amount
    return vm, margin


def _as_said(report: Report, world: World, events: Any) -> None:
    vm, margin = _happened(world, report.me, events)
    assert _vm(report.after) == vm
    for one in report.after.initial_margin:
        assert one.call == margin.get(f"{one.party}>{one.counterparty}", 0)
        assert one.call_on_them == margin.get(f"{one.counterparty}>{one.party}", 0)
        assert one.call == max(0, one.required - one.posted)


@given(first=st.integers(500, 1_500), bps=st.integers(-9_999, 9_999))
@settings(max_examples=15, deadline=None)
def test_a_move_is_what_the_close_then_does(first: int, bps: int) -> None:
    world = _world()
    world.close(CALENDAR[0], AAA=first)
    world.settle()
    root = world.state.root
    report = move(world.state, BLOCK, world.members[0].lei, {"EQ-AAA": bps})
    assert world.state.root == root
    assert (report.block, report.state_root) == (BLOCK, root.hex())
    events = world.close(CALENDAR[1], AAA=report.prices["EQ-AAA"]).events
    _as_said(report, world, events)
    assert _vm(report.before) == {}  # nothing has moved since the last close


@given(quantity=st.integers(1, 200), price=st.integers(900, 1_100))
@settings(max_examples=15, deadline=None)
def test_a_trade_is_what_the_ledger_then_does(quantity: int, price: int) -> None:
    world = _world()
    world.close(CALENDAR[0], AAA=1_010)
    world.settle()
    a, b, _ = world.members
    terms = world.terms(b, a, quantity, price)
    report = transaction(world.state, BLOCK, a.lei, RegisterTrade(terms))
    world.must(world.register(terms, b, a))
    _as_said(report, world, world.close(CALENDAR[1], AAA=1_010).events)
    (before,), (after,) = report.before.initial_margin, report.after.initial_margin
    escrow = world.state.must(t.BALANCES, t.im_escrow(a.lei, b.lei, USD))
    assert after.posted == escrow.balance
    assert before.posted <= after.posted
    counts = [x.live for view in (report.before, report.after) for x in view.positions]
    assert counts == [1, 1, 2, 1]


def test_the_next_cycle_adds_to_what_is_open_already() -> None:
    world = _world()
    a, b, c = world.members
    world.close(CALENDAR[0], AAA=900)  # A owes B 10.00, C owes A 4.00: frozen, not settled
    world.must(*[world.marks(oracle, CALENDAR[1], AAA=880) for oracle in world.oracles[:2]])
    report = cycle(world.state, BLOCK, a.lei)
    assert report.prices == {"EQ-AAA": 900}, "two of three oracles are no quorum"
    (now,), (then,) = report.before.cash, report.after.cash
    assert (now.pays, now.receives) == (1_000, 400)
    assert (then.pays, then.receives) == (1_000, 400)
    moved = move(world.state, BLOCK, a.lei, {"EQ-AAA": -1_000})
    assert _vm(moved.after) == {b.lei: -900, c.lei: 360}
    (then,) = moved.after.cash
    assert (then.pays, then.receives) == (1_900, 760)
    assert then.short == max(0, 1_140 + then.margin - then.free)


def test_before_any_price_a_trade_says_what_margin_it_locks() -> None:
    world = _world()
    a, b, _ = world.members
    report = transaction(world.state, BLOCK, a.lei, RegisterTrade(world.terms(a, b, 10, 1_000)))
    (before,), (after,) = report.before.initial_margin, report.after.initial_margin
    assert (after.required - before.required, after.posted) == (150, after.required)
    assert report.prices == {}


def test_what_the_ledger_would_refuse_is_refused() -> None:
    world = _world()
    a, b, _ = world.members
    with pytest.raises(InsufficientFunds):
        transaction(world.state, BLOCK, a.lei, Transfer(USD, a.lei, b.lei, 10**9, ""))


@pytest.mark.parametrize(
    ("dates", "moves", "error"),
    [(0, {}, NothingMarked), (1, {"EQ-ZZZ": 1}, BadMove), (5, {}, NoDateOpen)],
)
def test_what_has_no_answer_is_said(
    dates: int, moves: dict[str, int], error: type[Rejection]
) -> None:
    world = _world()
    for date in CALENDAR[:dates]:
        world.close(date, AAA=1_000)
    with pytest.raises(error):
        move(world.state, BLOCK, world.members[0].lei, moves)


def test_the_commands_name_the_block_and_both_views(filled_home: Path, tmp_path: Path) -> None:
    home = copied(filled_home, tmp_path / "home")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "node.cli.main", "whatif", *words, "--home", str(home.path)]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    lei = Home(home.path).config().lei
    file = tmp_path / "pay.toml"
    file.write_text(
        f'tx = "Transfer"\nasset = "USD"\nsender = "{lei}"\nto = "{lei}"\namount = 1\n'
        'reference = ""\n'
    )
    refused = run("trade", str(file), "--json")
    assert refused.returncode == 4, refused
    assert json.loads(refused.stdout)["code"] == "CASH_SELF_TRANSFER"
    ended = run("cycle", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["code"]) == (4, "WHATIF_NO_DATE_OPEN")
    assert run("move", "EQ-AA", "--json").returncode == 4
