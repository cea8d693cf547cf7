"""Whatever a user gets wrong is one line with a code, a remedy and an exit code; no traceback."""

import json
import shutil
from pathlib import Path

import msgpack
import pytest

from node.cli.explain import every_error
from node.home import Home, Keys
from node.startup import leave_mark
from tests.cli.conftest import Dcn
from wire import ids
from wire.codec import encode

LEI = ids.lei_from(f"{'ALICE':0<18}")


@pytest.fixture
def home(dcn: Dcn, tmp_path: Path) -> Path:
    path = tmp_path / "home"
    assert dcn("init", "--home", path, "--lei", LEI, "--name", "Alice").code == 0
    return path


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["bogus"], "USAGE", 2),
        (["status"], "USAGE", 2),
        (["status", "--home", "{home}", "--bogus"], "USAGE", 2),
        (["block", "--home", "{home}"], "USAGE", 2),
        (["account", "--home", "{home}"], "USAGE", 2),
        (["trade", "submit", "--home", "{home}"], "USAGE", 2),
        (["reset", "--home", "{home}"], "USAGE", 2),
        (["verify-proof", "{home}/x"], "USAGE", 2),
        (["init", "--home", "{home}/n", "--lei", LEI, "--peer", "no"], "USAGE", 2),
        (["init", "--home", "{home}/n", "--lei", LEI, "--role", "king"], "USAGE", 2),
        (["init", "--home", "{home}", "--lei", LEI], "HOME_EXISTS", 3),
        (["init", "--home", "{home}/n", "--lei", "SHORT"], "WIRE_BAD_IDENTIFIER", 4),
        (["init", "--home", "{home}/config.toml/x", "--lei", LEI], "FILE_UNUSABLE", 3),
        (["status", "--home", "{home}"], "NODE_UNREACHABLE", 3),
        (["status", "--home", "{home}/nowhere"], "CONFIG_INVALID", 3),
        (["config", "show", "--home", "{home}/nowhere"], "CONFIG_INVALID", 3),
        (["keys", "show", "--home", "{home}/nowhere"], "CONFIG_INVALID", 3),
        (["keys", "new", "{home}/keys.json"], "FILE_UNUSABLE", 3),
        (["run", "--home", "{home}"], "HOME_INCOMPLETE", 3),
        (["verify", "--home", "{home}"], "HOME_INCOMPLETE", 3),
        (["verify-proof", "{home}/none", "--header-id", "00"], "FILE_UNUSABLE", 3),
        (["verify-proof", "{home}/config.toml", "--header-id", "00"], "WIRE_BAD_PROOF", 1),
        (["verify-proof", "{home}", "--header-id", "00"], "FILE_UNUSABLE", 3),
        (["genesis", "show", "{home}/config.toml"], "HOME_INCOMPLETE", 3),
        (["genesis", "compose", "{home}/config.toml"], "GENESIS_INVALID", 3),
        (["genesis", "adopt", "{home}/config.toml", "--home", "{home}"], "HOME_INCOMPLETE", 3),
        (["inspect", "not hex"], "INSPECT_UNREADABLE", 4),
        (["inspect", "c1"], "INSPECT_UNREADABLE", 4),
        (["inspect", "90", "--key", "ff"], "WIRE_MALFORMED", 4),
        (["inspect", "90", "--key", "zz"], "INSPECT_UNREADABLE", 4),
        (["blotter", "load", "{home}/keys.json", "--home", "{home}"], "BLOTTER_INVALID", 3),
        (["explain", "NO_SUCH"], "EXPLAIN_NO_SUCH_CODE", 4),
        (["testnet", "run", "--members", "99"], "TESTNET_BAD_REPLAY", 3),
        (["testnet", "run", "--chaos", "flood"], "USAGE", 2),
    ],
)
def test_a_mistake_is_answered_with_code_remedy_and_exit_code(
    dcn: Dcn, home: Path, words: list[str], code: str, exit_code: int
) -> None:
    answer = dcn(*(word.format(home=home) for word in words))
    assert (answer.code, answer.err.split(":")[0].strip()) == (exit_code, code), answer
    assert "remedy: " in answer.err
    if words[:2] != ["testnet", "run"]:
        as_json = dcn(*(word.format(home=home) for word in words), "--json")
        told = as_json.json()
        if code != "USAGE":
            assert (as_json.code, told["code"]) == (exit_code, code), as_json
        assert told["remedy"]


def test_every_command_has_a_help_that_teaches(dcn: Dcn) -> None:
    from node.cli.main import app

    commands = [[one.callback.__name__] for one in app.registered_commands if one.callback]
    for group in app.registered_groups:
        inner = group.typer_instance
        assert inner is not None
        names = [one.name or getattr(one.callback, "__name__", "") for one in
                 inner.registered_commands]  # fmt: skip
        commands += [[str(group.name), name] for name in names]
    assert len(commands) > 20
    for words in commands:
        answer = dcn(*(word.replace("_", "-") for word in words), "--help")
        assert answer.code == 0, words
        assert len(answer.out.split()) > 25, words


def test_init_shows_public_keys_and_never_a_secret(dcn: Dcn, home: Path) -> None:
    secrets = json.loads((home / "keys.json").read_text())
    shown = dcn("keys", "show", "--home", home)
    told = dcn("keys", "show", "--home", home, "--json")
    assert not any(secret in shown.out + told.out for secret in secrets.values())
    assert told.json()["lei"] == LEI
    assert told.json()["keys"]["trade"] == Home(home).keys().signing("trade").public.hex()
    assert (home / "keys.json").stat().st_mode & 0o077 == 0
    assert (home / "api.token").stat().st_mode & 0o077 == 0


