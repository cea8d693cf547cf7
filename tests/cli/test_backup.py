"""Backup while a node writes, restoration on an empty disk, and what is refused."""

import io
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from node import sealing
from node.audit.audit import audit
from node.home import Home
from node.operations.archive import MANIFEST, BackupUnreadable, read_archive
from node.operations.backup import restore
from node.storage.copying import copy_store
from tests.cli.conftest import Dcn
from tests.node.stores import copied

PASSPHRASE = "four random words here"


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "COST", 1 << 10)


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase"
    path.write_text(f"{PASSPHRASE}\n")
    return path


def secrets_of(home: Home) -> list[bytes]:
    """Every secret of a home, in each form in which it might be written down."""
    keys = home.keys()
    seeds = [keys.peer, keys.consensus, keys.trade, keys.treasury, keys.governance, keys.seed_chain]
    raw = [seed for seed in seeds if seed is not None]
    return [*raw, *(seed.hex().encode() for seed in raw), home.token().encode()]


def test_a_restored_home_has_everything_but_what_the_key_has_signed(
    dcn: Dcn, home: Home, tmp_path: Path, phrase: Path
) -> None:
    out, fresh = tmp_path / "out.dcn", Home(tmp_path / "fresh")
    made = dcn("backup", out, "--home", home.path, "--with-keys", "--passphrase-file", phrase,
               "--json")  # fmt: skip
    assert made.code == 0, made
    assert out.stat().st_mode & 0o077 == 0
    back = dcn("restore", out, "--home", fresh.path, "--passphrase-file", phrase, "--json")
    assert (back.code, back.json()["keys"]) == (0, True), back
    assert fresh.keys() == home.keys()
    assert fresh.config() == home.config()
    assert fresh.genesis() == home.genesis()
    assert fresh.token() != home.token()
    assert not fresh.signer_state.exists()  # lost, so the node follows until it is safe to vote
    assert not fresh.log.exists()
    assert fresh.keys_file.stat().st_mode & 0o077 == 0
    found = audit(fresh, lambda *_: None)
    assert (found.count, found.height) == (0, made.json()["height"]), found.lines


