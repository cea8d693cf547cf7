"""Statements: opening + movements = closing, whatever happens; anyone can check them."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings

from ledger import tables as t
from ledger.actions import OpenClientAccount, Transfer
from ledger.apply import Applied, apply_block
from ledger.genesis import genesis_state
from ledger.state import State
from ledger.transactions import Transaction
from node.home import Home
from node.statements.build import NoSuchDay, Posed, day_of, looked_at, statement
from node.statements.causes import explain
from node.statements.form import Statement, faults, statement_hash
from tests.ledger import defaults
from tests.ledger.test_containment import Network
from tests.ledger.test_laws import EXAMPLES, Market, Rules
from tests.ledger.world import CALENDAR, USD, World, with_rulebook
from tests.node.stores import copied
from wire.ids import Date, Lei, Party


def posed_of(world: World) -> list[Posed]:
    """The blocks of a world, each with the state before it."""
    state, found = genesis_state(world.genesis), []
    for block in world.blocks:
        found.append(Posed(state, block))
        state = apply_block(state, block).state
    return found


def of_all_days(lei: Lei, posed: list[Posed]) -> list[Statement]:
    days = dict.fromkeys(day_of(one.before) for one in posed)
    return [statement(lei, day, posed) for day in days if day is not None]


def everything_is_explained(posed: Iterable[Posed]) -> None:
    """Every change of every account has its lines, and they add up."""
    for one in posed:
        applied, parts = looked_at(one)
        for done in parts:
            moved: dict[bytes, int] = defaultdict(int)
            for line in explain(done, applied.results, one.before, applied.state):
                assert line.cause
                moved[line.account] += line.amount
            assert {key: x for key, x in moved.items() if x} == {
                key: x for key, x in done.changes.items() if x
            }


def days_follow_each_other(posed: list[Posed], after: State, leis: Iterable[Lei]) -> None:
    """A day opens with what the day before closed with; the last closes with what is there."""
    for lei in leis:
        held: dict[tuple[str, str, str], int] = {}
        for day in of_all_days(lei, posed):
            assert faults(day) == []
            opened = {(x.kind, x.reference, x.asset): x.opening for x in day.accounts if x.opening}
            assert opened == held
            held = {(x.kind, x.reference, x.asset): x.closing for x in day.accounts if x.closing}
        rows = [after.must(t.BALANCES, key) for key in after.indexed(t.BALANCES, t.of_member(lei))]
        assert sum(held.values()) == sum(row.balance for row in rows)


class StatedMarket(Market):
    """Whatever members do, every day of every member adds up."""

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "world"):
            posed = posed_of(self.world)
            everything_is_explained(posed)
            days_follow_each_other(posed, self.world.state, [self.world.members[0].lei])


class StatedRules(Rules):
    """The same of every transaction there is, by the generator of actions."""

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "world"):
            posed = posed_of(self.world)
            everything_is_explained(posed)
            days_follow_each_other(posed, self.world.state, [self.world.members[1].lei])


TestStatedMarket = StatedMarket.TestCase
TestStatedRules = StatedRules.TestCase
TestStatedMarket.settings = settings(
    max_examples=max(1, EXAMPLES // 5), stateful_step_count=50, deadline=None
)
TestStatedRules.settings = TestStatedMarket.settings


class StatedNetwork(Network):
    """A random network with a default, whose blocks are kept."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.posed: list[Posed] = []

    def block(self, *transactions: Transaction) -> Applied:
        before = self.world.state
        block = self.world.next_block(transactions)
        applied = apply_block(before, block)
        self.posed.append(Posed(before, block))
        self.world.state = applied.state
        self.blocks.append(applied)
        return applied


@pytest.mark.parametrize("seed", range(12))
def test_days_with_defaults_add_up_too(seed: int) -> None:
    network = StatedNetwork(seed)
    network.run()
    everything_is_explained(network.posed)
    leis = [*[who.lei for who in network.members], network.world.issuer.lei]
    days_follow_each_other(network.posed, network.world.state, leis)


# -------------------------------------------------------------------- what a day says
def _day() -> World:
    world = World(members=3, change=with_rulebook())
    a, b, c = world.members
    client = Party(f"{a.lei}:C1")
    world.must(
        world.mint(a, 100_000),
        world.mint(b, 100_000),
        world.sign(OpenClientAccount(a.lei, "C1", bytes(32)), a.key("governance")),
        world.sign(Transfer(USD, a.lei, client, 5_000, ""), a.key("treasury")),
    )
    world.must(world.trade(a, b, 10, 1_000), world.trade(b, c, 10, 1_000))
    world.close(CALENDAR[0], AAA=1_100)
    world.settle()
    return world


