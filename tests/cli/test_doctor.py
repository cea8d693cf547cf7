"""What can go wrong around a node, and what `dcn doctor` says of each."""

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.audit.reading import read_store
from node.cli.testnet.ports import free_ports
from node.files import replace_file
from node.home import Home, Keys
from node.lock import HomeLock
from node.operations import surroundings
from node.operations.doctor import Finding, examine
from node.startup import leave_mark
from tests.cli.conftest import Dcn
from tests.node.stores import copied
from wire.codec import encode

DAY_MS = 86_400_000


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    where = copied(filled_home, tmp_path / "home")
    listen, api = free_ports(2)
    text = where.config_file.read_text().replace("tcp/7001", f"tcp/{listen}")
    where.config_file.write_text(f"{text}[api]\nport = {api}\n")
    # The network was a simulation: this home's key has signed at another place.
    where.signer_state.unlink()
    return where


def _votes_ms(home: Home) -> int:
    reading = read_store(home, home.config().lei)
    assert reading.commit is not None
    return max(entry.time_ms for entry in reading.commit.signatures)


def _wrong(found: list[Finding]) -> dict[str, str]:
    return {finding.code: finding.detail for finding in found if not finding.ok}


def _examined(home: Home, **more: Any) -> dict[str, str]:
    wrong = _wrong(examine(home, more.pop("now_ms", _votes_ms(home)), **more))
    assert wrong.pop("SIGNER_STATE_LOST")  # see the fixture
    return wrong


def test_a_sound_home_has_no_finding_but_its_lost_signer_state(home: Home) -> None:
    assert _examined(home) == {}


def test_a_state_that_knows_less_than_the_last_commit_is_named(
    filled_home: Path, tmp_path: Path
) -> None:
    where = copied(filled_home, tmp_path / "home")  # its state file has signed nothing
    wrong = _wrong(examine(where, _votes_ms(where)))
    assert "does not know of" in wrong["SIGNER_STATE_LOST"]


def test_a_clock_behind_the_votes_is_off_and_one_ahead_shows_when_the_node_runs(home: Home) -> None:
    now = _votes_ms(home)
    assert "behind" in _examined(home, now_ms=now - DAY_MS)["CLOCK_OFF"]
    assert _examined(home, now_ms=now + DAY_MS) == {}  # the node was down for a day
    with HomeLock(home.lock):
        assert "NETWORK_SILENT" in _examined(home, now_ms=now + DAY_MS)


def test_keys_of_another_are_not_those_on_the_ledger(home: Home) -> None:
    home.write_keys(Keys.fresh())
    wrong = _examined(home)
    assert "peer, consensus, trade" in wrong["KEYS_NOT_ON_LEDGER"]


def test_secrets_that_others_can_read_are_named(home: Home) -> None:
    home.keys_file.chmod(0o644)
    assert _examined(home)["SECRET_EXPOSED"] == str(home.keys_file)


def test_a_full_disk_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "DISK_FREE_BYTES_MIN", 1 << 60)
    assert "MB free" in _examined(home)["DISK_SHORT"]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_named_and_a_running_nodes_own_is_not(home: Home, taken: int) -> None:
    text = home.config_file.read_text()
    port = home.config().api.port
    home.config_file.write_text(text.replace(f"port = {port}", f"port = {taken}"))
    assert _examined(home)["PORT_TAKEN"] == f"api: 127.0.0.1:{taken}"
    with HomeLock(home.lock):
        wrong = _examined(home)
    assert "PORT_TAKEN" not in wrong
    assert wrong["PORT_SILENT"].startswith("network:")


def test_a_peer_that_is_down_and_one_that_is_up_but_not_connected(home: Home, taken: int) -> None:
    up, down = [member.lei for member in home.genesis().members][1:3]
    peers = f'{{ {up} = "/ip4/127.0.0.1/tcp/{taken}", {down} = "/ip4/127.0.0.1/tcp/1" }}'
    home.config_file.write_text(
        home.config_file.read_text().replace("peers = {}", f"peers = {peers}")
    )
    wrong = _examined(home)
    assert (set(wrong), wrong["PEER_UNREACHABLE"].split()[0]) == ({"PEER_UNREACHABLE"}, down)
    asked = _examined(home, status={"peers": [down], "signer": "in this process"})
    assert set(asked) == {"PEER_NOT_CONNECTED"}  # that it answers is not enough; that it is, is


def test_a_damaged_page_of_the_store_is_named(home: Home) -> None:
    with sqlite3.connect(home.store) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    now = _votes_ms(home)
    data = bytearray(home.store.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = bytes(4096)
    home.store.write_bytes(bytes(data))
    assert "STORE_DAMAGED" in _wrong(examine(home, now))


def test_the_mark_of_earlier_damage_is_named(home: Home) -> None:
    leave_mark(home, ["height 3: it is so"])
    assert "height 3" in _examined_raw(home)["STORE_DAMAGED"]


def _examined_raw(home: Home) -> dict[str, str]:
    return _wrong(examine(home, _votes_ms(home)))


def test_a_store_of_another_version(home: Home) -> None:
    now = _votes_ms(home)
    with sqlite3.connect(home.store) as db:
        db.execute("PRAGMA user_version=3")
    db.close()
    assert "STORE_VERSION" in _wrong(examine(home, now))
    with sqlite3.connect(home.store) as db:
        db.execute("PRAGMA user_version=5")
    db.close()
    assert "STORE_OUTDATED" in _wrong(examine(home, now))


def test_a_genesis_of_another_chain(home: Home) -> None:
    now = _votes_ms(home)
    other = home.genesis()
    replace_file(home.genesis_file, encode(msgspec.structs.replace(other, time_ms=1)))
    assert "STORE_OTHER_CHAIN" in _wrong(examine(home, now))


def test_a_home_that_is_not_there_is_said_in_lines_with_remedies(dcn: Dcn, tmp_path: Path) -> None:
    answer = dcn("doctor", "--home", tmp_path / "none", "--json")
    assert (answer.code, answer.json()["ok"]) == (1, False)
    wrong = [one for one in answer.json()["findings"] if not one["ok"]]
    assert {one["code"] for one in wrong} == {"CONFIG_INVALID", "HOME_INCOMPLETE"}
    assert all(one["remedy"] for one in wrong)
    told = dcn("doctor", "--home", tmp_path / "none")
    assert (told.code, told.out.count("remedy: ")) == (1, len(wrong))


def test_a_remote_signer_that_is_away(home: Home) -> None:
    with home.config_file.open("a") as file:
        file.write(f'[signer]\naddress = "unix:{home.path}/none.sock"\n')
    assert "SIGNER_AWAY" in _examined_raw(home)
