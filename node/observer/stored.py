"""Views of a read store alone, without a node: what a replay or a benchmark is shown by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from node.observer.live import lexicon_of
from node.observer.rehearsing import RehearsalRefused
from node.observer.sight import Lexicon, Now, Replayed
from node.observer.store import Reader, Readers
from node.viewing.viewer import Viewer, looks


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
