"""What a running node adds to its read store, and the stream that tells of every new block."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import msgspec
from litestar import Request, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from node.api.access import ALLOWED
from node.api.places import Places
from node.daemon import Daemon
from node.observer.alerts.reading import AlertLine, changed_since
from node.observer.feed import Feed, check_running
from node.observer.sight import Lexicon, Now, Replayed, Sight
from node.observer.store import Reader
from node.viewing.viewer import viewer_now

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

    def replayed(self) -> Replayed | None:
        """It is no replay."""
        return None


def lexicon_of(db: Reader) -> Lexicon:
    """Names and scales of a store."""
    return Lexicon(
        names=dict(db.rows("SELECT lei, name FROM members")),
        exponents=dict(db.rows("SELECT code, exponent FROM assets")),
    )


class Followed(Protocol):
    """A read store that goes on, and what there is to tell of it."""

    @property
    def height(self) -> int:
        """The last block that it has; -1: none."""

    @property
    def beside(self) -> str:
        """JSON of what else is told; empty: there is nothing else."""

    def reached(self) -> asyncio.Event:
        """Is set when there is news."""


def stream_route(feed: Followed, places: Places, sight: Sight) -> Any:
    """The handler of the stream."""

    @get("/stream", media_type="text/event-stream")
    async def stream(request: Request[Any, Any, Any]) -> ServerSentEvent:
        """An event `block` whenever the read store has gone on; its data is the height that views
        are now of. Several blocks may come as one. An event `alert` for each alert that has
        opened or closed since, as in the view Alerts; to a person under a mandate only those that
        are everybody's, because a stream is no look. In a replay also events `replay`; their data
        is what `/v1/replay` answers."""
        client = request.state["client"]
        places.check(client)
        return ServerSentEvent(heights(client, request.state[ALLOWED]))

    async def heights(
        client: str, allowed: Callable[[], bool]
    ) -> AsyncIterator[ServerSentEventMessage]:
        told: int | None = None
        beside = ""
        with places.taken(client):
            while allowed():
                reached = feed.reached()  # before looking: what comes meanwhile is not missed
                if feed.height != told:
                    since, told = told, feed.height
                    yield ServerSentEventMessage(data=str(told), event="block", id=str(told))
                    for alert in [] if since is None else await asyncio.to_thread(alerts, since):
                        data = msgspec.json.encode(alert).decode()
                        yield ServerSentEventMessage(data=data, event="alert")
                if feed.beside != beside:
                    beside = feed.beside
                    yield ServerSentEventMessage(data=beside, event="replay")
                try:
                    await asyncio.wait_for(reached.wait(), ALIVE_SECONDS)
                except TimeoutError:
                    yield ServerSentEventMessage(comment="alive")

    def alerts(since: int) -> list[AlertLine]:
        """As who follows may see them: the thread has its context."""
        with sight.reader() as db:
            return changed_since(db, since, public=viewer_now().mandated is not None)

    return stream
