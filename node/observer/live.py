"""What a running node adds to its read store, and the stream that tells of every new block."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from node.api.access import ALLOWED
from node.api.errors import TooManyRequests
from node.daemon import Daemon
from node.observer.alerts.reading import AlertLine, changed_since
from node.observer.feed import Feed, check_running
from node.observer.sight import Lexicon, Now
from node.observer.store import Reader
from node.viewing.viewer import viewer_now

STREAMS_MAX: Final = 100
ALIVE_SECONDS: Final = 15.0
"""A comment is sent so often, so that both sides see a broken connection."""


class LiveSight:
    """A running node's `Sight`."""

    def __init__(self, daemon: Daemon, feed: Feed) -> None:
        self._daemon = daemon
        self.feed = feed
        self._lexicon: tuple[int, Lexicon] | None = None

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A moment of the store; raises `ObserverBehind` while there is nothing in it."""
        check_running(self.feed)
        with self.feed.readers.reader() as db:
            yield db

    def now(self) -> Now | None:
        """The node as it runs."""
        shell, standing = self._daemon.shell, self._daemon.standing()
        lei_of = self._daemon.inbound.membership.lei_of
        return msgspec.convert(
            standing
            | {
                "lei": self._daemon.config.lei,
                "role": "member" if self._daemon.is_member else "observer",
                "node_height": shell.tip.height,
                "deciding_height": standing["height"],
                "behind": max(0, shell.core.sync.target() - shell.tip.height),
                "peers": sorted(lei for p in shell.core.peers if (lei := lei_of(p))),
            },
            Now,
        )

    def lexicon(self) -> Lexicon:
        """Names and scales, read again when the store has gone on."""
        height = self.feed.height
        if self._lexicon is None or self._lexicon[0] != height:
            with self.reader() as db:
                self._lexicon = (height, lexicon_of(db))
        return self._lexicon[1]

    def trouble(self) -> str:
        """Why the store goes on no more."""
        return self.feed.failed


def lexicon_of(db: Reader) -> Lexicon:
    """Names and scales of a store."""
    return Lexicon(
        names=dict(db.rows("SELECT lei, name FROM members")),
        exponents=dict(db.rows("SELECT code, exponent FROM assets")),
    )


def stream_route(feed: Feed) -> Any:
    """The handler of the stream."""
    following = 0

    @get("/stream", media_type="text/event-stream")
    async def stream(request: Request[Any, Any, Any]) -> ServerSentEvent:
        """An event `block` whenever the read store has gone on; its data is the height that views
        are now of. Several blocks may come as one."""
        if following >= STREAMS_MAX:
            raise TooManyRequests(f"{STREAMS_MAX} clients follow the blocks already")
        return ServerSentEvent(heights(request.state[ALLOWED]))

    async def heights(allowed: Callable[[], bool]) -> AsyncIterator[ServerSentEventMessage]:
        nonlocal following
        following += 1
        told: int | None = None
        try:
            while allowed():
                reached = feed.reached()  # before looking: what comes meanwhile is not missed
                if feed.height != told:
                    since, told = told, feed.height
                    yield ServerSentEventMessage(data=str(told), event="block", id=str(told))
                    for alert in [] if since is None else await asyncio.to_thread(alerts, since):
                        data = msgspec.json.encode(alert).decode()
                        yield ServerSentEventMessage(data=data, event="alert")
                try:
                    await asyncio.wait_for(reached.wait(), ALIVE_SECONDS)
                except TimeoutError:
                    yield ServerSentEventMessage(comment="alive")
        finally:
            following -= 1

    def alerts(since: int) -> list[AlertLine]:
        """As who follows may see them: the thread has its context."""
        with feed.readers.reader() as db:
            return changed_since(db, since, public=viewer_now().mandated is not None)

    return stream
