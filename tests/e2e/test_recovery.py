"""Two of four members destroyed, machines and all: the drill of docs/RECOVERY.md, for real."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from node.cli.testnet.layout import Place
from tests.cli.own_network import command
from tests.e2e.network import RealNetwork

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def said(*words: object, code: int = 0) -> Any:
    result = command(*words, "--json")
    assert result.returncode == code, result
    return json.loads(result.stdout)


def test_half_of_the_members_destroyed_and_the_drill_of_recovery(tmp_path: Path) -> None:
    network = RealNetwork(tmp_path / "t", members=4, observers=1, idle=0, seed=9)
    try:
        network.start()
        drill(network, tmp_path)
    finally:
        network.stop()


def drill(network: RealNetwork, folder: Path) -> None:
    lost, survivors, observer = network.places[:2], network.places[2:4], network.places[4]
    backups = [destroy(network, place, folder) for place in lost]
    network.running = [*survivors, observer]
    stuck_at = network.get(survivors[0], "/v1/status")["height"]
    for place in network.running:
        network.processes.kill(place.name)

    standing = [said("recover", "where", "--home", place.home) for place in survivors]
    highest = max(standing, key=lambda found: found["height"])
    assert highest["height"] >= stuck_at
    first_round = 50 + max(found["round_to_use_at_least"] for found in standing)
    home = survivors[standing.index(highest)].home
    forgetful = survivors[1]
    (Path(forgetful.home) / "data" / "signer.state").unlink()
    keys = folder / "forgetful.json"
    new = said("recover", "new-key", "--home", forgetful.home, "--out", keys)["consensus_key"]
    file = folder / "recovery.dcn"
    validators = ["--validator", survivors[0].lei, "--validator", f"{forgetful.lei}:1:{keys}"]
    words = ["recover", "draft", "--home", home, *validators, "--round", first_round]
    drafted = said(*words, "--reason", "two data centres burnt down", "--out", file)
    assert drafted["height"] == highest["height"]
    assert new in [entry["consensus_key"] for entry in drafted["validators"]]

    for place in survivors:
        said("recover", "sign", file, "--home", place.home)
    judged = said("recover", "show", file, "--home", home, code=1)
    assert judged["fault"] == "2 of 4 members have signed"
    refused = said("recover", "apply", file, "--home", home, code=4)
    assert refused["code"] == "RECOVERY_INVALID"
    copy = folder / "copy.dcn"
    shutil.copy(file, copy)
    said("recover", "sign", copy, "--key", backups[0])
    said("recover", "sign", file, "--add", copy)
    judged = said("recover", "show", file, "--home", home)
    assert (judged["fault"], len(judged["members_signed"])) == ("", 3)

    for place in survivors:
        said("recover", "apply", file, "--home", place.home)
    goes_on(network, survivors, observer, file, highest["height"])


def destroy(network: RealNetwork, place: Place, folder: Path) -> Path:
    """Kill it and lose its disk; what is left is the governance key, from a backup elsewhere."""
    network.processes.kill(place.name)
    backup = folder / f"{place.name}.governance"
    keys = json.loads((Path(place.home) / "keys.json").read_text())
    backup.write_text(keys["governance"])
    shutil.rmtree(place.home)
    return backup


def goes_on(
    network: RealNetwork, survivors: list[Place], observer: Place, file: Path, height: int
) -> None:
    for place in network.running:
        network.processes.start(place.name)
    network.until(
        lambda: all((s := network.status(p)) and s["height"] >= height + 3 for p in survivors), 60
    )
    turned = network.get(survivors[0], f"/v1/blocks/{height + 1}")
    assert turned["recovery"]["recovery"]["reason"] == "two data centres burnt down"
    assert turned["commit"]["round"] >= turned["recovery"]["recovery"]["round"]
    network.until(
        lambda: "recover apply" in network.get(observer, "/v1/consensus")["waits_for"], 30
    )
    assert network.status(observer)["height"] == height
    network.processes.kill(observer.name)
    said("recover", "apply", file, "--home", observer.home)
    network.processes.start(observer.name)
    network.until(lambda: (network.status(observer) or {"height": 0})["height"] >= height + 3, 60)
    network.until(network.all_equal, 30)
    for place in (survivors[0], observer):
        network.processes.kill(place.name)
        verified = said("verify", "--home", place.home)
        assert verified["ok"]
        assert verified["height"] > height
