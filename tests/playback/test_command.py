"""`dcn replay` as a process: what it prints, what it leaves, and what keeps it from beginning."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from node.home import Home

LINE = [sys.executable, "-m", "node.cli.main", "replay"]


def fails(home: Home, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*LINE, "--json", "--home", str(home.path), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(done.stdout)
    return done.returncode, said["code"], said["detail"]


def files(home: Home) -> dict[str, str]:
    """What is in the files of a home; SQLite's own notes of who reads are no content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.path.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def test_a_replay_runs_to_its_end_in_lines_of_json_and_leaves_nothing(
    home: Home, tmp_path: Path
) -> None:
    before = files(home)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ["--json", "--home", str(home.path), "--case", "1", "--speed", "0", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen([*LINE, *words], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        heights: list[int] = []
        address = ""
        for raw in process.stdout:
            said: dict[str, Any] = json.loads(raw)
            if said["event"] == "ready":
                address = said["address"]
                assert address.startswith("http://127.0.0.1:")
                (folder,) = temporary.iterdir()
                assert folder.stat().st_mode & 0o077 == 0
            if said["event"] == "at":
                heights.append(said["height"])
                if said["height"] == said["last"]:
                    break
        assert heights == sorted(heights)
        headers = {"Authorization": f"Bearer {home.token()}"}
        case = httpx.get(f"{address}v1/observer/cases/1", headers=headers).json()
        assert case["as_of_height"] == heights[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert files(home) == before
    assert list(temporary.iterdir()) == []


def test_what_keeps_it_from_beginning_has_a_code(home: Home, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, name, detail = fails(home, "--port", port)
    assert (code, name) == (3, "PORT_TAKEN")
    assert port in detail
    assert fails(home, "--case", "7")[:2] == (4, "REPLAY_NOTHING")
    assert fails(home, "--case", "1", "--date", "20240102")[:2] == (2, "USAGE")
    assert fails(home, "--speed", "nan")[:2] == (2, "USAGE")
    assert fails(home, "--from", "1000")[:2] == (3, "HISTORY_OUT_OF_REACH")
    assert fails(Home(tmp_path / "none"))[1] == "HOME_INCOMPLETE"


def test_it_ends_when_nobody_reads_its_lines(home: Home) -> None:
    words = ["--json", "--home", str(home.path), "--speed", "1", "--port", "0"]
    with subprocess.Popen([*LINE, *words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 1  # as of every command: click says so


def test_its_help_teaches() -> None:
    done = subprocess.run([*LINE, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--case 1" in done
    assert "Ctrl-C" in done
