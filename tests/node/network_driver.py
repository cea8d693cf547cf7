"""Starts `network_peer.py` and `network_attacker.py` processes and talks to them from a test."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from node.cli.testnet.ports import HOST, free_ports
from node.network import peer_id_of_seed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOPIC = "dcn/test/1"
Line = dict[str, Any]


def free_address() -> str:
    """A loopback multiaddr whose port was free a moment ago."""
    [port] = free_ports(1)
    return f"/ip4/{HOST}/tcp/{port}"


class Identity:
    """The seed, id and address of one peer of a test; `number` makes it."""

    def __init__(self, number: int) -> None:
        self.seed = bytes([number]) * 32
        self.id = peer_id_of_seed(self.seed)
        self.address = free_address()

    @property
    def port(self) -> int:
        """The TCP port of the address."""
        return int(self.address.rsplit("/", 1)[1])


def python(script: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start a script of this folder."""
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        **options,
    )


class PeerProcess:
    """A `network_peer.py` and what it has said so far."""

    def __init__(
        self, me: Identity, peers: list[Identity], log: Path, limits: Line | None = None
    ) -> None:
        self.me, self.log = me, log
        with log.open("a") as stderr:
            self._process = python(
                "network_peer.py", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
            )
        self._lines: queue.Queue[Line] = queue.Queue()
        self.seen: list[Line] = []
        self._unclaimed: list[Line] = []
        self._asked = 0
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.order(
            seed=me.seed.hex(),
            listen=me.address,
            peers={peer.id: peer.address for peer in peers},
            topics=[TOPIC],
            limits=limits or {},
        )

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def order(self, **order: Any) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def expect(self, wanted: Callable[[Line], bool], within_s: float = 10) -> Line:
        """The first line not yet expected that is `wanted`, said before or within the time."""
        deadline = time.monotonic() + within_s
        for position, line in enumerate(self._unclaimed):
            if wanted(line):
                return self._unclaimed.pop(position)
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                message = f"{self.me.id[-6:]} said {self.seen[-8:]}; {self.log.read_text()[-3000:]}"
                raise AssertionError(message) from None
            self.seen.append(line)
            if wanted(line):
                return line
            self._unclaimed.append(line)

    def event(self, kind: str, within_s: float = 10, **fields: Any) -> Line:
        """The next event of this kind with these fields."""
        return self.expect(
            lambda line: line.get("event") == kind and fields.items() <= line.items(), within_s
        )

    def ask(self, **order: Any) -> Any:
        """Send an order and return its answer."""
        self._asked += 1
        number = self._asked
        self.order(number=number, **order)
        return self.expect(lambda line: line.get("number") == number)["answer"]

    def counters(self) -> dict[str, int]:
        """The counters now."""
        counters: dict[str, int] = self.ask(do="count")["counters"]
        return counters

    def connected(self) -> list[str]:
        """The peers connected now."""
        connected: list[str] = self.ask(do="count")["connected"]
        return connected

    def memory_mb(self) -> float:
        """Resident memory of the process."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: the process has no chance to say good-bye."""
        self._process.send_signal(signal.SIGKILL)
        self._finish()

    def stop(self) -> int:
        """Close its input and return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._finish()

    def _finish(self) -> int:
        code = self._process.wait(timeout=10)
        self._reading.join(timeout=5)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        return code

    def __enter__(self) -> Self:
        self.expect(lambda line: line.get("answer") == "listening", within_s=20)
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self.kill()


@contextmanager
def attacker(attack: str, me: Identity, victim: Identity) -> Iterator["subprocess.Popen[str]"]:
    """Run an attack of `network_attacker.py` for the length of the block."""
    process = python(
        "network_attacker.py",
        attack,
        me.seed.hex(),
        victim.address,
        victim.id,
        TOPIC,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
