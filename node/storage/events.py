"""The ledger's events as the store keeps them: each block's, in order, pruned with the block."""

from typing import Any, Final, NamedTuple

from ledger.events import Event
from node.storage.errors import StoreDamaged
from node.storage.store import Store
from wire.codec import decode
from wire.errors import CodedError
from wire.limits import BLOCK_BYTES_MAX

SCANNED_MAX: Final = 5_000
"""Events read at a time: between two reads blocks are stored."""


ANY_EVENT: Final[Any] = Event
"""A union is no `type` to mypy."""


class EventId(NamedTuple):
    """The place of an event: height of its block, and its number in it from 0. -1: before all."""

    height: int
    number: int

    def __str__(self) -> str:
        return f"{self.height}-{self.number}"


class StoredEvent(NamedTuple):
    """An event and its place."""

    id: EventId
    event: Event


async def events_after(store: Store, after: EventId) -> list[StoredEvent]:
    """The events behind `after`, oldest first, up to `SCANNED_MAX`; raises `StoreDamaged`. What it
    costs does not depend on how many more there are."""
    rest = (
        "SELECT height, event FROM events WHERE height=? ORDER BY sequence LIMIT ? OFFSET ?",
        (after.height, SCANNED_MAX, after.number + 1),
    )
    later = (
        "SELECT height, event FROM events WHERE height>? ORDER BY height, sequence LIMIT ?",
        (after.height, SCANNED_MAX),
    )
    found: list[StoredEvent] = []
    last = after
    for query, values in (rest, later):
        cursor = await store.db.execute(query, values)
        for height, raw in await cursor.fetchmany(SCANNED_MAX - len(found)):
            last = EventId(height, last.number + 1 if height == last.height else 0)
            found.append(StoredEvent(last, _decoded(last, raw)))
        await cursor.close()
        if len(found) == SCANNED_MAX:
            break
    return found


def _decoded(ident: EventId, raw: bytes) -> Event:
    try:
        event: Event = decode(bytes(raw), ANY_EVENT, BLOCK_BYTES_MAX)
    except CodedError as error:
        raise StoreDamaged(f"height {ident.height}: event {ident.number}: {error}") from None
    return event
