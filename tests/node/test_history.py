"""Holders at any height, and every balance traced to its mint, from the blocks of a store."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import tables as t
from node.api.views import holders
from node.history import NotInHistory, state_at, steps
from node.home import Home
from node.lots import Lots
from node.storage.errors import StoreDamaged
from tests.ledger.world import USD, World
from tests.node.stores import copied
from wire.ids import AssetCode

CASH = AssetCode("USD")


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


def test_the_register_at_every_height_adds_up_to_what_circulates(home: Home) -> None:
    heights = 0
    for step in steps(home, whole=True):
        found = holders(step.applied.state, CASH, step.height)
        assert found is not None
        assert sum(x.balance for x in found.holders) == found.circulating
        heights = step.height
    assert heights > 10
    assert state_at(home, 7).must(t.NETWORK, t.network_key()).height == 7
    with pytest.raises(NotInHistory, match=f"kept are 0 to {heights}"):
        state_at(home, heights + 1)


def test_a_damaged_block_is_named(home: Home) -> None:
    db = sqlite3.connect(home.store)
    with db:
        db.execute("DELETE FROM blocks WHERE height=5")
    db.close()
    with pytest.raises(StoreDamaged, match="block 6"):
        list(steps(home))


def test_the_commands_say_who_holds_and_where_it_comes_from(home: Home) -> None:
    def run(*words: str) -> Any:
        line = [sys.executable, "-m", "node.cli.main", *words, "--home", str(home.path), "--json"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    register = run("holders", "USD", "--height", "7")
    assert register["as_of_height"] == 7
    assert run("holders", "USD")["circulating"] > 0
    one = next(x for x in register["holders"] if x["account"] == "OWN")
    traced = run("trace", one["holder"], "USD", "--height", "7")
    assert sum(lot["units"] for lot in traced["lots"]) == one["balance"]
    assert all(lot["reserve"] for lot in traced["lots"])


# -------------------------------------------------------------------- lots
class Traced:
    """A world whose lots are followed."""

    def __init__(self) -> None:
        self.world = World()
        self.lots = Lots(USD)

    def block(self, *transactions: Any) -> None:
        before = self.world.state
        applied = self.world.must(*transactions)
        self.lots.block(before, applied.state, [key for key, _ in applied.changes])

    def of(self, number: int) -> list[tuple[int, int]]:
        found = self.lots.of(t.own_account(self.world.members[number].lei, USD))
        return [(x.lot.first, x.lot.count) for x in found]


def test_oldest_units_go_first_and_lead_to_their_mints() -> None:
    traced = Traced()
    w = traced.world
    a, b, c = w.members
    traced.block(w.mint(a, 10))
    traced.block(w.mint(b, 5), w.transfer(a, c, 4))
    assert [traced.of(n) for n in range(3)] == [[(4, 6)], [(10, 5)], [(0, 4)]]
    traced.block(w.transfer(b, a, 5), w.transfer(a, c, 3))
    assert [traced.of(n) for n in (0, 1, 2)] == [[(4, 6), (10, 2)], [], [(0, 4), (12, 3)]]
    sources = traced.lots.of(t.own_account(c.lei, USD))
    assert [(x.minted, x.minting.to) for x in sources] == [(0, a.lei), (10, b.lei)]


@given(
    moves=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 30)), max_size=12)
)
@settings(max_examples=25, deadline=None)
def test_every_balance_is_its_lots_and_no_unit_has_two_holders(
    moves: list[tuple[int, int, int]],
) -> None:
    """3 stands for the issuer: who mints to others."""
    traced = Traced()
    w = traced.world
    for source, to, amount in moves:
        before = w.state
        who = w.members[to]
        tx = w.mint(who, amount) if source == 3 else w.transfer(w.members[source], who, amount)
        applied = w.apply(tx, w.mint(w.members[0], 1))
        traced.lots.block(before, applied.state, [key for key, _ in applied.changes])
    units: list[int] = []
    for key, row in w.state.scan(t.BALANCES):
        mine = [
            unit
            for one in traced.lots.of(key)
            for unit in range(one.lot.first, one.lot.first + one.lot.count)
        ]
        assert len(mine) == row.balance
        units += mine
    asset = w.state.must(t.ASSETS, t.ASSETS.key(USD))
    assert sorted(units) == list(range(asset.minted))
