"""What a node refuses to start with: marked damage, damaged rows and recent blocks, other files."""

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest

from ledger.genesis import genesis_hash
from node.core.chain import Tip
from node.home import Home
from node.lock import HomeInUse, HomeLock
from node.startup import checked_tip, leave_mark, lift_mark
from node.storage.errors import StoreDamaged, StoreUnusable, StoreVersion
from node.storage.store import Store
from tests.node.stores import copied


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


def start(home: Home) -> Tip:
    """The tip with which the node would start."""

    async def opened() -> Tip:
        genesis = home.genesis()
        store = await Store.open(home.store, genesis_hash(genesis))
        try:
            return await checked_tip(home, store, Tip.at_genesis(genesis))
        finally:
            await store.close()

    return asyncio.run(opened())


def change(home: Home, query: str) -> None:
    db = sqlite3.connect(home.store)
    with db:
        assert db.execute(query).rowcount > 0
    db.close()


def test_a_sound_store_starts_and_can_go_back_one_block(home: Home) -> None:
    tip = start(home)
    assert tip.height > 10

    async def before() -> bytes:
        store = await Store.open(home.store, genesis_hash(home.genesis()))
        try:
            last = await store.block(tip.height)
            assert last is not None
            state = await store.state_before(tip, last.block.header.state_root)
            assert state is not None
            assert await store.state_before(tip, bytes(32)) is None
            return state.root
        finally:
            await store.close()

    assert asyncio.run(before()) != tip.state.root


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("UPDATE state SET row=x'90' WHERE key=(SELECT max(key) FROM state)", "state row"),
        ("DELETE FROM state WHERE key=(SELECT max(key) FROM state)", "state root"),
        ("UPDATE state SET row=row||x'00' WHERE key=(SELECT max(key) FROM state)", "cannot be"),
        ("UPDATE state SET row='text' WHERE key=(SELECT max(key) FROM state)", "cannot be read"),
        ("UPDATE blocks SET decided=x'90' WHERE height=7", "height 7"),
        ("DELETE FROM blocks WHERE height=7", "missing"),
        ("UPDATE meta SET value=x'90' WHERE key='tip'", "tip record"),
    ],
)
def test_damage_stops_the_start_and_every_later_one(home: Home, query: str, what: str) -> None:
    change(home, query)
    with pytest.raises(StoreDamaged, match=what):
        start(home)
    assert home.damage.exists()
    with pytest.raises(StoreDamaged, match="found before"):
        start(home)
    assert lift_mark(home)
    assert not lift_mark(home)


def test_a_mark_that_cannot_be_read_still_stops_the_start(home: Home) -> None:
    leave_mark(home, ["height 3: something"])
    with pytest.raises(StoreDamaged, match="height 3: something"):
        start(home)
    home.damage.write_text("{")
    with pytest.raises(StoreDamaged):
        start(home)


def test_a_flipped_byte_in_the_file_is_refused_with_a_code_or_does_no_harm(home: Home) -> None:
    data = home.store.read_bytes()
    root = start(home).state.root
    data = home.store.read_bytes()
    draw = random.Random(11)
    refused = 0
    for _ in range(60):
        flipped = bytearray(data)
        flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        home.store.write_bytes(bytes(flipped))
        try:
            assert start(home).state.root == root
        except (StoreDamaged, StoreUnusable, StoreVersion):
            refused += 1
        lift_mark(home)
    assert refused > 5


def test_one_process_at_a_time_works_in_a_home(home: Home) -> None:
    with HomeLock(home.lock), pytest.raises(HomeInUse):
        HomeLock(home.lock)
    HomeLock(home.lock).release()
