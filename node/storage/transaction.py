"""One writer at a time: tasks share one SQLite connection, and with it its one transaction.

Without this, the commit of one task would make durable what another has only half written.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

import aiosqlite

from node.storage.errors import as_stored

_WRITERS: "WeakKeyDictionary[aiosqlite.Connection, asyncio.Lock]" = WeakKeyDictionary()


@asynccontextmanager
async def transaction(db: aiosqlite.Connection) -> AsyncIterator[None]:
    """Everything written inside is committed together at the end, or rolled back on an error.

    Raises `DiskFull`, `StoreUnusable`, `StoreDamaged` for what SQLite says.
    """
    async with _WRITERS.setdefault(db, asyncio.Lock()):
        with as_stored():
            try:
                yield
                await db.commit()
            except BaseException:
                await db.rollback()
                raise
