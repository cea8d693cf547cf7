"""A store of an earlier version is migrated whole, step by step, or not touched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node import upgrade as rule
from node.audit.audit import audit
from node.config import UpgradeSection
from node.home import Home
from node.operations import upgrading
from node.storage import migrations
from node.storage.errors import StoreDamaged, StoreOutdated, StoreUnusable, StoreVersion
from node.storage.migrations import Migration, standing_of
from node.upgrade import UpgradeDue, UpgradeTooEarly, last_height, require_version
from tests.node.stores import copied
from wire.version import STORE_VERSION


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


def _do(home: Home, *statements: str) -> None:
    with closing(sqlite3.connect(home.store)) as db:
        db.isolation_level = None
        for one in statements:
            db.execute(one)


def _make_older(home: Home) -> None:
    """As version 5 wrote it."""
    _do(home, "DROP TABLE answered", "PRAGMA user_version=5")


def _upgrade(home: Home) -> upgrading.Upgrade:
    return upgrading.upgrade(home, lambda _done, _total: None)


def test_a_store_of_version_5_becomes_one_of_this_version(home: Home) -> None:
    before = audit(home, lambda _height, _last: None)
    _make_older(home)
    with pytest.raises(StoreOutdated):
        audit(home, lambda _height, _last: None)
    done = _upgrade(home)
    assert (done.store_from, done.store_to, done.height) == (5, STORE_VERSION, before.height)
    after = audit(home, lambda _height, _last: None)
    assert (after.findings, after.state_root) == ([], before.state_root)
    assert standing_of(Path(done.backup or "")) == (5, before.height)
    assert _upgrade(home).steps == []


@pytest.mark.parametrize("version", [1, 4, STORE_VERSION + 1, 1_000])
def test_a_store_of_an_unknown_version_is_not_touched(home: Home, version: int) -> None:
    _do(home, f"PRAGMA user_version={version}")
    before = home.store.read_bytes()
    with pytest.raises(StoreVersion):
        _upgrade(home)
    assert home.store.read_bytes() == before
    assert not list(home.data.glob("store-v*"))


def test_an_interrupted_migration_goes_on_where_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make_older(home)
    later = STORE_VERSION + 1
    torn = Migration(later, "two tables", ("CREATE TABLE one (x)", "CREATE TABLE two (x) NONSENSE"))
    whole = Migration(later, "two tables", ("CREATE TABLE one (x)", "CREATE TABLE two (x)"))
    schema = migrations.SCHEMA + "CREATE TABLE one (x); CREATE TABLE two (x);"
    first = migrations.MIGRATIONS
    for name, value in (("STORE_VERSION", later), ("SCHEMA", schema)):
        monkeypatch.setattr(migrations, name, value)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*first, torn))
    with pytest.raises(StoreUnusable):
        _upgrade(home)
    assert standing_of(home.store)[0] == STORE_VERSION, "the first step is whole"
    with closing(sqlite3.connect(home.store)) as db:
        assert db.execute("SELECT name FROM sqlite_schema WHERE name='one'").fetchall() == []
    monkeypatch.setattr(migrations, "MIGRATIONS", (*first, whole))
    assert _upgrade(home).store_from == STORE_VERSION
    assert standing_of(home.store)[0] == later


def test_what_comes_out_must_be_the_store_of_this_version(home: Home) -> None:
    _make_older(home)
    _do(home, "ALTER TABLE blotter ADD COLUMN stray TEXT")
    with pytest.raises(StoreDamaged):
        _upgrade(home)


@pytest.mark.parametrize(
    ("own", "height", "raised"),
    [
        ("0.1.9", 99, None),
        ("0.1.9", 100, UpgradeDue),
        ("0.1.10", 101, UpgradeDue),
        ("0.2.0", 99, UpgradeTooEarly),
        ("0.2.0", 100, None),
        ("0.10.0", 5_000, None),
        ("1.0.0", 0, UpgradeTooEarly),
    ],
)
def test_who_goes_on_from_a_block(
    monkeypatch: pytest.MonkeyPatch, own: str, height: int, raised: type[Exception] | None
) -> None:
    agreed = UpgradeSection(height=100, version="0.2.0")
    monkeypatch.setattr(rule, "SOFTWARE_VERSION", own)
    if raised is None:
        require_version(agreed, height)
    else:
        with pytest.raises(raised):
            require_version(agreed, height)
    assert last_height(agreed) == (100 if own < "0.1.99" and own.startswith("0.1.") else 0)
    require_version(UpgradeSection(), height)
