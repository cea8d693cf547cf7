"""Signers in processes of their own, killed at random: never two signatures at one place."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cli.testnet.layout import Place
from node.cli.testnet.ports import free_ports
from tests.cli.own_network import command
from tests.e2e.network import RealNetwork

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KILLS = int(os.environ.get("DCN_SIGNER_KILLS", "4"))


class SignerProcess:
    """A `dcn signer run`, started, killed and started again."""

    def __init__(self, folder: Path, name: str, *listen: str) -> None:
        self.home = folder / name
        self._log = folder / f"{name}.log"
        self._listen = listen
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["signer", "run", "--signer-home", str(self.home), *self._listen]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "node.cli.main", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def lose_state(self) -> None:
        (self.home / "signer.state").unlink()


def good(*words: object) -> None:
    result = command(*words)
    assert result.returncode == 0, result


class Signers:
    """A network of four; the first's signer is behind a Unix socket, the second's behind TLS."""

    def __init__(self, folder: Path) -> None:
        self.network = RealNetwork(folder / "t", members=4, observers=0, idle=0, seed=8)
        first, second = self.network.places[:2]
        socket = folder / "s.sock"
        [port] = free_ports(1)
        good("signer", "certs", "--out", folder / "certs", "--host", "127.0.0.1")
        (folder / "certs" / "node").rename(Path(second.home) / "signer-certs")
        self.local = SignerProcess(folder, "local", "--listen", f"unix:{socket}")
        tls = f"tls://127.0.0.1:{port}"
        more = ("--certificates", str(folder / "certs" / "signer"))
        self.remote = SignerProcess(folder, "remote", "--listen", tls, *more)
        for place, signer in ((first, self.local), (second, self.remote)):
            good("signer", "take", "--home", place.home, "--signer-home", signer.home)
        self._configure(first, f'address = "unix:{socket}"')
        self._configure(second, f'address = "{tls}"\ncertificates = "signer-certs"')

    @staticmethod
    def _configure(place: Place, section: str) -> None:
        with (Path(place.home) / "config.toml").open("a") as file:
            file.write(f"\n[signer]\n{section}\n")

    def start(self) -> None:
        self.local.start()
        self.remote.start()
        self.network.start()

    def stop(self) -> None:
        self.network.stop()
        self.local.kill()
        self.remote.kill()

    def heights_pass(self, count: int) -> None:
        """Until every node has so many blocks more."""
        wanted = self.height() + count
        self.network.until(
            lambda: all(
                (s := self.network.status(p)) and s["height"] >= wanted
                for p in self.network.running
            ),
            60,
        )

    def height(self) -> int:
        return int(self.network.get(self.network.places[2], "/v1/status")["height"])

    def signed_lately(self, place: Place) -> bool:
        """Whether one of the last commits has this node's vote."""
        who = next(m for m in self.network.founded.members if m.lei == place.lei)
        key = who.key("consensus").public.hex()
        last = self.height()
        blocks = [
            self.network.get(self.network.places[2], f"/v1/blocks/{height}")
            for height in range(last - 2, last + 1)
        ]
        return any(key in block["commit"]["signers"] for block in blocks)

    def nobody_signed_twice(self) -> None:
        for place in self.network.running:
            assert self.network.get(place, "/v1/status")["evidence"] == 0


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signers]:
    made = Signers(tmp_path_factory.mktemp("sg"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_nodes_vote_with_signers_elsewhere_that_are_killed_at_random(signers: Signers) -> None:
    network = signers.network
    first, second = network.places[:2]
    for place in (first, second):
        status = network.get(place, "/v1/status")
        assert (status["votes"], status["signer"]) == (True, "connected")
    draw = random.Random(time.time_ns())
    for _ in range(KILLS):
        time.sleep(draw.random())
        signer = draw.choice([signers.local, signers.remote])
        signer.kill()
        time.sleep(draw.random() * 0.3)
        signer.start()
        signers.heights_pass(1)
    for place in (first, second):
        network.until(lambda p=place: network.status(p)["signer"] == "connected", 20)  # type: ignore[misc]
        network.until(lambda p=place: signers.signed_lately(p), 30)  # type: ignore[misc]
    signers.nobody_signed_twice()
    network.until(network.all_equal, 30)


def test_a_node_without_its_signer_follows_and_says_so(signers: Signers) -> None:
    network = signers.network
    first = network.places[0]
    signers.local.kill()
    network.until(lambda: network.status(first)["signer"] == "cannot be reached", 20)
    signers.heights_pass(3)
    network.processes.kill(first.name)
    network.processes.start(first.name)
    network.until(lambda: (network.status(first) or {}).get("votes") is False, 60)
    assert "cannot be reached" in network.get(first, "/v1/status")["signer"]
    signers.heights_pass(2)
    signers.local.start()
    network.until(lambda: network.status(first)["votes"], 30)
    network.until(lambda: signers.signed_lately(first), 30)
    signers.nobody_signed_twice()


def test_a_signer_that_has_lost_its_state_signs_again_when_it_is_safe(signers: Signers) -> None:
    network = signers.network
    second = network.places[1]
    signers.remote.kill()
    signers.remote.lose_state()
    signers.remote.start()
    network.until(lambda: "lost" in network.status(second)["signer"], 20)
    lost_at = signers.height()
    network.until(lambda: network.status(second)["signer"] == "connected", 60)
    network.until(lambda: signers.signed_lately(second), 60)
    assert signers.height() > lost_at + 2
    signers.nobody_signed_twice()
    network.until(network.all_equal, 30)
