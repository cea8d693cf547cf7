"""A home whose blocks tell of a default from its trigger on, and what a live observer saw of it."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.genesis import genesis_hash
from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.home import Home, Keys
from node.observer.projection import project
from node.observer.store import FILE, Writer
from node.playback.player import Player
from node.playback.reel import Reel, cut
from node.playback.span import Wanted
from node.storage.store import Store
from tests.node.stores import CONFIG
from tests.observer.chains import Recorded, contents, crisis, store_of

Tables = dict[str, list[tuple[Any, ...]]]


class Incident(NamedTuple):
    """What there is to replay."""

    world: Recorded
    path: Path
    live: dict[int, Tables]
    """What the store of an observer that was there had after each block."""


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Incident:
    """Four members trade, are margined and netted, one stops paying; the observer's home."""
    world, folder = crisis(), tmp_path_factory.mktemp("incident")
    home = Home(folder / "home")
    me = world.observer
    keys = Keys(me.peer, me.consensus, me.trade, me.treasury, me.governance, me.seed_chain)
    home.write(CONFIG.format(lei=me.lei) + '\n[api]\nshows = "everything"\n', world.genesis, keys)
    asyncio.run(_fill(home, world))
    live = {}
    with closing(store_of(folder / "live", world)) as store:
        live[0] = contents(store)
        for one in world.seen:
            project(store, [one])
            live[one.height] = contents(store)
    return Incident(world, home.path, live)


async def _fill(home: Home, world: Recorded) -> None:
    tip = Tip.at_genesis(world.genesis)
    store = await Store.open(home.store, genesis_hash(world.genesis))
    await store.load_tip(tip)
    for one in world.seen:
        tip = tip.extended(one.decided.block, one.decided.commit, one.applied)
        await store.commit_blocks([CommitBlock(one.decided, one.applied, tip)])
    await store.close()


@pytest.fixture
def home(incident: Incident, tmp_path: Path) -> Home:
    """A copy of that home, to do what one likes to."""
    shutil.copytree(incident.path, tmp_path / "home")
    return Home(tmp_path / "home")


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Replayed:
    """A replay without its thread and its server."""

    def __init__(self, home: Home, wanted: Wanted, folder: Path, speed: float = 1.0) -> None:
        self.clock = Clock()
        self.store = Writer(folder / FILE, genesis_hash(home.genesis()).hex())
        self.reel: Reel = cut(home, wanted, folder, self.store, lambda _done, _of: None)
        lei = home.config().lei
        self.player = Player(self.reel, self.store, folder, speed, lei=lei, clock_s=self.clock)

    def settle(self) -> float | None:
        """What is due is shown; seconds until there is more."""
        while (wait_s := self.player.turn()) == 0:
            pass
        return wait_s

    def contents(self) -> Tables:
        """The read store's."""
        return contents(self.store)


@pytest.fixture
def whole(home: Home, tmp_path: Path) -> Iterator[Replayed]:
    """A replay of all of it, at the beginning."""
    made = Replayed(home, Wanted(), tmp_path)
    yield made
    made.store.close()
