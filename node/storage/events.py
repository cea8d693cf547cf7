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
    """The events behind `after`, oldest first, up to `SCANNED_MAX`; raises `StoreDamaged`."""
    query = (
        "SELECT height, number, event FROM (SELECT height, event, sequence, ROW_NUMBER() OVER "
        "(PARTITION BY height ORDER BY sequence) - 1 AS number FROM events WHERE height>=?) "
        "WHERE height>? OR number>? ORDER BY height, number LIMIT ?"
    )
    values = (after.height, after.height, after.number, SCANNED_MAX)
    cursor = await store.db.execute(query, values)
    found = []
    for height, number, raw in await cursor.fetchall():
        try:
            event: Event = decode(bytes(raw), ANY_EVENT, BLOCK_BYTES_MAX)
        except CodedError as error:
            raise StoreDamaged(f"height {height}: event {number}: {error}") from None
        found.append(StoredEvent(EventId(height, number), event))
    return found
