"""A node's API over a filled store, without a network."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.daemon import Daemon
from node.home import Home
from node.observer.app import observed
from node.observer.catching_up import catch_up, store_of
from tests.node.stores import fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A member's home whose store holds blocks, trades, marks, rounds and a refused transfer."""
    home = Home(tmp_path_factory.mktemp("api") / "home")
    fill(home)
    with contextlib.closing(store_of(home)) as store:
        catch_up(home, store)
    return home.path


@pytest.fixture(scope="session")
def filled_open(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same a date earlier: trades may still be registered."""
    path = tmp_path_factory.mktemp("open") / "home"
    fill(Home(path), last_date_open=True)
    return path


@contextlib.asynccontextmanager
async def opened(filled: Path, home: Path) -> AsyncIterator[Daemon]:
    """A node of a copy of a home, opened and not running."""
    shutil.copytree(filled, home)
    found = await Daemon.open(home)
    yield found
    found._log.close()
    await found.store.close()


@pytest.fixture
async def daemon(filled: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    """A node of a copy of the filled home."""
    async with opened(filled, tmp_path / "home") as found:
        yield found


@pytest.fixture
async def app(daemon: Daemon) -> AsyncIterator[Any]:
    """Its application."""
    with observed(daemon) as (made, feed):
        while feed.height < daemon.shell.tip.height:
            await feed.reached().wait()
        yield made


def client_of(app: Any, token: str) -> httpx.AsyncClient:
    """A client with a token; what the application raises becomes a 500."""
    through = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=through, base_url="http://node", headers=headers)


@pytest.fixture
async def client(daemon: Daemon, app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the home's own token."""
    async with client_of(app, daemon.home.token()) as made:
        yield made