def test_two_inits_have_different_keys(dcn: Dcn, tmp_path: Path) -> None:
    one = dcn("init", "--home", tmp_path / "a", "--lei", LEI, "--json").json()
    two = dcn("init", "--home", tmp_path / "b", "--lei", LEI, "--json").json()
    assert one["peer_key"] != two["peer_key"]
    assert one["keys"]["trade"] != two["keys"]["trade"]


def test_a_genesis_is_adopted_once_and_only_with_the_homes_own_keys(
    dcn: Dcn, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(dcn("keys", "show", "--home", home, "--json").out)
    other = tmp_path / "other"
    assert dcn("init", "--home", other, "--lei", LEI).code == 0
    bank = ids.lei_from(f"{'BANK':0<18}")
    key = dcn("keys", "new", tmp_path / "bank.key").out.strip()
    description = {
        "chain_id": "one-member",
        "time_ms": 0,
        "calendar": [20260105],
        "rulebook": {"currency": "USD"},
        "members": [
            {"keys_file": "a.json"},
            {"lei": bank, "roles": ["ISSUER"], "keys": {"treasury": key}},
        ],
        "assets": [{"code": "USD", "issuer": bank}],
    }
    (tmp_path / "net.json").write_text(json.dumps(description))
    genesis = tmp_path / "genesis.dcn"
    composed = dcn("genesis", "compose", tmp_path / "net.json", "--out", genesis, "--json").json()
    assert composed["validators"] == 1
    shown = dcn("genesis", "show", genesis, "--json").json()
    assert shown["genesis_hash"] == composed["genesis_hash"]
    assert dcn("genesis", "adopt", genesis, "--home", other).code == 3
    assert dcn("genesis", "adopt", genesis, "--home", home).code == 0
    assert dcn("genesis", "adopt", genesis, "--home", home).code == 3
    assert dcn("config", "validate", "--home", home, "--json").json()["ok"]


@pytest.mark.parametrize(
    "change",
    [
        {"surplus": 1},
        {"chain_id": "UPPER"},
        {"calendar": [20260231]},
        {"assets": [{"code": "USD", "issuer": "NOBODY"}]},
        {"members": [{"keys_file": "missing.json"}]},
        {"members": [{"lei": "X", "roles": ["KING"]}]},
        {"members": [{"lei": "X", "roles": ["MEMBER"], "peer_key": "00"}]},
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    dcn: Dcn, tmp_path: Path, change: dict[str, object]
) -> None:
    description = {
        "chain_id": "x",
        "time_ms": 0,
        "calendar": [20260105],
        "rulebook": {"currency": "USD"},
        "members": [],
        "assets": [],
    }
    (tmp_path / "net.json").write_text(json.dumps(description | change))
    answer = dcn("genesis", "compose", tmp_path / "net.json", "--out", tmp_path / "g")
    assert answer.code in (3, 4), answer
    assert "remedy: " in answer.err
    assert not (tmp_path / "g").exists()


def test_inspect_knows_long_forms_and_says_so(dcn: Dcn) -> None:
    tidy = encode((1, "a", b"b", None, [True]))
    assert tidy == msgpack.packb([1, "a", b"b", None, [True]], use_bin_type=True)
    found = dcn("inspect", tidy.hex(), "--json")
    assert (found.code, found.json()["canonical"]) == (0, True)
    for data in ("95cc01a161c40162c091c3", "9501d90161c40162c091c3", tidy.hex() + "00", "81a16101"):
        answer = dcn("inspect", data, "--json")
        assert (answer.code, answer.json()["canonical"]) == (1, False), answer


def test_inspect_reads_standard_input_as_hex_or_bytes(
    dcn: Dcn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in (b"93010203", b"\x93\x01\x02\x03", b"93 01\n02 03\n"):
        answer = dcn("inspect", "-", "--json", stdin=given)
        assert answer.json()["raw"] == [1, 2, 3], answer


def test_every_code_can_be_explained_and_has_a_remedy(dcn: Dcn) -> None:
    for code, kind in every_error().items():
        assert kind.__doc__, code
        assert kind.remedy or code == "DCN", code
    told = dcn("explain", "trade_limit_reached", "--json").json()
    assert told["code"] == "TRADE_LIMIT_REACHED"
    assert len(dcn("explain", "--json").json()) == len(every_error())


def test_verify_marks_damage_and_a_sound_store_lifts_the_mark(
    dcn: Dcn, filled_home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "member"
    shutil.copytree(filled_home, path)
    home = Home(path)
    leave_mark(home, ["height 3: something"])
    sound = dcn("verify", "--home", path, "--json")
    assert (sound.code, sound.json()["mark_lifted"]) == (0, True)
    assert not home.damage.exists()
    log = home.log.read_bytes()
    home.log.write_bytes(b"?" + log[1:])
    damaged = dcn("verify", "--home", path)
    assert damaged.code == 1
    assert "LOG_DAMAGED" in damaged.out
    assert home.damage.exists()
    signer = home.signer_state.read_bytes()
    reset = dcn("reset", "--store", "--home", path, "--json").json()
    assert set(reset["moved"]) >= {"store.sqlite", "consensus.log"}
    assert (Path(reset["to"]) / "consensus.log").read_bytes() == b"?" + log[1:]
    assert not home.damage.exists()
    assert home.signer_state.read_bytes() == signer
    assert home.keys() != Keys.fresh()


def test_another_program_at_the_nodes_port_is_named_as_such(dcn: Dcn, home: Path) -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        text = (home / "config.toml").read_text()
        port = server.server_address[1]
        (home / "config.toml").write_text(text.replace("port = 8001", f"port = {port}"))
        answer = dcn("status", "--home", home)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (answer.code, "NODE_ANSWER_UNREADABLE" in answer.err) == (3, True), answer
