"""A node's disk fills, its clock is off, it is stopped under load: it says so and loses nothing."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.actions import Transfer
from node.cli.testnet.layout import Place
from node.founding import CURRENCY
from node.home import Home
from tests.cli.own_network import command
from tests.e2e.long import LONG
from tests.e2e.network import RealNetwork

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), LONG]

STOP_SECONDS_MAX = 2.0
ROOM_BYTES = 64 << 10
"""What is left on the disk, a few blocks."""


@contextmanager
def load(network: RealNetwork, place: Place) -> Iterator[None]:
    """Payments through one node without pause, until the end or until it does not answer."""
    over = threading.Event()
    payer, payee = network.founded.members[:2]
    height = network.status(place)["height"]

    def send() -> None:
        while not over.is_set():
            pay = Transfer(CURRENCY, payer.lei, payee.lei, 1, "load")
            try:
                network.submit(network.tx(pay, height=height), "treasury", payer, place=place)
            except httpx.HTTPError:
                return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


def _log(place: Place) -> str:
    return (Path(place.home) / "node.log").read_text()


def _doctor(place: Place) -> dict[str, str]:
    told = json.loads(command("doctor", "--home", place.home, "--json").stdout)
    return {one["code"]: one["detail"] for one in told["findings"] if not one["ok"]}


def test_a_node_is_stopped_under_load_within_two_seconds(network: RealNetwork) -> None:
    place = network.places[0]
    with load(network, place):
        height = network.status(place)["height"]
        network.until(lambda: network.status(place)["height"] > height + 3, 30)
        process = network.processes._running.pop(place.name)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        took = time.monotonic() - begin
        assert took < STOP_SECONDS_MAX
    network.processes.start(place.name)
    network.until(network.all_equal, 60)


def test_a_full_disk_stops_the_node_with_a_code_and_loses_nothing(network: RealNetwork) -> None:
    place = network.places[1]
    home = Home(Path(place.home))
    process = network.processes._running.pop(place.name)
    largest = max(one.stat().st_size for one in home.path.rglob("*") if one.is_file())
    full = largest + ROOM_BYTES
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (full, full))
    with load(network, network.places[0]):
        assert process.wait(60) == 3
    assert "DISK_FULL" in _log(place)
    assert "Make room" in _log(place)
    left_at = network.status(network.places[0])["height"]
    network.processes.start(place.name)
    network.until(lambda: (network.status(place) or {"height": 0})["height"] > left_at, 60)
    network.until(network.all_equal, 60)
    assert network.status(place)["votes"]
    assert json.loads(command("verify", "--home", home.path, "--json").stdout)["ok"]
    assert all(network.status(one)["evidence"] == 0 for one in network.running)


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_clock_that_is_off_is_said_by_node_and_doctor(network: RealNetwork, minutes: int) -> None:
    place = network.places[2]
    process = network.processes._running.pop(place.name)
    process.terminate()
    assert process.wait(20) == 0
    before = len(_log(place))
    with (Path(place.home) / "node.log").open("ab") as log:
        wrong = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.wrong_clock", "run", "--home", place.home],
            env=os.environ | {"DCN_TEST_CLOCK_OFF_MS": str(minutes * 60_000)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        network.until(lambda: '"clock_off"' in _log(place)[before:], 60)
        said = [json.loads(x) for x in _log(place)[before:].splitlines() if '"clock_off"' in x]
        assert abs(said[0]["ms"] - minutes * 60_000) < 20_000
        metrics = dict(_metrics(network, place))
        assert abs(float(metrics["dcn_clock_off_ms"]) - minutes * 60_000) < 20_000
        env = os.environ | {"DCN_TEST_CLOCK_OFF_MS": str(minutes * 60_000)}
        words = [sys.executable, "-m", "tests.e2e.wrong_clock", "doctor", "--json", "--home"]
        told = subprocess.run(
            [*words, place.home], env=env, capture_output=True, text=True, check=False, timeout=60
        )
        wrongs = [one["code"] for one in json.loads(told.stdout)["findings"] if not one["ok"]]
        assert "CLOCK_OFF" in wrongs, told.stdout
        others = [network.status(one) for one in network.running if one is not place]
        assert all(one["evidence"] == 0 for one in others), "nobody is accused for a clock"
    finally:
        wrong.terminate()
        assert wrong.wait(20) == 0
    network.processes.start(place.name)
    network.until(network.all_equal, 60)
    assert "CLOCK_OFF" not in _doctor(place)


def _metrics(network: RealNetwork, place: Place) -> Iterator[tuple[str, Any]]:
    for line in network.client(place).get("/metrics").text.splitlines():
        if not line.startswith("#"):
            name, value = line.split()
            yield name, value
