"""A newcomer's way: make homes, compose a genesis, run, trade, prove, verify, damage, repair."""

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import simplefix

from tests.cli.own_network import LEIS, NAMES, OwnNetwork, apart, command

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

HEADER = "uti,buyer,seller,instrument,quantity,price,trade_date,source,reference\n"


def line(number: int, quantity: int = 100) -> str:
    parties = f"{LEIS['alice']},{LEIS['bob']}"
    return f"{LEIS['alice']}N{number},{parties},FWD-AA,{quantity},1000,20080912,OTC,hand\n"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnNetwork]:
    made = OwnNetwork(tmp_path_factory.mktemp("own"))
    made.lay_out()
    try:
        for name in NAMES:
            made.start(name)
        for name in NAMES:
            made.wait(name, 1)
        _register(made, 90, 91)  # so that every test, whichever runs, finds a trade and a receipt
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()


def _register(network: OwnNetwork, *numbers: int) -> None:
    book = network.folder / "first.csv"
    book.write_text(HEADER + "".join(map(line, numbers)))
    network.good("blotter", "load", book, "--home", network.home("bob"))
    network.good("trade", "submit", "--csv", book, "--home", network.home("alice"))
    for name in NAMES:
        network.wait(name, network.status("alice")["height"])


def test_a_trade_that_both_books_hold_is_registered_and_can_be_proved(
    network: OwnNetwork, tmp_path: Path
) -> None:
    book = tmp_path / "book.csv"
    book.write_text(HEADER + line(1) + line(2))
    network.good("blotter", "load", book, "--home", network.home("bob"))
    listed = json.loads(network.good("blotter", "list", "--home", network.home("bob"), "--json"))
    utis = {entry["uti"] for entry in listed["items"]}
    assert utis >= {f"{LEIS['alice']}N{n}" for n in (1, 2)}
    sent = command("trade", "submit", "--csv", book, "--home", network.home("alice"), "--json")
    assert sent.returncode == 0, sent
    assert [one["status"] for one in json.loads(sent.stdout)] == ["registered"] * 2

    uti, proof = f"{LEIS['alice']}N1", tmp_path / "proof.json"
    network.good("prove", "trade", uti, "--home", network.home("carol"), "--out", proof)
    genesis = network.folder / "genesis.dcn"
    told = json.loads(network.good("verify-proof", proof, "--genesis", genesis, "--json"))
    assert told["valid"]
    assert told["claim"]["row"]["trade"]["uti"] == uti
    light = ("--home", tmp_path / "light")
    nodes = ("--node", network.home("alice"), "--witness", network.home("bob"))
    begin = ("--genesis", genesis, "--trusting-period", 10_000)  # genesis's time is long ago
    seen = json.loads(network.good("light", "sync", *light, *nodes, *begin, "--json"))
    assert seen["height"] >= told["header_height"]
    network.good("light", "verify-proof", proof, *light, *nodes)
    proof_of_nothing = tmp_path / "false.json"
    proof_of_nothing.write_text(
        proof.read_text().replace('"header_height": ', '"header_height": 1')
    )
    false = command("light", "verify-proof", proof_of_nothing, *light, *nodes)
    assert false.returncode != 0, false
    header = tmp_path / "header.bin"
    height = told["header_height"]
    network.good("block", height, "--home", network.home("bob"), "--header", header)
    network.good("verify-proof", proof, "--header", header)
    inspected = json.loads(network.good("inspect", header, "--json"))
    assert (inspected["kinds"][0], inspected["canonical"]) == ("header", True)
    assert inspected["ident"] == told["header_id"]


