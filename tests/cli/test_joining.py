"""A bank joins a running network by vote, validates, and another one stands down."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cli.testnet.ports import free_ports
from tests.cli.own_network import LEIS, NAMES, OwnNetwork, command
from wire import ids

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DAVE = ids.lei_from(f"{'DAVE':0<18}")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[OwnNetwork]:
    made = OwnNetwork(tmp_path)
    made.lay_out()
    try:
        for name in NAMES:
            made.start(name)
        made.wait("alice", 1)
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()


def _lay_out_dave(network: OwnNetwork) -> None:
    """Dave knows the others' addresses; nobody has his in its configuration."""
    listen, api = free_ports(2)
    peers = [f"--peer={LEIS[name]}={_listen_of(network.home(name))}" for name in ("alice", "bob")]
    network.good(
        "init", "--home", network.home("dave"), "--lei", DAVE, "--name", "dave",
        "--listen", f"/ip4/127.0.0.1/tcp/{listen}", "--api-port", api, *peers,
    )  # fmt: skip
    genesis = network.folder / "genesis.dcn"
    told = network.good("genesis", "adopt", genesis, "--home", network.home("dave"))
    assert "no founding member" in told


def _listen_of(home: Path) -> str:
    lines = (home / "config.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("listen"))


def test_a_bank_is_admitted_catches_up_validates_and_another_leaves(network: OwnNetwork) -> None:
    alice, bob, dave = (network.home(name) for name in ("alice", "bob", "dave"))
    _lay_out_dave(network)
    network.start("dave")  # it waits outside: nobody lets it in yet
    application = network.folder / "dave.tx"
    network.good("governance", "apply", "--home", dave, "--out", application)
    network.good("governance", "submit", application, "--home", alice)
    again = command("governance", "submit", application, "--home", alice, "--json")
    assert again.returncode == 4, again

    opened = json.loads(
        network.good(
            "governance", "propose", "admit", DAVE, "--power", 1, "--home", alice, "--json"
        )
    )
    number = opened["proposal"]
    network.good("governance", "vote", number, "--for", "--home", alice)
    assert (
        json.loads(network.good("governance", "show", number, "--home", bob, "--json"))["state"]
        == "OPEN"
    )
    network.good("governance", "vote", number, "--for", "--home", bob)
    height = network.status("alice")["height"]
    found = network.wait("dave", height + 3)
    assert (found["role"], found["votes"], found["validators"]) == ("member", True, 3)
    row = json.loads(network.good("governance", "show", number, "--home", dave, "--json"))
    assert (row["state"], row["in_favour"], row["entitled"]) == ("ENACTED", 2, 2)

    told = network.good("governance", "stand-down", "--home", bob)
    assert "decided" in told
    height = network.status("alice")["height"]
    found = network.wait("bob", height + 4)
    assert (found["votes"], found["validators"]) == (False, 2)
    for home in (alice, bob, dave):
        assert json.loads(network.good("verify", "--home", home, "--json"))["ok"]
    listed = json.loads(network.good("governance", "list", "--home", bob, "--json"))
    assert [one["state"] for one in listed] == ["ENACTED"]


def test_the_rulebook_is_amended_by_a_file_of_what_changes(network: OwnNetwork) -> None:
    change = network.folder / "change.toml"
    change.write_text("minimum_transfer_amount = 5000\n")
    words = ["governance", "propose", "rulebook", change, "--reason", "fewer small calls"]
    opened = json.loads(network.good(*words, "--home", network.home("alice"), "--json"))
    for name in ("alice", "bob"):
        network.good(
            "governance", "vote", opened["proposal"], "--for", "--home", network.home(name)
        )
    network.wait("bob", network.status("alice")["height"] + 2)
    shown = json.loads(
        network.good(
            "governance", "show", opened["proposal"], "--home", network.home("bob"), "--json"
        )
    )
    assert shown["state"] == "ENACTED"
    change.write_text("rounding_unit = 0\n")
    refused = command(*words, "--home", network.home("alice"), "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (4, "RULEBOOK_INVALID")
    change.write_text("no_such_parameter = 1\n")
    refused = command(*words, "--home", network.home("alice"), "--json")
    assert refused.returncode == 3, refused


def test_a_validators_keys_are_rotated_while_the_network_goes_on(network: OwnNetwork) -> None:
    alice, bob = network.home("alice"), network.home("bob")
    told = json.loads(network.good("keys", "rotate", "consensus", "--home", bob, "--json"))
    assert told["status"] == "decided", told
    # Two of two must vote: the old key for one more height, which the command has waited for.
    assert network.status("bob")["height"] > told["height"]
    old = (bob / "keys.json").read_text()
    busy = command("keys", "adopt", "--home", bob, "--json")
    assert (busy.returncode, json.loads(busy.stdout)["code"]) == (3, "HOME_IN_USE")
    assert network.stop("bob") == 0
    told = json.loads(network.good("keys", "adopt", "--home", bob, "--json"))
    assert told["adopted"] == ["consensus"]
    assert (bob / "keys.json").read_text() != old
    network.start("bob")
    height = network.wait("alice", 1)["height"]
    found = network.wait("bob", height + 2)  # two of two must vote, so the new key does
    assert found["votes"]
    told = json.loads(network.good("keys", "rotate", "treasury", "--home", bob, "--json"))
    assert told["status"] == "decided", told
    again = command("keys", "rotate", "treasury", "--home", bob, "--json")
    assert (again.returncode, json.loads(again.stdout)["code"]) == (4, "KEY_NOT_YOURS")
    nothing = command("keys", "adopt", "--home", network.home("carol"), "--json")
    assert nothing.returncode == 3
    assert json.loads(network.good("verify", "--home", alice, "--json"))["ok"]
