"""The blocks of a replay, copied out of a home's store in one reading.

So a replay of hours holds no lock on the node's store, and a node that prunes meanwhile takes
nothing from it. The copy lies in a temporary folder of the user's own, in clear as in the store.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ledger import tables as t
from ledger.state import State
from node.audit.source import Source, blob
from node.blocks import DecidedBlock, block_id
from node.config import AlertsSection
from node.history import beginning, done_again
from node.home import Home
from node.observer.catching_up import TOGETHER_MAX
from node.observer.projection import Seen, begin, project
from node.observer.store import Writer
from node.playback.marks import Mark, events_of, told
from node.playback.span import Kept, Wanted, resolve
from node.storage.errors import StoreDamaged, as_stored
from wire.codec import decode
from wire.errors import CodedError
from wire.limits import BLOCK_BYTES_MAX

FILE: Final = "blocks"

Progress = Callable[[int, int], None]
"""Is told how many blocks of how many are prepared."""


class Reel(msgspec.Struct, frozen=True):
    """Blocks `first` + 1 to `last`, and the state that they are applied to."""

    first: int
    state: State
    """After block `first`."""
    block_id: str
    """Of block `first`, hex; empty before block 1."""
    times: Sequence[int]
    """Header times from `first` on, ms; that of `first` = 0 is the genesis's."""
    places: Sequence[tuple[int, int]]
    """Where in the file each block is, and its length."""
    marks: list[Mark]
    path: Path
    thresholds: AlertsSection
    """From when on alerts are open: those of the home."""

    @property
    def last(self) -> int:
        """The last block."""
        return self.first + len(self.places)

    def block(self, height: int) -> bytes:
        """A block as it is stored."""
        at, length = self.places[height - self.first - 1]
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), length, at)


def cut(home: Home, wanted: Wanted, folder: Path, store: Writer, progress: Progress) -> Reel:
    """Copy the blocks that are wanted, and bring the read store to where they begin.

    Every block before that is applied anew, from the genesis or the oldest snapshot that is kept.
    Raises `NotInHistory`, `NothingToReplay`, `BadMoment`, `StoreMissing`, `StoreDamaged`.
    """
    thresholds = home.config().alerts
    with as_stored(), Source(home.store) as source:
        state, base = beginning(home, source)
        tip = source.scalar("SELECT MAX(height) FROM blocks WHERE height>?", base) or base
        kept = Kept(base, tip, lambda height: _header_time(source, height))
        first, last = resolve(wanted, source, kept)
        begin(store, state)
        state, ident = _advance(
            source, store, state, base, first, thresholds, lambda n: progress(n, last)
        )
        times, places = _copy(source, folder / FILE, first, last, lambda n: progress(n, last))
        times.insert(0, state.must(t.NETWORK, t.network_key()).time_ms)
        marks = [
            Mark(height=height, time_ms=times[height - first], kind=kind, what=what)
            for height, event in events_of(source, first, last)
            for kind, what in told(event)
        ]
    return Reel(first, state, ident, times, places, marks, folder / FILE, thresholds)


def _header_time(source: Source, height: int) -> int:
    raw = source.scalar("SELECT decided FROM blocks WHERE height=?", height)
    return _decoded(height, blob(raw)).block.header.time_ms


def _decoded(height: int, raw: bytes) -> DecidedBlock:
    try:
        return decode(raw, DecidedBlock, BLOCK_BYTES_MAX)
    except CodedError as error:
        raise StoreDamaged(f"block {height}: {error}") from None


def _advance(
    source: Source,
    store: Writer,
    state: State,
    base: int,
    first: int,
    thresholds: AlertsSection,
    done: Callable[[int], None],
) -> tuple[State, str]:
    """Apply and project the blocks above `base` up to `first`; the state then, and the block."""
    waiting: list[Seen] = []
    ident, height = "", base
    query = "SELECT height, decided FROM blocks WHERE height>? AND height<=? ORDER BY height"
    for _, raw in source.rows(query, base, first):
        height += 1
        step = done_again(state, height, blob(raw))
        state, ident = step.applied.state, block_id(step.decided.block.header).hex()
        waiting.append(Seen(step.decided, step.applied, step.before))
        if len(waiting) == TOGETHER_MAX:
            project(store, waiting, thresholds)
            waiting = []
        done(height)
    project(store, waiting, thresholds)
    if height != first:
        raise StoreDamaged(f"block {height + 1} is missing")
    return state, ident


def _copy(
    source: Source, path: Path, first: int, last: int, done: Callable[[int], None]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Write the blocks one after the other; their times and places."""
    times: list[int] = []
    places: list[tuple[int, int]] = []
    query = "SELECT height, decided FROM blocks WHERE height>? AND height<=? ORDER BY height"
    with path.open("wb") as file:
        for height, raw in source.rows(query, first, last):
            if height != first + len(places) + 1:
                raise StoreDamaged(f"block {height - 1} is missing")
            data = blob(raw)
            times.append(_decoded(height, data).block.header.time_ms)
            places.append((file.tell(), len(data)))
            file.write(data)
            done(height)
    return times, places
