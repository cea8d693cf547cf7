"""Real nodes that lose everything but their keys, or come late to a pruned network."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.actions import Mint
from node.audit.audit import audit
from node.cli.testnet.layout import Place
from node.founding import CURRENCY
from node.home import Home
from tests.e2e.network import RealNetwork

STORE = """
[store]
snapshot_every = 10
snapshots_kept = 2
retain_blocks = 5
state_sync_behind = 20
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNetwork]:
    """Four members that take snapshots and prune; an observer's place without a process."""
    made = RealNetwork(tmp_path_factory.mktemp("net") / "t", members=4, observers=0, idle=1, seed=6)
    for place in made.places:
        config = Home(Path(place.home)).config_file
        config.write_text(config.read_text() + STORE)
    try:
        made.start()
        yield made
        made.until(made.all_equal, 30)
    finally:
        made.stop()


def grow(network: RealNetwork, height: int) -> None:
    """Have something decided until the first member is at `height`."""
    issuer, first = network.founded.issuer, network.places[0]
    while (network.status(first) or {"height": 0})["height"] < height:
        mint = Mint(CURRENCY, network.founded.members[0].lei, 1, "growing")
        answer = network.submit(network.tx(mint), "treasury", issuer)
        assert answer.status_code == 201, answer.text
        time.sleep(0.05)


def log_of(place: Place) -> str:
    return (Path(place.home) / "node.log").read_text()


def wipe(place: Place) -> None:
    """Leave configuration, genesis and keys: not even what the signer remembers."""
    for path in Home(Path(place.home)).data.iterdir():
        path.unlink() if path.is_file() else shutil.rmtree(path)


@pytest.mark.e2e
def test_a_node_joins_late_by_the_snapshot_of_a_pruned_network(network: RealNetwork) -> None:
    grow(network, 60)
    network.until(lambda: network.status(network.places[0])["oldest_block"] > 20, 20)
    gone = network.client(network.places[0]).get("/v1/blocks/3")
    assert (gone.status_code, gone.json()["code"]) == (410, "API_HEIGHT_PRUNED")
    late = network.places[4]
    network.join(late)
    network.until(network.all_equal, 60)
    grow(network, network.status(late)["height"] + 3)
    network.until(network.all_equal, 30)
    assert "snapshot_installed" in log_of(late)
    assert network.status(late)["oldest_block"] > 20
    assert network.status(late)["catching_up"] is None


@pytest.mark.e2e
def test_a_validator_wiped_of_everything_but_its_keys_comes_back(network: RealNetwork) -> None:
    victim = network.places[2]
    network.processes.kill(victim.name)
    wipe(victim)
    grow(network, network.status(network.places[0])["height"] + 30)
    network.processes.start(victim.name)
    network.until(network.all_equal, 60)
    height = network.status(victim)["height"]
    grow(network, height + 10)
    network.until(network.all_equal, 30)
    network.until(lambda: network.status(victim)["votes"] is True, 30)
    assert "snapshot_installed" in re.sub(r"\s+", " ", log_of(victim))
    key = network.founded.members[2].key("consensus").public.hex()
    network.until(lambda: key in _signers(network), 30)
    found = audit(Home(Path(victim.home)), lambda _height, _last: None)
    assert [one for one in found.findings if one.height is not None] == []
    assert found.since > 0


def _signers(network: RealNetwork) -> list[str]:
    grow(network, network.status(network.places[0])["height"] + 1)
    signers: list[str] = network.get(network.places[0], "/v1/blocks/latest")["commit"]["signers"]
    return signers
