"""From one version of the store to the next: numbered steps, each one transaction.

A step brings the store from the version before it to its own number and records that in
`PRAGMA user_version`, so what is interrupted goes on where it was. A step never changes state rows:
their bytes are under the state root, which every node has to have alike.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from node.storage.errors import StoreDamaged, StoreMissing, StoreOutdated, StoreVersion, as_stored
from node.storage.schema import SCHEMA
from wire.version import STORE_VERSION

HEIGHT: Final = """
SELECT max(height) FROM
  (SELECT height FROM blocks UNION ALL SELECT height FROM snapshots WHERE stage='whole')
"""
"""Of the last block, in stores of all versions."""


class Migration(msgspec.Struct, frozen=True):
    """One step."""

    to: int
    """The version that it leads to, from the one before."""
    says: str
    """What changes, for the operator."""
    sql: tuple[str, ...]


MIGRATIONS: Final = (
    Migration(
        6,
        "answers are kept by the idempotency keys of requests",
        (
            "CREATE TABLE answered (client TEXT NOT NULL, key TEXT NOT NULL, "
            "request BLOB NOT NULL, answer BLOB NOT NULL, at_ms INTEGER NOT NULL, "
            "PRIMARY KEY (client, key)) WITHOUT ROWID",
            "CREATE INDEX answered_by_time ON answered (at_ms)",
        ),
    ),
)


def require_current(path: Path, version: int) -> None:
    """Raise `StoreOutdated` or `StoreVersion` unless the store at `path` is of this version."""
    if version != STORE_VERSION:
        steps_from(path, version)
        raise StoreOutdated(f"{path} has version {version}, {STORE_VERSION} is in use")


def steps_from(path: Path, version: int) -> list[Migration]:
    """The steps from `version` to the present one; raises `StoreVersion` if there is no way."""
    steps = [step for step in MIGRATIONS if version < step.to <= STORE_VERSION]
    if [step.to for step in steps] != list(range(version + 1, STORE_VERSION + 1)) or (
        version > STORE_VERSION
    ):
        raise StoreVersion(f"{path} has version {version}, this program knows {STORE_VERSION}")
    return steps


def standing_of(path: Path) -> tuple[int, int]:
    """Version and last height of the store at `path`, whatever its version.

    Raises `StoreMissing`, `StoreUnusable`, `StoreDamaged`.
    """
    if not path.exists():
        raise StoreMissing(str(path))
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with as_stored(), closing(sqlite3.connect(uri, uri=True)) as db:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        height = db.execute(HEIGHT).fetchone()[0] if version else 0
    return version, int(height or 0)


def migrate(path: Path) -> list[int]:
    """Bring the store at `path`, which nobody else uses, to the present version: the steps taken.

    Raises `StoreVersion`, `StoreUnusable`, and `StoreDamaged` if what comes out is not the store
    of this version.
    """
    steps = steps_from(path, standing_of(path)[0])
    with as_stored(), closing(sqlite3.connect(path)) as db:
        db.isolation_level = None
        db.execute("PRAGMA synchronous=FULL")
        for step in steps:
            _take(db, step)
        if steps:
            _check(db, path)
    return [step.to for step in steps]


def _take(db: sqlite3.Connection, step: Migration) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in step.sql:
            db.execute(statement)
        db.execute(f"PRAGMA user_version={step.to}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _check(db: sqlite3.Connection, path: Path) -> None:
    """The tables are those that a new store would have, and the file is sound."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(SCHEMA)
        if _shape(db) != _shape(fresh):
            raise StoreDamaged(f"{path}: its tables are not those of version {STORE_VERSION}")
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreDamaged(f"{path}: {found}")


def _shape(db: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Tables and indexes with their columns; how a statement was written does not matter."""
    query = "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
    return {
        f"{kind} {name}": db.execute(f"PRAGMA {kind}_xinfo({name})").fetchall()
        for kind, name in db.execute(query).fetchall()
    }
