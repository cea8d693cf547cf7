"""Shows block after block: applies each anew and projects it into the read store, in a thread."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ledger.state import State
from node.blocks import block_id
from node.history import done_again
from node.observer.projection import Seen, project
from node.observer.sight import Replayed
from node.observer.store import Writer
from node.playback.checkpoints import Checkpoints
from node.playback.deck import Deck
from node.playback.errors import OutsideReplay
from node.playback.marks import Kind
from node.playback.reel import Reel

log = structlog.get_logger("replay")

TOGETHER_MAX: Final = 16
"""Blocks shown at once when several are due: between two such lots it is heard what it is told."""

STOP_SECONDS_MAX: Final = 5.0


class Shown(msgspec.Struct, frozen=True):
    """What the page is after."""

    height: int
    state: State
    block_id: str


class Player:
    """A replay: what it is told by routes is done by its thread. It is what a stream follows."""

    def __init__(
        self,
        reel: Reel,
        store: Writer,
        folder: Path,
        speed: float,
        *,
        lei: str = "",
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reel = reel
        self.now = Shown(reel.first, reel.state, reel.block_id)
        self.height = reel.first
        """The block that followers are told of: blocks on the way of a jump are none."""
        self._lei = lei
        self._store = store
        self._checkpoints = Checkpoints(folder, store)
        self._checkpoints.pass_by(reel.first, reel.state, reel.block_id)
        self._deck = Deck(reel.first, reel.times, speed)
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reached = asyncio.Event()
        self._trouble = ""
        self._changes = 0
        self.beside = self._described()

    # ---------------------------------------------------------------- what a stream follows
    def reached(self) -> asyncio.Event:
        """Is set when something has changed."""
        return self._reached

    def position(self) -> Replayed:
        """Where the replay stands."""
        with self._lock:
            deck, now_s = self._deck, self._clock_s()
            wait_s = deck.wait_s(now_s)
            return Replayed(
                lei=self._lei,
                first=deck.first,
                last=deck.last,
                first_ms=deck.time_ms(deck.first),
                last_ms=deck.time_ms(deck.last),
                height=self.now.height,
                time_ms=deck.time_ms(self.now.height),
                speed=deck.speed,
                playing=deck.playing,
                jumping_to=deck.target,
                due_ms=None if wait_s is None else round(wait_s * 1_000),
                change=self._changes,
                trouble=self._trouble,
            )

    # ---------------------------------------------------------------- what it is told
    def play(self) -> None:
        """Go on."""
        self._do(lambda deck, now_s: deck.play(now_s))

    def pause(self) -> None:
        """Stand still."""
        self._do(lambda deck, now_s: deck.pause(now_s))

    def step(self) -> None:
        """Show the next block, and stand still."""
        self._do(lambda deck, now_s: deck.step(now_s))

    def set_speed(self, speed: float) -> None:
        """The network's time to that of who looks; 0: as fast as it goes."""
        self._do(lambda deck, now_s: deck.set_speed(now_s, speed))

    def jump(self, height: int) -> None:
        """Go to a block; raises `OutsideReplay`."""
        first, last = self.reel.first, self.reel.last
        if not first <= height <= last:
            raise OutsideReplay(f"height {height}; the replay is of {first} to {last}")
        self._do(lambda deck, _: deck.jump(height))

    def jump_to_next(self, kind: Kind) -> None:
        """Go to the next mark of a kind; raises `OutsideReplay` if there is none."""
        with self._lock:
            after = self._deck.height if self._deck.target is None else self._deck.target
        for mark in self.reel.marks:
            if mark.kind == kind and mark.height > after:
                return self.jump(mark.height)
        raise OutsideReplay(f"no {kind!r} after height {after}, up to {self.reel.last}")

    def _do(self, act: Callable[[Deck, float], None]) -> None:
        with self._lock:
            act(self._deck, self._clock_s())
        self._say()
        self._told.set()

    # ---------------------------------------------------------------- in the thread
    def start(self) -> None:
        """Begin to play; in the loop of who serves it."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping = True
        self._told.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS_MAX)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._told.clear()
                wait_s = self.turn()
                if wait_s is None or wait_s > 0:
                    self._told.wait(wait_s)
        except Exception as error:
            self._trouble = str(error) or type(error).__name__
            log.exception("replay_failed", detail=self._trouble)
            with self._lock:
                self._deck.pause(self._clock_s())
            self._say()

    def turn(self) -> float | None:
        """Show what is due, some blocks of it; seconds until there is more, None: nothing is."""
        with self._lock:
            wanted = self._deck.wanted(self._clock_s())
            # Where a jump leads, or was stopped, it may stand already: that is to be told, too.
            told = self._deck.target is None and self.height == self.now.height
        if wanted != self.now.height or not told:
            if wanted < self.now.height:
                kept = self._checkpoints.back_to(wanted)
                self.now = Shown(kept.height, kept.state, kept.block_id)
            if wanted > self.now.height:
                self._forward(min(wanted, self.now.height + TOGETHER_MAX))
            with self._lock:
                self._deck.shown(self._clock_s(), self.now.height)
                if self._deck.target is None:
                    self.height = self.now.height
            self._say()
        with self._lock:
            return self._deck.wait_s(self._clock_s())

    def _forward(self, height: int) -> None:
        seen: list[Seen] = []
        state, ident = self.now.state, self.now.block_id
        for number in range(self.now.height + 1, height + 1):
            step = done_again(state, number, self.reel.block(number))
            state, ident = step.applied.state, block_id(step.decided.block.header).hex()
            seen.append(Seen(step.decided, step.applied, step.before))
        project(self._store, seen, self.reel.thresholds)
        self.now = Shown(height, state, ident)
        self._checkpoints.pass_by(height, state, ident)

    def _say(self) -> None:
        with self._lock:
            self._changes += 1
        self.beside = self._described()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _described(self) -> str:
        return msgspec.json.encode(self.position()).decode()

    def _wake(self) -> None:
        self._reached.set()
        self._reached = asyncio.Event()
