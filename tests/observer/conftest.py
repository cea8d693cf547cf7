"""The observer's views over a filled store, without a network."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.daemon import Daemon
from node.home import Home
from node.observer.app import observed_app
from node.observer.catching_up import catch_up, store_of
from node.observer.feed import Feed
from tests.node.stores import fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds blocks, trades, marks, rounds and a refused transfer, with a read
    store of all of it."""
    home = Home(tmp_path_factory.mktemp("observer") / "home")
    fill(home)
    with closing(store_of(home)) as store:
        catch_up(home, store)
    return home.path


@pytest.fixture
async def daemon(filled: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    """A node of a copy of that home, opened and not running."""
    shutil.copytree(filled, tmp_path / "home")
    found = await Daemon.open(tmp_path / "home")
    yield found
    found._log.close()
    await found.store.close()


@pytest.fixture
async def feed(daemon: Daemon) -> AsyncIterator[Feed]:
    """Its feed, caught up."""
    made = Feed(daemon)
    made.start()
    await reached(made, daemon.shell.tip.height)
    yield made
    made.stop()


async def reached(feed: Feed, height: int) -> None:
    """Wait until the read store is there."""
    async with asyncio.timeout(60):
        while feed.height < height and not feed.failed:
            await feed.reached().wait()
    assert not feed.failed


def client_of(app: Any, token: str = "") -> httpx.AsyncClient:
    """A client, with a token; what the application raises becomes a 500."""
    through = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=through, base_url="http://node", headers=headers)


@pytest.fixture
def app(daemon: Daemon, feed: Feed) -> Any:
    """The application with views and page."""
    return observed_app(daemon, feed)


@pytest.fixture
async def client(daemon: Daemon, app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the home's own token."""
    async with client_of(app, daemon.home.token()) as made:
        yield made
