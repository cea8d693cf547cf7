"""An operator's day on real processes: examine, watch, reload, back up, lose the disk, restore."""

import json
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from node.cli.testnet.layout import Place
from node.home import Home
from node.metrics import COUNTERS, GAUGES
from tests.cli.own_network import command
from tests.e2e.network import RealNetwork

pytestmark = pytest.mark.e2e

PASSPHRASE = "four random words here"


def _told(*arguments: object) -> Any:
    answer = command(*arguments, "--json")
    assert answer.returncode == 0, (arguments, answer.stdout, answer.stderr)
    return json.loads(answer.stdout)


def _log(place: Place) -> str:
    return (Path(place.home) / "node.log").read_text()


def test_the_doctor_finds_nothing_wrong_with_a_running_node(network: RealNetwork) -> None:
    home = network.places[0].home
    idle = network.places[-1]  # it has a place, and no process
    answer = command("doctor", "--home", home, "--json")
    wrong = [one for one in json.loads(answer.stdout)["findings"] if not one["ok"]]
    down = [one for one in wrong if one["code"] == "PEER_UNREACHABLE"]
    assert wrong == down, wrong
    assert all(idle.lei in one["detail"] for one in down)


def test_every_metric_is_exposed_with_its_help(network: RealNetwork) -> None:
    text = network.client(network.places[0]).get("/metrics").text
    for name, meaning in GAUGES.items():
        assert f"# HELP {name} {meaning}\n" in text
    for name in COUNTERS:
        assert f"\n{name}_total " in text
    values = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert float(values["dcn_height"]) > 0
    assert (values["dcn_validator"], values["dcn_votes"]) == ("1.0", "1.0")
    assert (values["dcn_validators"], values["dcn_validators_connected"]) == ("4.0", "4.0")


def test_top_shows_node_votes_and_rounds(network: RealNetwork) -> None:
    place = network.places[0]
    told = command("top", "--home", place.home, "--once")
    assert told.returncode == 0, told.stderr
    for expected in (place.lei, "waits for", "precommit", "Netting rounds"):
        assert expected in told.stdout
    assert len(_told("top", "--home", place.home)["consensus"]["validators"]) == 4


def test_sighup_reloads_what_can_be_and_refuses_what_is_not_valid(network: RealNetwork) -> None:
    place = network.places[0]
    config = Home(Path(place.home)).config_file
    before = config.read_text()
    try:
        config.write_text(before.replace("[log]", "[store]\nsnapshots_kept = 3\n[log]").replace(
            'level = "info"', 'level = "debug"'))  # fmt: skip
        network.processes.signal(place.name, signal.SIGHUP)
        network.until(lambda: '"act": "reload"' in _log(place), 10)
        line = next(one for one in _log(place).splitlines() if '"act": "reload"' in one)
        assert "snapshots_kept" in line
        config.write_text(before.replace("[log]", "[log]\nlouder = true"))
        network.processes.signal(place.name, signal.SIGHUP)
        network.until(lambda: "reload_refused" in _log(place), 10)
    finally:
        config.write_text(before)
    assert network.status(place)["votes"]
    acts = (Path(place.home) / "data" / "admin.log").read_text().splitlines()
    assert [json.loads(one)["act"] for one in acts][:2] == ["start", "reload"]


def test_a_running_node_prunes_when_told_to(network: RealNetwork) -> None:
    place = network.places[0]
    before = network.status(place)
    would = _told("prune", "--home", place.home, "--retain", 1, "--dry-run")
    did = _told("prune", "--home", place.home, "--retain", 1)
    assert (would["begun"], did["begun"]) == (False, True)
    assert did["keep_from"] == network.status(place)["oldest_block"] >= before["oldest_block"]
    acts = (Path(place.home) / "data" / "admin.log").read_text().splitlines()
    assert json.loads(acts[-1])["act"] == "prune"


def test_a_lost_disk_is_restored_and_the_key_signs_nothing_twice(
    network: RealNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = network.places[3]
    home, out, phrase = Home(Path(place.home)), tmp_path / "backup.dcn", tmp_path / "phrase"
    token = home.token()
    phrase.write_text(f"{PASSPHRASE}\n")
    made = _told("backup", out, "--home", home.path, "--with-keys", "--passphrase-file", phrase)
    height = network.status(place)["height"]
    assert 0 < made["height"] <= height
    network.until(lambda: network.status(place)["height"] > height, 20)

    network.processes.signal(place.name, signal.SIGTERM)
    assert network.processes.ended(place.name, 10) == 0
    shutil.rmtree(home.path)

    _told("restore", out, "--home", home.path, "--passphrase-file", phrase)
    assert home.token() != token
    home.token_file.write_text(token)  # the fixture's client goes on with it
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        network.processes.start(place.name)
        heard = [manager.recv(100) for _ in range(6)]
        assert b"READY=1" in heard
        assert heard.count(b"WATCHDOG=1") >= 4
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC"):
            monkeypatch.delenv(name)
        assert "lost" in _told("status", "--home", home.path)["signer"]

        def safe() -> bool:
            found = _told("status", "--home", home.path)
            return bool(found["votes"]) and "lost" not in found["signer"]

        network.until(safe, 60)
        os.unlink(tmp_path / "notify")
    assert all(network.status(one)["evidence"] == 0 for one in network.running if one != place)
