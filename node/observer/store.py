"""The read store: `observer.sqlite` beside the node's store, one writer, readers of one moment.

It holds nothing that the node's blocks do not give: losing it costs the time to make it again. So
it is written without waiting for the disk, and a file that is damaged or of another version or
chain is replaced, not repaired.
"""

import contextlib
import queue
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from node.observer.schema import SCHEMA, VERSION
from node.viewing.shadows import SHADOWED, shadows_of
from node.viewing.viewer import viewer_now

FILE: Final = "observer.sqlite"

READERS: Final = 4
"""Queries at a time; more wait. Each is milliseconds, and the processor is the node's."""

K = TypeVar("K")

Value: TypeAlias = str | int | None
Statement: TypeAlias = tuple[str, tuple[Value, ...]]
"""SQL and its values."""


class Writer:
    """The one connection that writes."""

    def __init__(self, path: Path, chain: str) -> None:
        """Open the store of `chain` (its genesis hash in hex), anew if it is not one."""
        self.path = path
        self.chain = chain
        self.db = _usable(path, chain) or _fresh(path, chain)

    @property
    def height(self) -> int:
        """The last block that the store has; -1: not even the state before block 1."""
        return int(_meta(self.db, "height") or 0)

    def begin_anew(self) -> None:
        """Empty the store, whoever reads it: the next block begins it."""
        with self.transaction():
            names = [
                name
                for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            for name in names:
                self.db.execute(f"DELETE FROM {name}")
            _found(self.db, self.chain)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is seen together, or not at all."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def write(self, statements: Iterable[Statement]) -> None:
        """Carry out statements in their order; equal ones that follow each other at once."""
        for query, group in groupby(statements, key=lambda one: one[0]):
            self.db.executemany(query, (values for _, values in group))

    def reached(self, height: int, since: int | None = None) -> None:
        """The store is after block `height` now; `since`: the first block that it tells of."""
        values = [("height", height)] + ([] if since is None else [("from_height", since)])
        self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)

    def note(self, key: str, value: str) -> None:
        """Keep a fact that no table has."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def save(self, path: Path) -> None:
        """Copy the store, as it is now, to a new file."""
        with contextlib.closing(sqlite3.connect(path)) as copy:
            self.db.backup(copy)

    def put_back(self, path: Path) -> None:
        """Make the store what a copy of it has, at once for whoever reads it."""
        with contextlib.closing(sqlite3.connect(path)) as copy:
            copy.backup(self.db)

    def close(self) -> None:
        """Close the file."""
        self.db.close()


class Reader:
    """A connection inside one read transaction: every query sees the store after one block."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @property
    def height(self) -> int:
        """The block that everything here is after."""
        return int(_meta(self._db, "height") or 0)

    @property
    def from_height(self) -> int:
        """The first block whose story the store has: later than 1 at a node that began with a
        snapshot or has pruned its blocks."""
        return int(_meta(self._db, "from_height") or 0)

    def all(self, kind: type[K], query: str, *values: object) -> list[K]:
        """The rows of a query as records: its columns are named as the fields of `kind`."""
        cursor = self._db.execute(query, values)
        names = [column[0] for column in cursor.description]
        return [kind(**dict(zip(names, row, strict=True))) for row in cursor]

    def first(self, kind: type[K], query: str, *values: object) -> K | None:
        """The first row of a query as a record."""
        found = self.all(kind, f"{query} LIMIT 1", *values)
        return found[0] if found else None

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._db.execute(query, values).fetchall()

    def named(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """The rows of a query whose values are named in it."""
        return self._db.execute(query, values).fetchall()

    def scalar(self, query: str, *values: object) -> Any:
        """The first value of the first row; None of nothing."""
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]


class Readers:
    """A few connections that only read, lent to one query at a time."""

    def __init__(self, path: Path, count: int = READERS) -> None:
        self._free: queue.LifoQueue[_Lent | None] = queue.LifoQueue()
        self._opened = 0
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        for _ in range(count):
            self._free.put(None)  # opened at first use

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """Lend a connection that sees what who asks may see; waits while all are lent."""
        lent = self._free.get()
        try:
            if lent is None or lent.opened != self._opened:
                if lent is not None:
                    lent.db.close()
                lent = _Lent(self._opened, self._open())
            lent.stand_before(shadows_of(viewer_now()))
            lent.db.execute("BEGIN")
            try:
                yield Reader(lent.db)
            finally:
                lent.db.execute("ROLLBACK")
        finally:
            self._free.put(lent)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._uri, uri=True, check_same_thread=False, timeout=30)
        db.isolation_level = None
        return db

    def reopen(self) -> None:
        """Have every connection opened anew: the file is another."""
        self._opened += 1

    def close(self) -> None:
        """Close what is not lent."""
        with contextlib.suppress(queue.Empty):
            while True:
                lent = self._free.get_nowait()
                if lent is not None:
                    lent.db.close()


class _Lent:
    """A connection, and for whose eyes it is."""

    def __init__(self, opened: int, db: sqlite3.Connection) -> None:
        self.opened = opened
        self.db = db
        self._shadows: tuple[str, ...] = ()

    def stand_before(self, shadows: tuple[str, ...]) -> None:
        """Put these views before the tables, in the place of those there."""
        if shadows == self._shadows:
            return
        for name in SHADOWED:
            self.db.execute(f"DROP VIEW IF EXISTS temp.{name}")
        for statement in shadows:
            self.db.execute(statement)
        self._shadows = shadows


def is_of(path: Path, chain: str) -> bool:
    """Whether the file is a store of this version and chain with something in it; only read.
    Raises `sqlite3.DatabaseError` for what is no database."""
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION or _meta(db, "chain") != chain:
            return False
        return int(_meta(db, "height") or 0) >= 0


def said(text: str) -> str:
    """SQL for a column `rule` that says the same in every line."""
    quoted = text.replace("'", "''")
    return f"'{quoted}' AS rule"


def exact(column: str) -> str:
    """SQL for two columns whose `whole` is the sum of a column, however large: SQLite's own sum
    ends at 64 bits."""
    return f"COALESCE(SUM({column} >> 31), 0), COALESCE(SUM({column} & 2147483647), 0)"


def whole(high: int, low: int) -> int:
    """The sum that the two columns of `exact` stand for."""
    return (high << 31) + low


def _usable(path: Path, chain: str) -> sqlite3.Connection | None:
    """The store at `path`, if it is one of this version and chain."""
    if not path.exists():
        return None
    db = _connected(path)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION and _meta(db, "chain") == chain:
            return db
    except sqlite3.DatabaseError:
        pass  # not a database, or a damaged one
    db.close()
    return None


def _fresh(path: Path, chain: str) -> sqlite3.Connection:
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)
    db = _connected(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
    _found(db, chain)
    return db


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, timeout=30)
    db.isolation_level = None
    db.execute("PRAGMA synchronous=NORMAL")
    return db


def _found(db: sqlite3.Connection, chain: str) -> None:
    values = [("chain", chain), ("height", -1), ("from_height", 0)]
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)


def _meta(db: sqlite3.Connection, key: str) -> Any:
    row = db.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
    return None if row is None else row[0]
