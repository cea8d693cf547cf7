"""Copies of the read store on the way, so that a jump back need not begin at the beginning."""

from pathlib import Path
from typing import Final

import msgspec

from ledger.state import State
from node.observer.store import Writer

KEPT_MAX: Final = 16
"""With more, every other one goes and they stand twice as far apart: each is a whole read store."""

APART_BLOCKS: Final = 32
"""At the beginning. Older states share their rows with newer ones, so they cost little."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A moment to go on from."""

    height: int
    state: State
    block_id: str
    path: Path


class Checkpoints:
    """Those of a replay, oldest first; the first is its beginning and stays."""

    def __init__(self, folder: Path, store: Writer) -> None:
        self._folder = folder
        self._store = store
        self._kept: list[Checkpoint] = []
        self._apart = APART_BLOCKS

    def pass_by(self, height: int, state: State, block_id: str) -> None:
        """The store is after this block; keep it, if the last copy is far enough behind."""
        if self._kept and height < self._kept[-1].height + self._apart:
            return
        path = self._folder / f"checkpoint-{height}"
        self._store.save(path)
        self._kept.append(Checkpoint(height, state, block_id, path))
        if len(self._kept) > KEPT_MAX:
            for one in self._kept[1::2]:
                one.path.unlink()
            del self._kept[1::2]
            self._apart *= 2

    def back_to(self, height: int) -> Checkpoint:
        """Put the store back to the last copy of at most this height, and say which."""
        found = [one for one in self._kept if one.height <= height][-1]
        self._store.put_back(found.path)
        return found
