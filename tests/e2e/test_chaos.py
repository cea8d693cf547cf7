"""Real processes under faults: killed, paused, cut off, restarted; the verdict is the same.

Counts are small by default; `make soak` runs them long (see the environment variables).
"""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.actions import Transfer
from node.cli.testnet.layout import Place
from node.founding import CURRENCY
from node.home import Home
from tests.e2e.network import RealNetwork

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3_600)]

KILLS = int(os.environ.get("DCN_KILLS", "6"))
FAULTS = int(os.environ.get("DCN_FAULTS", "8"))
STORE = "\n[store]\nsnapshot_every = 20\nstate_sync_behind = 20\n"
MEMBERS = int(os.environ.get("DCN_CHAOS_MEMBERS", "4"))


@pytest.fixture
def network(tmp_path: Path) -> Iterator[RealNetwork]:
    made = RealNetwork(tmp_path / "net", members=MEMBERS, observers=1, idle=1, seed=5, wires=True)
    for place in made.places:
        config = Home(Path(place.home)).config_file
        config.write_text(config.read_text() + STORE)
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Work:
    """Transfers submitted at nodes that are up; what was accepted must be decided."""

    def __init__(self, network: RealNetwork) -> None:
        self.network = network
        self.accepted: dict[str, Place] = {}
        self.height = 0

    def submit(self, place: Place) -> None:
        founded = self.network.founded
        one, other = founded.members[0], founded.members[1]
        self.height = max(self.height, (self.network.status(place) or {}).get("height", 0))
        tx = self.network.tx(
            Transfer(CURRENCY, one.lei, other.lei, 1, "chaos"), ahead=5_000, height=self.height
        )
        try:
            answer = self.network.submit(tx, "treasury", one, place=place)
        except OSError:
            return
        if answer.status_code == 201:
            self.accepted[answer.json()["tx_id"]] = place

    def all_decided(self) -> bool:
        for ident, place in list(self.accepted.items()):
            found = self.network.get(place, f"/v1/transactions/{ident}")
            if found["status"] == "decided":
                del self.accepted[ident]
            elif found["status"] != "pending":
                raise AssertionError(found)
        return not self.accepted


def _one_chain(network: RealNetwork) -> None:
    """Every store has the same block at every height it holds, and nobody is accused."""
    chains = []
    for place in network.running:
        db = sqlite3.connect(f"file:{place.home}/data/store.sqlite?mode=ro", uri=True)
        chains.append(dict(db.execute("SELECT height, id FROM blocks").fetchall()))
        db.close()
    for height in set().union(*chains):
        assert len({chain[height] for chain in chains if height in chain}) == 1, height
    assert network.get(network.places[0], "/v1/offences")["items"] == []
    assert all(network.get(place, "/v1/status")["evidence"] == 0 for place in network.running)


def test_one_validator_is_killed_at_random_moments_again_and_again(network: RealNetwork) -> None:
    draw, work = random.Random(KILLS), Work(network)
    victim = network.places[1]
    for _ in range(KILLS):
        for _ in range(draw.randint(1, 5)):
            work.submit(network.places[0])
            time.sleep(draw.random() / 10)
        network.processes.kill(victim.name)
        time.sleep(draw.random() / 2)
        network.processes.start(victim.name)
        # A start that is refused ends the process, which `until` would notice.
        network.until(lambda: network.status(victim) is not None, 60)
        time.sleep(draw.random() * 2)
    network.until(work.all_decided, 120)
    network.until(network.all_equal, 60)
    assert network.get(victim, "/v1/status")["votes"]
    _one_chain(network)


def test_validators_are_killed_paused_and_cut_off_at_random_and_the_chain_stays_one(
    network: RealNetwork,
) -> None:
    draw, work = random.Random(FAULTS), Work(network)
    members = network.places[:MEMBERS]
    assert network.links is not None
    for _ in range(FAULTS):
        victim = draw.choice(members)
        others = [place for place in members if place is not victim]
        fault = draw.choice(("kill", "pause", "silent", "reset", "half"))
        if fault == "kill":
            network.processes.kill(victim.name)
        elif fault == "pause":
            network.processes.signal(victim.name, signal.SIGSTOP)
        elif fault == "half":
            for other in draw.sample(others, len(others) // 2):
                network.links.cut(victim.name, other.name, silently=draw.random() < 0.5)
        else:
            network.links.isolate(victim.name, silently=fault == "silent")
        for _ in range(10):
            work.submit(draw.choice(others))
            time.sleep(0.1 + draw.random() / 5)
        if fault == "kill":
            network.processes.start(victim.name)
        elif fault == "pause":
            network.processes.signal(victim.name, signal.SIGCONT)
        network.links.heal()
        network.until(lambda: all(network.status(place) for place in members), 60)
    network.until(work.all_decided, 120)
    late = network.places[-1]  # and one that has not been there at all joins by a snapshot
    network.join(late)
    network.until(network.all_equal, 90)
    assert "snapshot_installed" in (Path(late.home) / "node.log").read_text()
    _one_chain(network)


def test_the_proposer_is_killed_at_every_step_of_its_round(network: RealNetwork) -> None:
    """It dies as its proposal, its prevote or its precommit leaves: one round, not the network."""
    work = Work(network)
    for step in ("PROPOSE", "PREVOTE", "PRECOMMIT"):
        work.submit(network.places[0])
        found = network.get(network.places[0], "/v1/consensus")
        victim = next(place for place in network.places[:MEMBERS] if place.lei == found["proposer"])
        other = next(place for place in network.places[:MEMBERS] if place is not victim)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            now = network.get(victim, "/v1/status")["consensus"]
            if now["step"] == step:
                break
        network.processes.kill(victim.name)
        work.submit(other)
        height = network.get(other, "/v1/status")["height"]
        network.until(lambda: network.get(other, "/v1/status")["height"] > height, 60)  # noqa: B023
        network.processes.start(victim.name)
        network.until(lambda: network.status(victim) is not None, 60)  # noqa: B023
    network.until(work.all_decided, 120)
    network.until(network.all_equal, 60)
    _one_chain(network)