def test_books_that_differ_are_shown_field_by_field(network: OwnNetwork, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.csv", tmp_path / "ours.csv"
    theirs.write_text(HEADER + line(5, quantity=999))
    ours.write_text(HEADER + line(5, quantity=100))
    network.good("blotter", "load", theirs, "--home", network.home("bob"))
    sent = command("trade", "submit", "--csv", ours, "--home", network.home("alice"))
    assert sent.returncode == 4, sent
    assert "AFFIRM_MISMATCH" in sent.stdout
    row = next(one for one in sent.stdout.splitlines() if "quantity" in one)
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["quantity", "100", "999"]
    shown = network.good(
        "trade", "show", f"{LEIS['alice']}N5", "--home", network.home("alice"), "--json"
    )
    assert json.loads(shown)["status"] == "refused"


def test_a_trade_nobody_answers_for_is_said_to_wait(network: OwnNetwork, tmp_path: Path) -> None:
    ours = tmp_path / "ours.csv"
    ours.write_text(HEADER + line(9))
    sent = command(
        "trade", "submit", "--csv", ours, "--home", network.home("alice"), "--timeout", 1, "--json"
    )
    assert sent.returncode == 1, sent
    assert json.loads(sent.stdout)[0]["status"] == "waiting"


def test_an_observer_submits_nothing(network: OwnNetwork, tmp_path: Path) -> None:
    ours = tmp_path / "ours.csv"
    ours.write_text(HEADER + line(10))
    sent = command("trade", "submit", "--csv", ours, "--home", network.home("carol"), "--json")
    assert sent.returncode == 4, sent
    assert json.loads(sent.stdout)["code"] == "NODE_OBSERVER"


def test_members_blocks_and_trades_are_shown(network: OwnNetwork) -> None:
    home = network.home("carol")
    shown = network.good("account", LEIS["alice"], "--home", home)
    assert "alice" in shown
    block = json.loads(network.good("block", "latest", "--home", home, "--json"))
    assert block["commit"]["signers"]
    members = json.loads(network.good("account", "--members", "--home", home, "--json"))
    assert {one["lei"] for one in members} > {*LEIS.values()}
    trades = json.loads(network.good("trade", "list", "--limit", 1, "--home", home, "--json"))
    assert [one["uti"] for one in trades["items"]] == [trades["next"]]


def fix_report(number: int) -> bytes:
    """The trade of `line` as the other side's FIX system reports it."""
    message = simplefix.FixMessage()
    message.append_pair(8, "FIX.4.4")
    message.append_pair(35, "AE")
    for tag, value in (
        (571, f"{LEIS['alice']}N{number}"), (55, "AA FORWARD"), (32, "100"), (31, "1.000"),
        (75, "20080912"), (552, "2"),
        (54, "1"), (453, "1"), (448, LEIS["alice"]), (447, "N"), (452, "1"),
        (54, "2"), (453, "1"), (448, LEIS["bob"]), (447, "N"), (452, "1"),
    ):  # fmt: skip
        message.append_pair(tag, value)
    found: bytes = message.encode()
    return found


def test_files_of_other_systems_meet_on_the_ledger(network: OwnNetwork, tmp_path: Path) -> None:
    alice, bob = network.home("alice"), network.home("bob")
    (rows,) = json.loads(network.good("ledger", "instrument", "--home", bob, "--json"))["items"]
    assert rows["row"]["price_scale"] == 1_000  # 1.000 is 1000
    (tmp_path / "names.toml").write_text('"AA FORWARD" = "FWD-AA"\n')
    (tmp_path / "bob.fix").write_bytes(fix_report(70) + fix_report(71))
    (tmp_path / "alice.csv").write_text(HEADER + line(70) + line(71))
    fix = ("import", "trades", tmp_path / "bob.fix", "--format", "fix", "--home", bob, "--json")
    refused = command(*fix)
    assert refused.returncode == 4, refused
    assert {x["code"] for x in json.loads(refused.stdout)["report"]} == {
        "IMPORT_INSTRUMENT_UNKNOWN"
    }
    into = ("--map", tmp_path / "names.toml", "--into", "blotter")
    assert json.loads(network.good(*fix, *into))["taken"] == 2
    network.good(
        "import", "trades", tmp_path / "alice.csv", "--format", "csv", "--into", "affirmation",
        "--home", alice,
    )  # fmt: skip
    utis = [f"{LEIS['alice']}N{number}" for number in (70, 71)]
    end = time.monotonic() + 40
    for uti in utis:
        while command("confirm", uti, "--home", bob, "--json").returncode != 0:
            assert time.monotonic() < end, network.good("trade", "show", uti, "--home", alice)
        said = json.loads(network.good("confirm", uti, "--home", bob, "--json"))
        assert (said["state"], said["trade"]["price"]) == ("LIVE", 1_000)
    book = tmp_path / "book.csv"
    network.good("export", "trades", "--out", book, "--home", alice)
    assert all(uti in book.read_text() for uti in utis)


def test_a_running_home_is_locked_and_may_be_verified(network: OwnNetwork) -> None:
    home = network.home("alice")
    second = apart("run", "--home", home)
    assert (second.returncode, "HOME_IN_USE" in second.stderr) == (3, True), second
    assert command("reset", "--store", "--home", home).returncode == 3
    found = json.loads(network.good("verify", "--home", home, "--json"))
    assert found["ok"]


def test_damage_is_found_marked_honoured_and_repaired_from_the_peers(network: OwnNetwork) -> None:
    home = network.home("carol")
    assert network.stop("carol") == 0
    signer = (home / "data" / "signer.state").read_bytes()
    db = sqlite3.connect(home / "data" / "store.sqlite")
    with db:
        db.execute("UPDATE receipts SET receipt=receipt||x'00' WHERE position=0")
    ((height,),) = db.execute("SELECT min(height) FROM receipts").fetchall()
    db.close()
    found = command("verify", "--home", home)
    assert found.returncode == 1, found
    assert f"height {height}: receipt 0 is not what replay gives" in found.stdout
    refused = apart("run", "--home", home)
    assert (refused.returncode, "STORE_DAMAGED" in refused.stderr) == (3, True), refused
    network.good("reset", "--store", "--home", home)
    assert (home / "data" / "signer.state").read_bytes() == signer
    network.start("carol")
    network.wait("carol", network.status("alice")["height"])
    assert json.loads(network.good("verify", "--home", home, "--json"))["ok"]


def test_a_restarted_network_proves_at_once(network: OwnNetwork, tmp_path: Path) -> None:
    for name in NAMES:
        assert network.stop(name) == 0
    network.start("alice")
    network.wait("alice", 1)
    proof = tmp_path / "proof.json"
    words = ["prove", "member", LEIS["bob"], "--home", network.home("alice")]
    network.good(*words, "--wait", 0, "--out", proof)
    network.good("verify-proof", proof, "--genesis", network.folder / "genesis.dcn")
