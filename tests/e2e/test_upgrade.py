"""Four nodes stop at the agreed height, are upgraded one by one, and go on with equal roots."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.cli.testnet.layout import Place
from node.home import Home
from tests.cli.own_network import apart, command
from tests.e2e.long import LONG
from tests.e2e.network import RealNetwork
from tests.e2e.next_version import EARLIER, LATER, VERSION

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), LONG]

HALT = 25
NODES = 4


@pytest.fixture
def halting(tmp_path: Path) -> Iterator[RealNetwork]:
    """Four members who have all agreed on the height."""
    made = RealNetwork(tmp_path / "net", members=NODES, observers=0, idle=0, seed=9)
    for place in made.places:
        config = Home(Path(place.home)).config_file
        agreed = f'\n[upgrade]\nheight = {HALT}\nversion = "{VERSION}"\n'
        config.write_text(config.read_text() + agreed)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _next(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the next version."""
    line = [sys.executable, "-m", "tests.e2e.next_version", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)


def _run_next(place: Place) -> "subprocess.Popen[bytes]":
    with (Path(place.home) / "node.log").open("ab") as log:
        line = [sys.executable, "-m", "tests.e2e.next_version", "run", "--home", place.home]
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _code(answer: "subprocess.CompletedProcess[str]") -> tuple[int, Any]:
    return answer.returncode, json.loads(answer.stdout)["code"]


def test_a_network_is_upgraded_at_an_agreed_height(halting: RealNetwork) -> None:
    first = halting.places[0]
    early = _next("upgrade", "--home", first.home, "--json")
    assert _code(early)[1] in ("HOME_IN_USE", "UPGRADE_TOO_EARLY")

    ended = [halting.processes.ended(p.name, 90) for p in halting.places]
    assert ended == [6] * NODES
    for place in halting.places:
        assert '"upgrade_due"' in (Path(place.home) / "node.log").read_text()
    again = apart("run", "--home", first.home)
    assert again.returncode == 6
    assert "UPGRADE_DUE" in again.stderr
    assert _code(_next("run", "--home", first.home, "--json")) == (3, "STORE_OUTDATED")

    for place in halting.places:
        would = _next("upgrade", "--home", place.home, "--dry-run", "--json")
        assert json.loads(would.stdout)["steps"] == [f"{LATER}: a table of notes"], would.stderr
        done = json.loads(_next("upgrade", "--home", place.home, "--json").stdout)
        assert (done["store_from"], done["store_to"], done["height"]) == (EARLIER, LATER, HALT)
        assert Path(done["backup"]).exists()
    assert _code(command("verify", "--home", first.home, "--json")) == (3, "STORE_VERSION")

    running = [_run_next(place) for place in halting.places]
    try:
        end = time.monotonic() + 60
        while not _all_past(halting, HALT + 3):
            assert time.monotonic() < end, (Path(first.home) / "node.log").read_text()[-3_000:]
            assert all(process.poll() is None for process in running)
            time.sleep(0.2)
        blocks = [halting.get(one, f"/v1/blocks/{HALT + 2}") for one in halting.places]
        roots = {(one["id"], one["header"]["state_root"]) for one in blocks}
    finally:
        for process in running:
            process.terminate()
        assert [process.wait(20) for process in running] == [0] * NODES
    assert len(roots) == 1
    told = json.loads(_next("verify", "--home", first.home, "--json").stdout)
    assert told["ok"], told


def _all_past(network: RealNetwork, height: int) -> bool:
    found = [network.status(place) for place in network.places]
    return all(one is not None and one["height"] >= height for one in found)