def test_each_movement_says_what_it_comes_from() -> None:
    world = _day()
    a, b, _ = world.members
    first, second = of_all_days(a.lei, posed_of(world))
    assert [(x.kind, x.amount, x.cause) for x in first.movements] == [
        ("OWN", 100_000, "MINT"),
        ("OWN", -5_000, "TRANSFER"),
        ("CLIENT", 5_000, "TRANSFER"),
    ]
    (vm,) = second.movements
    assert (vm.kind, vm.amount, vm.cause, vm.counterparty) == ("OWN", 100, "VM", b.lei)
    assert vm.about.startswith("round 1, obligation ")
    assert {(x.kind, x.reference): (x.opening, x.closing) for x in second.accounts} == {
        ("OWN", ""): (95_000, 95_100),
        ("CLIENT", "C1"): (5_000, 5_000),
    }
    assert (first.complete, second.complete) == (True, False)


def test_what_was_not_paid_is_listed_as_open() -> None:
    world = _day()
    b = world.members[1]
    second = of_all_days(b.lei, posed_of(world))[1]
    amounts = sorted(x.amount for x in second.movements)
    assert amounts == [-100]  # its debtor C had no cash: that debt stays open
    (debt,) = second.open_debts
    assert (debt.creditor, debt.amount, debt.state) == (b.lei, 100, "FAILED")


def test_trades_are_confirmed_with_their_full_terms_and_their_end() -> None:
    world = World(members=2, maturity=CALENDAR[1])
    a, b = world.members
    terms = world.terms(a, b, 7, 1_000)
    world.must(world.mint(a, 1_000), world.mint(b, 1_000), world.register(terms, a, b))
    world.close(CALENDAR[0], AAA=1_001)
    world.settle()
    world.close(CALENDAR[1], AAA=1_002)
    posed = posed_of(world)
    first, second = of_all_days(b.lei, posed)[:2]
    (registered,) = first.confirmations
    assert (registered.how, registered.trade, registered.cause) == (
        "REGISTERED", terms, "RegisterTrade"
    )  # fmt: skip
    assert registered.instrument.feed == "EQ-AAA"
    (matured,) = second.confirmations
    assert (matured.how, matured.state, matured.cause) == ("ENDED", "MATURED", "CYCLE")


def test_a_tranche_that_bears_a_loss_is_named() -> None:
    world = defaults.world_of(4)
    a, b, c, d = world.members
    world.must(*[world.mint(who, 50_000) for who in world.members])
    world.must(*[defaults.contribution(world, who, 2_000) for who in (a, b, c, d)])
    world.must(world.trade(d, a, 500, 1_000))
    world.close(CALENDAR[0], AAA=1_000)
    defaults.declare(world, d)
    world.close(CALENDAR[1], AAA=900)
    for _ in range(4):
        world.apply()
    posed = posed_of(world)
    causes = {x.cause for day in of_all_days(c.lei, posed) for x in day.movements}
    assert causes == {"MINT", "FUND", "LOSS_SURVIVORS_BY_RANK"}
    assert "LOSS_DEFAULTER" in {x.cause for y in of_all_days(d.lei, posed) for x in y.movements}


def test_the_same_blocks_give_the_same_hash_and_any_change_another() -> None:
    posed = posed_of(_day())
    lei = posed[0].block.transactions[0].value.action.to  # type: ignore[union-attr]
    one, two = (statement(lei, CALENDAR[0], posed) for _ in range(2))
    assert statement_hash(one) == statement_hash(two)
    (first, *rest) = one.movements
    forged = msgspec.structs.replace(first, amount=first.amount + 1)
    changed = msgspec.structs.replace(one, movements=(forged, *rest))
    assert statement_hash(changed) != statement_hash(one)
    assert faults(changed)


def test_a_day_that_never_was_is_refused() -> None:
    world = _day()
    with pytest.raises(NoSuchDay, match="the blocks are of 20240102 to 20240103"):
        statement(world.members[0].lei, Date(20230101), posed_of(world))


# -------------------------------------------------------------------- the command
def _run(*words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "node.cli.main", "statement", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_statement_on_paper_is_held_against_the_blocks(filled_home: Path, tmp_path: Path) -> None:
    home = copied(filled_home, tmp_path / "home")
    place, lei = str(home.path), Home(home.path).config().lei
    paper = tmp_path / "statement.json"
    made = _run("make", lei, "20080915", "--home", place, "--out", str(paper), "--json")
    assert made.returncode == 0, made
    content: Any = json.loads(made.stdout)
    assert content == json.loads(paper.read_text())
    assert {x["cause"] for x in content["statement"]["movements"]} == {"TRANSFER", "VM"}
    right = _run("check", str(paper), "--home", place)
    assert right.returncode == 0, right
    assert content["hash"] in right.stdout
    assert "VM" in _run("make", lei, "20080915", "--home", place).stdout
    content["statement"]["movements"][0]["amount"] += 1
    paper.write_text(json.dumps(content))
    wrong = _run("check", str(paper), "--home", place, "--json")
    assert wrong.returncode == 1, wrong
    said = "\n".join(json.loads(wrong.stdout)["faults"])
    assert "adds up to" in said
    assert "its hash is" in said
    assert "not on the ledger" in said
