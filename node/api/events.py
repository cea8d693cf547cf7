"""Routes about what has happened: every event of every block, a page at a time or as it comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import Request, get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from node.api.access import ALLOWED
from node.api.errors import BadRequest, HeightPruned
from node.api.places import Places
from node.api.reading import Limit, number_of
from node.apitypes import answers as a
from node.apitypes.shown import Shown, to_json
from node.daemon import Daemon
from node.plain import plain
from node.storage.events import EventId, StoredEvent, events_after
from node.viewing.seen import seen_event
from node.viewing.viewer import check_for_own

READS_MAX: Final = 10
"""Of the store for one page: who asks for what is nowhere has not all of the past read."""
ALIVE_SECONDS: Final = 15.0
"""A comment is sent so often, so that both sides see a broken connection."""

EVENT_TYPES: Final = a.EVENT_TYPES

Behind: TypeAlias = Annotated[
    str, QueryParameter(pattern="^(|latest|[0-9]{1,15}-[0-9]{1,15})$", description="An event's id.")
]
Kind: TypeAlias = Annotated[
    str, QueryParameter(enum=["", *sorted(EVENT_TYPES)], description="A type of event.")
]


def event_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    news = News(daemon)
    places = Places(daemon.config.api.streams_per_client)

    @get("/events")
    async def events(
        after: Behind = "", limit: Limit = 100, kind: Kind = "", member: str = ""
    ) -> a.Page[a.EventLine]:
        """Events behind the id `after` (HEIGHT-INDEX, or `latest`), oldest first. `kind`: only of
        this type, e.g. `TradeRegistered`; `member`: only those that name this LEI. Where few are
        wanted a page may have fewer than `limit`, or none, and a `next` to go on from. `next` null:
        there are no more yet, so ask again behind the last id, or follow `/v1/events/stream`."""
        wanted = Wanted(kind, member)
        begin = await news.begin(after)
        shown: list[a.EventLine] = []
        following: str | None = None
        for _ in range(READS_MAX):
            found = await events_after(daemon.store, begin)
            room = limit + 1 - len(shown)
            taken = [stored for stored in news.seen(found) if wanted.takes(stored)][:room]
            shown += map(line_of, taken)
            if not found or len(shown) > limit:
                break
            begin = found[-1].id
        else:
            following = str(begin)
        if len(shown) > limit:
            shown, following = shown[:limit], shown[limit - 1].id
        return a.Page(as_of_height=daemon.shell.tip.height, items=shown, next=following)

    @get("/events/stream", media_type="text/event-stream")
    async def stream(
        request: Request[Any, Any, Any],
        after: Behind = "",
        kind: Kind = "",
        member: str = "",
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
    ) -> ServerSentEvent:
        """The same as server-sent events, for as long as the client stays: `id` is the event's,
        `event` its type, `data` the item of `/v1/events`. A client that comes again with
        `Last-Event-ID` misses nothing and gets nothing twice."""
        check_for_own()  # each answer to a person goes on record by itself, so a person asks
        wanted = Wanted(kind, member)
        client = request.state["client"]
        places.check(client)
        begin = await news.begin(last_event_id or after)

        async def followed() -> AsyncIterator[ServerSentEventMessage]:
            with places.taken(client):
                async for message in news.follow(begin, wanted, request.state[ALLOWED]):
                    yield message

        return ServerSentEvent(followed())

    return [events, stream]


class Wanted:
    """Which events a client asks for; raises `BadRequest` for a type that there is not."""

    def __init__(self, kind: str, member: str) -> None:
        if kind and kind not in EVENT_TYPES:
            raise BadRequest(f"kind is {kind[:40]!r}, one of {', '.join(sorted(EVENT_TYPES))}")
        self._kind = kind
        self._member = member

    def takes(self, stored: StoredEvent) -> bool:
        """Whether the client asked for it."""
        if self._kind and type(stored.event).__name__ != self._kind:
            return False
        return not self._member or _names(plain(stored.event), self._member)


class News:
    """Who follows the events, and whether there are new ones."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._changed = asyncio.Event()
        daemon.shell.on_block.append(self._on_block)

    def _on_block(self, _: object) -> None:
        """A block is stored with its events."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def begin(self, after: str) -> EventId:
        """The id to begin behind; raises `BadRequest`, `HeightPruned`."""
        oldest = await self._daemon.store.oldest()
        if not after:
            return EventId(oldest, -1)
        if after == "latest":
            return EventId(self._daemon.shell.tip.height + 1, -1)
        height, separator, index = after.partition("-")
        if not separator:
            raise BadRequest(f"after is {after[:40]!r}, HEIGHT-INDEX expected")
        found = EventId(number_of(height), number_of(index))
        if found.height + 1 < oldest:
            raise HeightPruned(f"events behind {after[:40]}, the oldest kept are of {oldest}")
        return found

    def seen(self, found: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
        """What who asks sees of events."""
        state = self._daemon.shell.tip.state
        for stored in found:
            event = seen_event(state, stored.event)
            if event is not None:
                yield StoredEvent(stored.id, event)

    async def follow(
        self, begin: EventId, wanted: Wanted, allowed: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[ServerSentEventMessage]:
        """The events behind `begin` as they come, for as long as the client is allowed to."""
        while allowed():
            changed = self._changed  # before looking: what comes meanwhile is not missed
            found = await events_after(self._daemon.store, begin)
            seen = self.seen(found)
            for message in _messages(stored for stored in seen if wanted.takes(stored)):
                yield message
            if found:
                begin = found[-1].id
                continue
            try:
                await asyncio.wait_for(changed.wait(), ALIVE_SECONDS)
            except TimeoutError:
                yield ServerSentEventMessage(comment="alive")


def line_of(stored: StoredEvent) -> a.EventLine:
    """An event as clients get it."""
    kind = type(stored.event).__name__
    return a.EventLine(
        id=str(stored.id), height=stored.id.height, type=kind, event=Shown(stored.event)
    )


def _messages(found: Iterable[StoredEvent]) -> Iterable[ServerSentEventMessage]:
    for stored in found:
        line = line_of(stored)
        data = msgspec.json.encode(line, enc_hook=to_json).decode()
        yield ServerSentEventMessage(data=data, event=line.type, id=line.id)


def _names(value: Any, member: str) -> bool:
    """Whether a member, or a client account of it, stands anywhere in an event."""
    match value:
        case str():
            return value == member or value.startswith((f"{member}:", f"{member}>"))
        case dict():
            return any(_names(item, member) for item in value.values())
        case list():
            return any(_names(item, member) for item in value)
        case _:
            return False
