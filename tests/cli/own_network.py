"""A network made by hand with the commands a newcomer would use, as real processes."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from node.cli.main import main
from node.cli.testnet.ports import free_ports
from wire import ids

NAMES = ("alice", "bob", "carol")
LEIS = {name: ids.lei_from(f"{name.upper():0<18}") for name in NAMES}
BANK = ids.lei_from(f"{'BANK':0<18}")
DESCRIPTION = """
chain_id = "by-hand"
time_ms = 1221177600000
calendar = [20080912, 20080915]
rulebook = {{ currency = "USD" }}
members = [
  {{ keys_file = "alice.json" }},
  {{ keys_file = "bob.json" }},
  {{ keys_file = "carol.json" }},
  {{ lei = "{bank}", name = "Bank", roles = ["issuer"], keys = {{ treasury = "{treasury}" }} }},
]
assets = [{{ code = "USD", issuer = "{bank}" }}]
feeds = [{{ code = "EQ-AA" }}]
instruments = [
  {{ code = "FWD-AA", feed = "EQ-AA", currency = "USD", maturity = 20081219 }},
]
"""


def command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `dcn` as a process of its own would, in this one: starting Python takes a second.

    An exception that leaves it is a traceback, so a failure of the test. For `dcn run`: `apart`.
    """
    words = ["dcn", *map(str, arguments)]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.object(sys, "argv", words),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert isinstance(ended.value.code, int)
    out.seek(0)
    err.seek(0)
    return subprocess.CompletedProcess(words, ended.value.code, out.read(), err.read())


def apart(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `dcn` as a process of its own."""
    words = [sys.executable, "-m", "node.cli.main", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


class OwnNetwork:
    """Two members who vote and an observer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def home(self, name: str) -> Path:
        """Where a node lives."""
        return self.folder / name

    def lay_out(self) -> None:
        """init at each, compose at one, adopt at each."""
        ports = free_ports(6)
        addresses = {n: f"/ip4/127.0.0.1/tcp/{p}" for n, p in zip(NAMES, ports[:3], strict=True)}
        for number, name in enumerate(NAMES):
            others = [f"--peer={LEIS[n]}={addresses[n]}" for n in NAMES if n != name]
            role = "observer" if name == "carol" else "member"
            keys = self.good(
                "init", "--home", self.home(name), "--lei", LEIS[name], "--role", role, "--name",
                name, "--listen", addresses[name], "--api-port", ports[3 + number], *others,
                "--json",
            )  # fmt: skip
            (self.folder / f"{name}.json").write_text(keys)
        treasury = self.good("keys", "new", self.folder / "bank.key").strip()
        description = self.folder / "network.toml"
        description.write_text(DESCRIPTION.format(bank=BANK, treasury=treasury))
        genesis = self.folder / "genesis.dcn"
        self.good("genesis", "compose", description, "--out", genesis)
        for name in NAMES:
            self.good("genesis", "adopt", genesis, "--home", self.home(name))
        self.good("config", "validate", "--home", self.home("alice"))

    def start(self, name: str) -> None:
        """Start a node."""
        with (self.home(name) / "node.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "node.cli.main", "run", "--home", str(self.home(name))],
                env=os.environ | {"DCN_CONSENSUS_EMPTY_BLOCK_MS": "700"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self, name: str) -> int:
        """Stop a node in order; its exit code."""
        process = self.processes.pop(name)
        process.terminate()
        return process.wait(20)

    def status(self, name: str) -> dict[str, Any]:
        """What a node says of itself; empty while it does not answer."""
        answer = command("status", "--home", self.home(name), "--json")
        found: dict[str, Any] = json.loads(answer.stdout) if answer.returncode == 0 else {}
        return found

    def wait(self, name: str, height: int, seconds: float = 40) -> dict[str, Any]:
        """Until a node has reached a height."""
        end = time.monotonic() + seconds
        while (found := self.status(name)).get("height", -1) < height:
            assert time.monotonic() < end, (self.home(name) / "node.log").read_text()[-2_000:]
        return found

    @staticmethod
    def good(*arguments: object) -> str:
        """The output of a command that must succeed."""
        answer = command(*arguments)
        assert answer.returncode == 0, (arguments, answer.stdout, answer.stderr)
        return answer.stdout
