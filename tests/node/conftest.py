"""A filled home, made once for all tests that damage copies of it."""

from pathlib import Path

import pytest

from node.home import Home
from tests.node.stores import fill


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A member's home whose store holds blocks, trades, marks, rounds and a refused transfer."""
    path = tmp_path_factory.mktemp("audited") / "home"
    fill(Home(path))
    return path
