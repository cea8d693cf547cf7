"""A copy of a store while its node runs, by SQLite's online backup: one moment, whole pages."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from node.storage.errors import StoreDamaged, StoreMissing, as_stored

STEP_PAGES: Final = 4_096
"""16 MB between two reports of progress."""


def copy_store(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the store at `source` to the new file `target`, and check the copy.

    `progress`: pages copied, and of how many. The read transaction held open throughout makes all
    pages those of one moment: the node writes on, into the write-ahead log. Raises `StoreMissing`,
    `StoreUnusable`, `StoreDamaged`.
    """
    if not source.exists():
        raise StoreMissing(str(source))
    with (
        as_stored(),
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as copy,
    ):
        reading.isolation_level = None
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        reading.backup(copy, pages=STEP_PAGES, progress=lambda _, left, all_: progress(
            all_ - left, all_
        ))  # fmt: skip
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreDamaged(f"the copy: {found}")
