"""Feeds the read store behind the node: blocks as they are stored, in a thread, in their order.

Nothing waits for it. A store that is behind at the start is caught up by a process of its own, and
the blocks decided meanwhile wait here. What goes wrong is logged and said on the page; the node
goes on.
"""

import asyncio
import subprocess
import sys
import threading
from collections import deque
from typing import Final

import structlog

from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.daemon import Daemon
from node.observer.alerts.reading import changed_since, open_counts
from node.observer.catching_up import store_of
from node.observer.projection import Seen, begin, project
from node.observer.store import FILE, Reader, Readers, Writer
from wire.errors import EnvironmentFault

log = structlog.get_logger("observer")

TOGETHER_MAX: Final = 50
"""Blocks written in one transaction while the thread is behind."""

STOP_SECONDS_MAX: Final = 1.0


class ObserverBehind(EnvironmentFault):
    """The read store could not be brought up to the node's blocks."""

    code = "OBSERVER_BEHIND"
    remedy = (
        "See the node's log. With the node stopped, delete `data/observer.sqlite`: "
        "it is made again from the blocks."
    )


class Feed:
    """The read store of a running node, and who waits for it to go on."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._waiting: deque[Seen | Tip] = deque()
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._state = daemon.shell.tip.state
        self._start = daemon.shell.tip
        self._alerts_told = -1
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reached = asyncio.Event()
        self.readers = Readers(daemon.home.data / FILE)
        self.height = -1
        """The last block that the store has."""
        self.beside = ""
        """A node has nothing to tell beside its blocks."""
        self.failed = ""
        """Why the store goes on no more."""
        daemon.shell.on_block.append(self._on_block)
        daemon.shell.on_jump.append(self._on_jump)

    def start(self) -> None:
        """Begin to feed; in the node's loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._stopping.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS_MAX)
        self.readers.close()

    def reached(self) -> asyncio.Event:
        """Is set when the store has gone on from where it is now."""
        return self._reached

    # ---------------------------------------------------------------- in the node's loop
    def _on_block(self, effect: CommitBlock) -> None:
        seen = Seen(effect.decided, effect.applied, self._state)
        self._state = effect.tip.state
        self._put(seen)

    def _on_jump(self, tip: Tip) -> None:
        self._state = tip.state
        self._put(tip)

    def _put(self, given: Seen | Tip) -> None:
        if not self.failed:
            self._waiting.append(given)
            self._work.set()

    def _told(self) -> None:
        self._reached.set()
        self._reached = asyncio.Event()

    # ---------------------------------------------------------------- in the thread
    def _run(self) -> None:
        """Feed; what goes wrong once is met with a store made anew, and the second time is said."""
        try:
            try:
                self._feed()
            except Exception as error:
                if self._stopping.is_set():
                    raise
                log.warning("observer_store_made_anew", detail=_said(error))
                self._start = self._daemon.shell.tip
                (self._daemon.home.data / FILE).unlink(missing_ok=True)
                self.readers.reopen()
                self._feed()
        except Exception as error:
            self.failed = _said(error)
            self._waiting.clear()
            log.exception("observer_failed", detail=self.failed)
            self._tell(self.height)

    def _feed(self) -> None:
        store = store_of(self._daemon.home)
        try:
            self._begin(store)
            while not (self._stopping.is_set() and not self._waiting):
                self._work.wait()
                self._work.clear()
                while self._waiting:
                    self._some(store)
        finally:
            store.close()

    def _begin(self, store: Writer) -> None:
        """Bring the store up to where the node was when this began, or beyond."""
        if store.height < 0 and self._start.height == 0:
            begin(store, self._start.state)
        if store.height > self._daemon.shell.tip.height:  # the node's store was put back
            store.begin_anew()
        if store.height < self._start.height:
            log.info("observer_catching_up", height=store.height, to=self._start.height)
            self._catch_up()
        if store.height < self._start.height and not self._stopping.is_set():
            raise ObserverBehind(f"it is at {store.height}, the node at {self._start.height}")
        self._tell_alerts(store)
        self._tell(store.height)

    def _catch_up(self) -> None:
        line = [sys.executable, "-m", "node.observer.catching_up", str(self._daemon.home.path)]
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            while process.poll() is None:
                if self._stopping.wait(0.05):
                    process.terminate()
            assert process.stderr is not None
            said = process.stderr.read().decode("utf-8", "replace").strip()
        if process.returncode and not self._stopping.is_set():
            raise ObserverBehind(said[-400:])

    def _some(self, store: Writer) -> None:
        """Write what waits, up to a jump or so many blocks."""
        blocks: list[Seen] = []
        while self._waiting and len(blocks) < TOGETHER_MAX:
            given = self._waiting[0]
            if isinstance(given, Tip):
                if not blocks:
                    self._waiting.popleft()
                    store.begin_anew()
                    begin(store, given.state)
                break
            blocks.append(given)
            self._waiting.popleft()
        project(store, blocks, self._daemon.config.alerts)
        self._tell_alerts(store)
        self._tell(store.height)

    def _tell_alerts(self, store: Writer) -> None:
        """Log what has opened and closed, each once; of what was open at the start, how many."""
        db = Reader(store.db)
        counts = open_counts(db)
        if self._alerts_told < 0 and any(counts.values()):
            log.warning("alerts_open", count=sum(counts.values()), height=store.height)
        elif self._alerts_told >= 0:
            for one in changed_since(db, self._alerts_told):
                event = "alert_closed" if one.closed else "alert_opened"
                level = log.info if one.closed else log.warning
                level(
                    event, alert=one.name, severity=one.severity, detail=one.told,
                    figure=one.figure, threshold=one.threshold, opened=one.opened,
                )  # fmt: skip
        self._alerts_told = store.height
        self._daemon.alerts = counts

    def _tell(self, height: int) -> None:
        self.height = height
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def check_running(feed: Feed) -> None:
    """Raises `ObserverBehind` while the store has nothing at all to show."""
    if feed.height < 0:
        raise ObserverBehind(feed.failed or "it is being made from the blocks; try again shortly")
