"""The store as an audit reads it: one read transaction, one row after the other, bytes as bytes."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from node.storage.errors import StoreMissing
from node.storage.migrations import require_current

Row = tuple[Any, ...]


class Source:
    """A store open for reading; a node may be writing to it meanwhile."""

    def __init__(self, path: Path) -> None:
        """Raises `StoreMissing`, `StoreOutdated`, `StoreVersion`, and `sqlite3.DatabaseError` if it
        is no store."""
        if not path.exists():
            raise StoreMissing(str(path))
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        self._db.isolation_level = None
        self._db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._db.execute("BEGIN")  # everything below sees one moment
        version = self.scalar("PRAGMA user_version")
        try:
            require_current(path, version)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def rows(self, query: str, *values: object) -> Iterator[Row]:
        """The rows of a query as they are read."""
        yield from self._db.execute(query, values)

    def scalar(self, query: str, *values: object) -> Any:
        """The first value of the first row; None of nothing."""
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]


def blob(value: object) -> bytes:
    """A stored value as bytes; what is stored as something else is empty, so it fits nothing."""
    return value if isinstance(value, bytes) else b""
