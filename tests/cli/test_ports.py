"""Ports for testnets that are laid out side by side."""

import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from node.cli.testnet import ports
from node.cli.testnet.ports import HIGHEST, HOST, LOWEST, PortsTaken, free_ports


@pytest.fixture(autouse=True)
def cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    free_ports(1)
    [file] = tmp_path.iterdir()
    return file


def test_networks_laid_out_at_the_same_time_share_no_port() -> None:
    with ThreadPoolExecutor(8) as pool:
        given = [port for some in pool.map(free_ports, [9] * 24) for port in some]
    assert len(set(given)) == len(given) == 24 * 9
    assert all(LOWEST <= port <= HIGHEST for port in given)


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    [port] = free_ports(1)
    with socket.socket() as other:
        other.bind((HOST, port + 1))
        other.listen()
        assert port + 1 not in free_ports(3)


@pytest.mark.parametrize("said", ["", "no number", "99999999", "-1", "80"])
def test_a_damaged_cursor_begins_anew(cursor: Path, said: str) -> None:
    cursor.write_text(said)
    assert len(free_ports(2)) == 2


def test_after_the_last_port_comes_the_first(cursor: Path) -> None:
    cursor.write_text(str(HIGHEST))
    assert all(LOWEST <= port <= HIGHEST for port in free_ports(3))


def test_a_machine_without_free_ports_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_is_free", lambda port: False)
    with pytest.raises(PortsTaken, match="0 free of 2 wanted"):
        free_ports(2)
