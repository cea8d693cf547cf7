"""A new operator's hour: `python -m tests.e2e.operators_hour`.

A bank that has nothing joins a network of real processes that runs, with TLS, metrics and a
backup, loses its disk, changes a key, and is upgraded with all others. What it types, what it is
told and how long each step took is printed as it happens; docs/OPERATIONS.md shows a run.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from node.cli.testnet.ports import free_ports
from node.home import Home
from tests.e2e.network import RealNetwork
from tests.e2e.next_version import VERSION
from wire import ids

LEI = ids.lei_from(f"{'BANK':0<18}")
PROGRAMS = {
    "dcn": [sys.executable, "-m", "node.cli.main"],
    "dcn-next": [sys.executable, "-m", "tests.e2e.next_version"],
}
LINES_MAX = 18
WIDTH = 118


class Hour:
    """The new bank's terminal, in a directory of its own."""

    def __init__(self, folder: Path, network: RealNetwork) -> None:
        self.folder = folder
        self.network = network
        self.environment = os.environ | {"PYTHONPATH": os.getcwd(), "COLUMNS": str(WIDTH)}
        self.node: subprocess.Popen[bytes] | None = None
        self.began = time.monotonic()
        self.api = 0

    # ------------------------------------------------------------------ the terminal
    def chapter(self, title: str) -> None:
        """Say what comes."""
        print(f"\n# {title}   [{time.monotonic() - self.began:.0f} s since the beginning]")

    def types(self, line: str, *, code: int = 0, quiet: bool = False) -> str:
        """Carry out a line, show what it says; its output. It must end with `code`."""
        begin = time.monotonic()
        words = shlex.split(line)
        answer = subprocess.run(
            [*PROGRAMS.get(words[0], words[:1]), *words[1:]],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == code, (line, answer.returncode, answer.stdout, answer.stderr)
        if not quiet:
            print(f"$ {line}   [{time.monotonic() - begin:.1f} s]".replace(f"{self.folder}/", ""))
            said = (answer.stderr + answer.stdout).replace(f"{self.folder}/", "").splitlines()
            for one in said[:LINES_MAX] + ["..."] * (len(said) > LINES_MAX):
                print(one[:WIDTH])
        return answer.stdout

    def asks(self, line: str) -> Any:
        """The JSON answer of a command; nothing is shown."""
        return json.loads(self.types(f"{line} --json", quiet=True))

    def starts(self, program: str = "dcn") -> None:
        """Start the node in the background, and wait until it follows the network."""
        begin = time.monotonic()
        print(f"$ {program} run --home node &")
        with (self.folder / "node.log").open("ab") as log:
            self.node = subprocess.Popen(
                [*PROGRAMS[program], "run", "--home", "node"],
                cwd=self.folder, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.until(lambda: self.height() >= self.network_height())
        print(f"(at height {self.height()} with the others after {time.monotonic() - begin:.1f} s)")

    def stops(self, *, kill: bool = False) -> None:
        """End the node, in order or as a power cut does."""
        assert self.node is not None
        print("$ kill -9 %1" if kill else "$ kill %1")
        if kill:
            self.node.kill()
        else:
            self.node.terminate()
        self.node.wait(20)
        self.node = None

    # ------------------------------------------------------------------ what is so
    def height(self) -> int:
        """The node's own; -1 while it does not answer."""
        words = [*PROGRAMS["dcn"], "status", "--home", "node", "--json"]
        answer = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, check=False
        )
        return int(json.loads(answer.stdout)["height"]) if answer.returncode == 0 else -1

    def network_height(self) -> int:
        """That of the network."""
        status = self.network.status(self.network.places[0])
        return 0 if status is None else int(status["height"])

    def until(self, holds: Any, seconds: float = 90) -> None:
        """Wait for something."""
        end = time.monotonic() + seconds
        while not holds():
            if self.node is not None and self.node.poll() is not None:
                raise AssertionError((self.folder / "node.log").read_text()[-3_000:])
            assert time.monotonic() < end, "waited for too long"
            time.sleep(0.2)


def _home(hour: Hour) -> None:
    hour.chapter("A node")
    listen, hour.api = free_ports(2)
    members = hour.network.places[:4]
    peers = " ".join(f"--peer {p.lei}=/ip4/127.0.0.1/tcp/{p.p2p}" for p in members[:3])
    hour.types("openssl rand -base64 -out phrase 24")
    hour.environment["DCN_PASSPHRASE_FILE"] = str(hour.folder / "phrase")
    (hour.folder / "phrase").chmod(0o600)
    hour.types(
        f"dcn init --home node --lei {LEI} --name Bank --passphrase-file phrase "
        f"--listen /ip4/127.0.0.1/tcp/{listen} --api-port {hour.api} {peers}"
    )

    config = hour.folder / "node" / "config.toml"
    pace = Path(members[0].home, "config.toml").read_text().partition("[consensus]\n")[2]
    config.write_text(f"{config.read_text()}\n[consensus]\n{pace.partition(chr(10) * 2)[0]}\n")
    print("(put the network's pace, section [consensus], into node/config.toml)")


def _admitted(hour: Hour) -> None:
    hour.chapter("Admitted by vote: an application, a proposal, the members' votes")
    homes = [place.home for place in hour.network.places[:4]]
    hour.types(f"dcn genesis adopt {homes[0]}/genesis.dcn --home node")
    hour.types("dcn governance apply --home node --out bank.tx")
    hour.types(f"dcn governance submit bank.tx --home {homes[0]}")
    number = hour.asks(f"dcn governance propose admit {LEI} --power 1 --home {homes[0]}")[
        "proposal"
    ]
    for home in homes:
        if hour.asks(f"dcn governance show {number} --home {homes[0]}")["state"] == "OPEN":
            hour.types(f"dcn governance vote {number} --for --home {home}")


def _joined(hour: Hour) -> None:
    hour.chapter("Joined, by a header that a member has told")
    told, other = (place.home for place in hour.network.places[:2])
    block = hour.asks(f"dcn block latest --home {told}")
    trust = f"{block['header']['height']}:{block['id']}"
    hour.types(f"dcn join --home node --node {told} --node {other} --trust {trust}")


def _with_tls(hour: Hour) -> None:
    hour.chapter("With TLS")
    hour.types("mkdir -m 700 node/tls")
    hour.types(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
        "-keyout node/tls/server.key -out node/tls/server.pem"
    )
    config = hour.folder / "node" / "config.toml"
    lines = 'tls_cert = "tls/server.pem"\ntls_key = "tls/server.key"\n'
    before = config.read_text()
    assert 'host = "127.0.0.1"\n' in before
    config.write_text(before.replace('host = "127.0.0.1"\n', f'host = "0.0.0.0"\n{lines}'))
    hour.types("dcn config diff --home node")
    hour.starts()
    hour.types("dcn doctor --home node")


def _metrics(hour: Hour) -> None:
    hour.chapter("Metrics, as Prometheus asks for them")
    url = f"https://localhost:{hour.api}/metrics"
    told = hour.types(f"curl -s --cacert node/tls/server.pem {url}", quiet=True)
    print(f"$ curl -s --cacert node/tls/server.pem {url}")
    names = ("dcn_height ", "dcn_peers ", "dcn_power", "dcn_store_bytes")
    print("\n".join(line for line in told.splitlines() if line.startswith(names)))


def _lost_and_restored(hour: Hour) -> None:
    hour.chapter("A backup while it runs; the disk is lost; restored on an empty one")
    hour.types("openssl rand -base64 -out backup-phrase 24")
    (hour.folder / "backup-phrase").chmod(0o600)
    phrase = "--passphrase-file backup-phrase"
    hour.types(f"dcn backup node.dcn --with-keys --home node {phrase}")
    hour.stops(kill=True)
    hour.types("rm -rf node")
    hour.types(f"dcn restore node.dcn --home node {phrase}")
    hour.types("dcn verify --home node")
    hour.starts()


def _key_changed(hour: Hour) -> None:
    hour.chapter("A key is changed")
    hour.types("dcn keys rotate consensus --home node")
    hour.stops()
    hour.types("dcn keys adopt --home node")
    hour.starts()
    signed = hour.network_height()
    hour.until(lambda: _signs(hour, signed))
    print(f"(its new key has signed a block after {signed})")


def _signs(hour: Hour, after: int) -> bool:
    block = hour.asks("dcn block latest --home node")
    own = hour.asks("dcn keys show --home node")["consensus_key"]
    return int(block["header"]["height"]) > after and own in block["commit"]["signers"]


def _upgraded(hour: Hour) -> None:
    hour.chapter("Upgraded with all others, at a height on which they have agreed")
    agreed = hour.network_height() + 40
    section = f'\n[upgrade]\nheight = {agreed}\nversion = "{VERSION}"\n'
    homes = [Path(place.home) for place in hour.network.running]
    hour.stops()
    for home in (*homes, hour.folder / "node"):
        config = Home(home).config_file
        config.write_text(config.read_text() + section)
    for place in hour.network.running:  # each restarts, one after the other
        hour.network.processes.kill(place.name)
        hour.network.processes.start(place.name)
        hour.until(lambda place=place: hour.network.status(place) is not None)
    hour.starts()
    assert hour.node is not None
    ended = [hour.network.processes.ended(place.name, 120) for place in hour.network.running]
    ended.append(hour.node.wait(120))
    hour.node = None
    assert ended == [6] * len(ended), ended
    print(f"(all nodes have stopped at height {agreed}, exit code 6)")
    hour.types("dcn-next upgrade --home node --dry-run")
    hour.types("dcn-next upgrade --home node")
    for home in homes:
        hour.types(f"dcn-next upgrade --home {home}", quiet=True)
    others = [
        subprocess.Popen(
            [*PROGRAMS["dcn-next"], "run", "--home", str(home)],
            env=hour.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for home in homes
    ]  # fmt: skip
    try:
        hour.starts("dcn-next")
        hour.until(lambda: hour.height() > agreed + 2)
        print(f"(the network is at height {hour.height()} with the next version)")
        hour.stops()
    finally:
        for other in others:
            other.terminate()
        assert [other.wait(20) for other in others] == [0] * len(others)


def run(folder: Path) -> None:
    """The whole hour, in `folder`, which exists and is empty; `AssertionError` if a step fails."""
    network = RealNetwork(folder / "net", members=4, observers=1, idle=0, seed=5)
    hour = Hour(folder, network)
    try:
        network.start()
        hour.began = time.monotonic()
        for chapter in (
            _home, _admitted, _joined, _with_tls, _metrics, _lost_and_restored, _key_changed,
            _upgraded,
        ):  # fmt: skip
            chapter(hour)
        print(f"\n# Done after {time.monotonic() - hour.began:.0f} s")
    finally:
        if hour.node is not None:
            hour.node.kill()
            hour.node.wait()
        network.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="dcn-hour-") as made:
        run(Path(made).resolve())
