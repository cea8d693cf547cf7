"""One real network for all tests of a file that only talk to it."""

from collections.abc import Iterator

import pytest

from tests.e2e.network import RealNetwork


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNetwork]:
    """Four members, an observer, and an observer's place that the test itself takes."""
    made = RealNetwork(tmp_path_factory.mktemp("net") / "t", members=4, observers=1, idle=1, seed=5)
    try:
        made.start()
        yield made
        made.until(made.all_equal, 30)
    finally:
        made.stop()
