"""A node's API over a filled store, without a network."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.api.app import make_app
from node.daemon import Daemon
from node.home import Home
from tests.node.stores import fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A member's home whose store holds blocks, trades, marks, rounds and a refused transfer."""
    path = tmp_path_factory.mktemp("api") / "home"
    fill(Home(path))
    return path


@pytest.fixture
async def daemon(filled: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    """A node of a copy of that home, opened and not running."""
    shutil.copytree(filled, tmp_path / "home")
    found = await Daemon.open(tmp_path / "home")
    yield found
    found._log.close()
    await found.store.close()


@pytest.fixture
def app(daemon: Daemon) -> Any:
    """Its application."""
    return make_app(daemon)


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