def test_certificates_of_the_home_come_back_with_the_keys(
    dcn: Dcn, home: Home, tmp_path: Path, phrase: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.pem"
    files = {"tls/server.pem": b"certificate", "tls/server.key": b"its key",
             "signer/ca.pem": b"authority", "signer/key.pem": b"another key"}  # fmt: skip
    for name, content in files.items():
        (home.path / name).parent.mkdir(exist_ok=True)
        (home.path / name).write_bytes(content)
    elsewhere.write_bytes(b"not of the home")
    text = home.config_file.read_text()
    home.config_file.write_text(
        f'{text}[api]\ntls_cert = "tls/server.pem"\ntls_key = "tls/server.key"\n'
        f'client_ca = "{elsewhere}"\n[signer]\naddress = "tls://signer:7000"\n'
        'certificates = "signer"\n'
    )
    for words, expected in (((), {}), (("--with-keys", "--passphrase-file", phrase), files)):
        out, fresh = tmp_path / f"{len(words)}.dcn", tmp_path / f"fresh{len(words)}"
        assert dcn("backup", out, "--home", home.path, *words).code == 0
        assert dcn("restore", out, "--home", fresh, *words[1:]).code == 0
        found = {name: (fresh / name).read_bytes() for name in files if (fresh / name).exists()}
        assert found == expected
        assert all((fresh / name).stat().st_mode & 0o077 == 0 for name in found)
    assert elsewhere.read_bytes() == b"not of the home"


def test_without_keys_nothing_secret_is_in_the_file(dcn: Dcn, home: Home, tmp_path: Path) -> None:
    out, fresh = tmp_path / "out.dcn", Home(tmp_path / "fresh")
    assert dcn("backup", out, "--home", home.path).code == 0
    with tarfile.open(out) as tar:
        content = b"".join(tar.extractfile(one).read() for one in tar)  # type: ignore[union-attr]
    assert not any(secret in content for secret in secrets_of(home))
    told = dcn("restore", out, "--home", fresh.path)
    assert (told.code, fresh.keys_file.exists()) == (0, False)
    assert "put keys.json" in told.out


def test_keys_in_a_backup_are_sealed(dcn: Dcn, home: Home, tmp_path: Path, phrase: Path) -> None:
    out = tmp_path / "out.dcn"
    dcn("backup", out, "--home", home.path, "--with-keys", "--passphrase-file", phrase)
    with tarfile.open(out) as tar:
        content = b"".join(tar.extractfile(one).read() for one in tar)  # type: ignore[union-attr]
    assert not any(secret in content for secret in secrets_of(home))
    other = tmp_path / "other"
    other.write_text("another passphrase\n")
    told = dcn("restore", out, "--home", tmp_path / "fresh", "--passphrase-file", other)
    assert (told.code, told.err.split()[0]) == (3, "PASSPHRASE_WRONG")
    assert not (tmp_path / "fresh").exists()


def test_what_exists_is_never_written_over(dcn: Dcn, home: Home, tmp_path: Path) -> None:
    out = tmp_path / "out.dcn"
    assert dcn("backup", out, "--home", home.path).code == 0
    before = out.read_bytes()
    assert dcn("backup", out, "--home", home.path).err.startswith("HOME_EXISTS")
    assert dcn("restore", out, "--home", home.path).err.startswith("HOME_EXISTS")
    assert out.read_bytes() == before
    (tmp_path / "empty").mkdir()
    assert dcn("restore", out, "--home", tmp_path / "empty").code == 0


def test_a_copy_is_of_one_moment_while_the_store_is_written(home: Home, tmp_path: Path) -> None:
    """Two numbers that are always changed together are equal in the copy, at every step of it."""
    db = sqlite3.connect(home.store, check_same_thread=False)
    db.execute("PRAGMA wal_autocheckpoint=1")
    db.executescript("CREATE TABLE one (n); CREATE TABLE filler (x); CREATE TABLE two (n);")
    db.execute("INSERT INTO one VALUES (0)")
    db.execute("INSERT INTO filler SELECT zeroblob(30000000)")
    db.execute("INSERT INTO two VALUES (0)")
    db.commit()
    steps: list[int] = []

    def written(done: int, total: int) -> None:
        def write() -> None:
            with db:
                db.execute("UPDATE one SET n=n+1")
                db.execute("UPDATE two SET n=n+1")

        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        steps.append(total - done)

    copy_store(home.store, tmp_path / "copy", written)
    assert len(steps) > 1
    assert db.execute("SELECT n FROM one").fetchone()[0] == len(steps)
    db.close()
    copy = sqlite3.connect(tmp_path / "copy")
    found = copy.execute("SELECT one.n, two.n FROM one, two").fetchone()
    copy.close()
    assert found == (0, 0)


@pytest.fixture
def archive(dcn: Dcn, home: Home, tmp_path: Path) -> Path:
    out = tmp_path / "out.dcn"
    assert dcn("backup", out, "--home", home.path).code == 0
    return out


def _rewritten(
    archive: Path, change: dict[str, bytes | None], extra: list[tarfile.TarInfo]
) -> Path:
    """The archive with entries replaced, removed (None) or added at its end."""
    changed = archive.with_name("changed.dcn")
    with tarfile.open(archive) as old, tarfile.open(changed, "w:gz") as new:
        for one in old:
            content = old.extractfile(one).read()  # type: ignore[union-attr]
            content = change.get(one.name, content)  # type: ignore[assignment]
            if content is not None:
                one.size = len(content)
                new.addfile(one, io.BytesIO(content))
        for one in extra:
            new.addfile(one, io.BytesIO(bytes(one.size)))
    return changed


def _link() -> tarfile.TarInfo:
    info = tarfile.TarInfo("config.toml")
    info.type, info.linkname = tarfile.SYMTYPE, "../../elsewhere"
    return info


@pytest.mark.parametrize(
    ("change", "extra"),
    [
        ({"config.toml": b"lei = 'X'\n"}, []),
        ({"store.sqlite": None}, []),
        ({MANIFEST: None}, []),
        ({MANIFEST: b"{}"}, []),
        ({}, [tarfile.TarInfo("../escaped")]),
        ({}, [tarfile.TarInfo("signer.state")]),
        ({}, [_link()]),
    ],
)
def test_an_altered_archive_is_refused_and_leaves_nothing(
    archive: Path, tmp_path: Path, change: dict[str, bytes | None], extra: list[tarfile.TarInfo]
) -> None:
    changed = _rewritten(archive, change, extra)
    (tmp_path / "in").mkdir()
    with pytest.raises(BackupUnreadable):
        restore(changed, Home(tmp_path / "in" / "fresh"), None, lambda *_: None)
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize("kept", [0, 40, 5_000])
def test_a_torn_file_is_no_backup(archive: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "torn").write_bytes(archive.read_bytes()[:kept])
    (tmp_path / "to").mkdir()
    with pytest.raises(BackupUnreadable):
        read_archive(tmp_path / "torn", tmp_path / "to", lambda *_: None)


def test_another_kind_of_file_is_no_backup(dcn: Dcn, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar at all")
    told = dcn("restore", tmp_path / "text", "--home", tmp_path / "fresh")
    assert (told.code, told.err.split(":")[0]) == (3, "BACKUP_UNREADABLE")


def test_a_damaged_store_is_not_backed_up(dcn: Dcn, home: Home, tmp_path: Path) -> None:
    from node.startup import leave_mark

    leave_mark(home, ["height 3: it is so"])
    told = dcn("backup", tmp_path / "out", "--home", home.path)
    assert (told.code, told.err.split(":")[0]) == (3, "STORE_DAMAGED")
    assert not (tmp_path / "out").exists()
