"""Views of a read store alone, without a node: for a replay, a benchmark, the command line."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from ledger.genesis import genesis_hash
from node.home import Home
from node.observer.live import lexicon_of
from node.observer.rehearsing import RehearsalRefused
from node.observer.sight import Lexicon, Now, Replayed
from node.observer.store import FILE, Reader, Readers, is_of
from node.viewing.viewer import Viewer, looks
from wire.errors import EnvironmentFault


class ReadStoreMissing(EnvironmentFault):
    """The home has no read store that this version can read."""

    code = "OBSERVER_NO_STORE"
    remedy = (
        "Run the node with `api.page = true`: it makes the store from its blocks. A store of "
        "another version is made anew when the node starts."
    )


def stored(home: Home) -> "StoredSight":
    """The read store of a home, whether its node runs or not; raises `ReadStoreMissing`."""
    path = home.data / FILE
    if not path.exists():
        raise ReadStoreMissing(f"there is no {path}")
    try:
        good = is_of(path, genesis_hash(home.genesis()).hex())
    except sqlite3.DatabaseError as error:
        raise ReadStoreMissing(f"{path}: {error}") from None
    if not good:
        raise ReadStoreMissing(f"{path} is of another version or network, or is being made")
    return StoredSight(path)


class StoredSight:
    """The `Sight` of a file that somebody may be writing to."""

    def __init__(self, path: Path) -> None:
        self._readers = Readers(path)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A moment of the store."""
        with self._readers.reader() as db:
            yield db

    def now(self) -> Now | None:
        """There is no node."""
        return None

    def lexicon(self) -> Lexicon:
        """Names and scales."""
        with self.reader() as db:
            return lexicon_of(db)

    def trouble(self) -> str:
        """Nothing is to be expected of it."""
        return ""

    def replayed(self) -> Replayed | None:
        """It stands still."""
        return None

    def close(self) -> None:
        """Close the file."""
        self._readers.close()


async def no_rehearsal(lei: str) -> NoReturn:
    """A `Rehearse` where there is no state to rehearse on; raises `RehearsalRefused`."""
    raise RehearsalRefused(f"{lei[:40]}: there is no node behind this page")


async def as_anybody(connection: Any, _: Any) -> None:
    """A guard that lets in whoever can reach the page, and shows everything."""
    connection.state["client"] = "anybody"
    looks(Viewer("anybody", everything=True))
