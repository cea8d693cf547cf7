"""A bank that was admitted joins with one command, by a header that it was told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.cli.testnet.ports import free_ports
from tests.cli.own_network import LEIS, NAMES, OwnNetwork, command
from tests.e2e.long import LONG
from wire import ids

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), LONG]

DAVE = ids.lei_from(f"{'DAVE':0<18}")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[OwnNetwork]:
    made = OwnNetwork(tmp_path)
    made.lay_out()
    for name in NAMES:
        config = made.home(name) / "config.toml"
        config.write_text(config.read_text() + "\n[store]\nsnapshot_every = 5\n")
    try:
        for name in NAMES:
            made.start(name)
        made.wait("alice", 1)
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()


def _new_home(network: OwnNetwork) -> list[object]:
    """The words of `dcn init` and `dcn join` that make Dave's home."""
    listen, api = free_ports(2)
    peers = [f"--peer={LEIS[name]}={_listen_of(network.home(name))}" for name in NAMES]
    return [
        "--home", network.home("dave"), "--lei", DAVE, "--name", "dave", "--listen",
        f"/ip4/127.0.0.1/tcp/{listen}", "--api-port", api, *peers,
    ]  # fmt: skip


def _listen_of(home: Path) -> str:
    lines = (home / "config.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("listen"))


def _admit_dave(network: OwnNetwork) -> None:
    alice, bob = network.home("alice"), network.home("bob")
    application = network.folder / "dave.tx"
    network.good("governance", "apply", "--home", network.home("dave"), "--out", application)
    network.good("governance", "submit", application, "--home", alice)
    words = ("governance", "propose", "admit", DAVE, "--power", 1, "--home", alice, "--json")
    number = json.loads(network.good(*words))["proposal"]
    for home in (alice, bob):
        network.good("governance", "vote", number, "--for", "--home", home)


def _block(network: OwnNetwork, height: object) -> Any:
    told = network.good("block", height, "--home", network.home("alice"), "--json")
    return json.loads(told)


def _refused(*words: object) -> str:
    answer = command("join", *words, "--json")
    assert answer.returncode == 3, answer
    return str(json.loads(answer.stdout)["code"])


def test_a_newcomer_joins_by_a_header_it_was_told_and_by_no_other(network: OwnNetwork) -> None:
    genesis, home = network.folder / "genesis.dcn", network.home("dave")
    words = _new_home(network)
    assert _refused(*words, "--genesis", genesis, "--patience", 3) == "JOIN_NOT_LET_IN"
    _admit_dave(network)
    network.wait("alice", 8)

    wrong = f"4:{'ab' * 32}"
    assert _refused("--home", home, "--trust", wrong, "--patience", 10) == "CHECKPOINT_CONTRADICTED"

    good = f"6:{_block(network, 6)['id']}"
    config = home / "config.toml"
    config.write_text(config.read_text() + "state_sync_behind = 1\n")  # [store] is the last one
    nodes = [f"--node={network.home(name)}" for name in NAMES]
    told = json.loads(network.good("join", "--home", home, *nodes, "--trust", good, "--json"))
    assert told["height"] >= 6
    assert told["trusted"] == good
    assert told["oldest_block"] > 1, "it began with a snapshot"
    assert config.read_text().count("[store]") == 1

    later = f"{told['height']}:{'cd' * 32}"
    assert _refused("--home", home, "--trust", later) == "CHECKPOINT_CONTRADICTED"
    network.good("join", "--home", home, "--trust", good)
    network.start("dave")
    found = network.wait("dave", told["height"] + 1)
    assert found["oldest_block"] == told["oldest_block"]
