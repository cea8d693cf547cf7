"""What a colleague gets to see, and what must not be in it; and the configuration compared."""

import secrets
import tarfile
from pathlib import Path

import msgspec
import pytest

from node.home import Home
from node.rotation import next_key
from tests.cli.conftest import Dcn
from tests.cli.test_backup import secrets_of
from tests.node.stores import copied


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


def _content(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {Path(one.name).name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def test_a_bundle_has_what_helps_and_no_key_material(dcn: Dcn, home: Home, tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    careless = "".join(f"seen {secret!r} {secret.hex()}\n" for secret in secrets_of(home)[:6])
    log.write_text(f"{careless}token {home.token()}\nthe last line\n")
    out = tmp_path / "bundle.tar.gz"
    told = dcn("bundle", out, "--home", home.path, "--log", log, "--json")
    assert told.code == 0, told
    found = _content(out)
    assert set(found) == set(told.json()["content"])
    everything = b"".join(found.values())
    assert [secret for secret in secrets_of(home) if secret in everything] == []
    assert found["log.txt"].endswith(b"the last line\n")
    headers = msgspec.json.decode(found["headers.json"])
    assert headers[-1]["height"] == len(headers)
    assert b"CONFIG" in found["findings.json"].upper()
    assert msgspec.json.decode(found["config.json"])["lei"] == home.config().lei


def test_no_secret_of_whatever_file_is_in_a_bundle(
    dcn: Dcn, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are planted wherever a home can have one, and all of them in the log."""
    marks = [f"PLANTED-{number}-{secrets.token_hex(16)}" for number in range(5)]
    tls, client, phrase, book, stray = marks
    (home.path / "tls.key").write_text(f"-----BEGIN PRIVATE KEY-----\n{tls}\n-----END\n")
    (home.path / "client.key").write_text(client)
    (home.path / "book.csv").write_text(f"uti\n{book}\n")
    (home.path / "notes.txt").write_text(stray)
    (tmp_path / "phrase").write_text(f"{phrase}\n")
    monkeypatch.setenv("DCN_PASSPHRASE_FILE", str(tmp_path / "phrase"))
    with home.config_file.open("a") as file:
        file.write('[api]\ntls_cert = "tls.crt"\ntls_key = "tls.key"\n')
        file.write('client_cert = "c.crt"\nclient_key = "client.key"\n')
        file.write('[trades]\nblotter = "book.csv"\n')
    fresh = [next_key(home, purpose) for purpose in ("trade", "consensus")]
    seeds = [seed for one in fresh for seed in (one.seed, one.seed_chain) if seed]
    token = dcn("token", "create", "risk", "--scope", "read", "--home", home.path, "--json")
    assert token.code == 0, token
    logged = [tls, client, phrase, home.token(), *(seed.hex() for seed in seeds)]
    log = tmp_path / "node.log"
    log.write_text("".join(f'{{"event": "seen {text}", "x": "{text}"}}\n' for text in logged))
    out = tmp_path / "bundle.tar.gz"
    assert dcn("bundle", out, "--home", home.path, "--log", log).code == 0
    everything = b"".join(_content(out).values())
    texts = [*marks, *logged, token.json()["token"]]
    assert [text for text in texts if text.encode() in everything] == []
    raw = [secret for secret in (*secrets_of(home), *seeds) if secret in everything]
    assert raw == []
    assert everything.count(b"(secret)") == 2 * len(logged)


def test_a_bundle_of_a_broken_home_says_what_is_broken(dcn: Dcn, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    assert dcn("bundle", out, "--home", tmp_path / "none").code == 0
    found = _content(out)
    assert b"CONFIG_INVALID" in found["config.json"]
    assert b"STORE_MISSING" in found["headers.json"]
    assert dcn("bundle", out, "--home", tmp_path / "none").err.startswith("HOME_EXISTS")


def test_what_is_not_the_default_is_shown_with_where_it_was_set(
    dcn: Dcn, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dcn("config", "diff", "--home", home.path, "--json").json() == []
    with home.config_file.open("a") as file:
        file.write("[api]\nport = 9001\n")
    line = len(home.config_file.read_text().splitlines())
    monkeypatch.setenv("DCN_LOG_LEVEL", "debug")
    assert dcn("config", "diff", "--home", home.path, "--json").json() == [
        {"key": "api.port", "default": 8001, "value": 9001, "place": f"{home.config_file}:{line}"},
        {"key": "log.level", "default": "info", "value": "debug", "place": "DCN_LOG_LEVEL"},
    ]
    assert "api.port" in dcn("config", "diff", "--home", home.path).out
