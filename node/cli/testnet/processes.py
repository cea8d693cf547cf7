"""The node processes of a testnet: started, killed, stopped; never left behind unasked."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from node.cli.testnet.layout import Place, remember
from wire.errors import EnvironmentFault


class NodeDied(EnvironmentFault):
    """A node process has ended that should run."""

    code = "TESTNET_NODE_DIED"
    remedy = "Read the end of its `node.log`."


class Processes:
    """One operating-system process per node."""

    def __init__(self, directory: Path, places: list[Place]) -> None:
        self._directory = directory
        self._places = {place.name: place for place in places}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a node; its log is `node.log` in its home."""
        place = self._places[name]
        with (Path(place.home) / "node.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "node.cli.main", "run", "--home", place.home],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._remember()

    def start_all(self) -> None:
        """Start every node."""
        for name in self._places:
            self.start(name)

    def kill(self, name: str) -> None:
        """SIGKILL: the process gets no chance to tidy up."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def ended(self, name: str, seconds_max: float) -> int:
        """Wait until a node ends by itself; its exit code."""
        return self._running.pop(name).wait(seconds_max)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal, e.g. SIGSTOP, which pauses a node."""
        self._running[name].send_signal(number)

    def pids(self) -> list[int]:
        """Process ids of the nodes that run, in the order of their start."""
        return [process.pid for process in self._running.values()]

    def check(self) -> None:
        """Raise `NodeDied` if a node that should run has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                tail = _tail(Path(self._places[name].home) / "node.log")
                raise NodeDied(f"{name} ended with {process.returncode}: {tail}")

    async def stop_all(self, seconds_max: float = 10) -> float:
        """SIGTERM to all, SIGKILL to who is left; how long the slowest took, in seconds."""
        begin = time.monotonic()
        for process in self._running.values():
            process.terminate()
        while any(p.poll() is None for p in self._running.values()):
            if time.monotonic() - begin > seconds_max:
                for process in self._running.values():
                    process.kill()
            await asyncio.sleep(0.05)
        self._running = {}
        self._remember()
        return time.monotonic() - begin

    def _remember(self) -> None:
        pids = {name: process.pid for name, process in self._running.items()}
        remember(self._directory, list(self._places.values()), pids)


def stop_pids(pids: dict[str, int], seconds_max: float = 10) -> None:
    """Stop processes of an earlier run by their ids."""
    for number in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
    end = time.monotonic() + seconds_max
    while time.monotonic() < end and any(_alive(number) for number in pids.values()):
        time.sleep(0.1)
    for number in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def any_alive(pids: dict[str, int]) -> bool:
    """Whether a process of an earlier run still runs."""
    return any(_alive(number) for number in pids.values())


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    # A zombie of ours answers, too; it is as good as gone.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(number, os.WNOHANG)
    return True


def _tail(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1][-400:] if lines else "(no log)"
