"""Tasks share one connection to the store; none makes durable what another has half written."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from node.storage.store import Store
from node.storage.trades import TradeStore
from node.storage.transaction import transaction
from tests.node.stores import market_days, small_network


def entries(path: Path) -> list[str]:
    """Keys of `meta` that are durable: as another process sees them."""
    db = sqlite3.connect(path)
    found = [key for (key,) in db.execute("SELECT key FROM meta ORDER BY key")]
    db.close()
    return found


async def test_another_tasks_commit_leaves_a_half_written_block_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = await Store.open(path, bytes(32))
    founded = small_network()
    mints = market_days(founded)[0]
    half_written, go_on = asyncio.Event(), asyncio.Event()

    async def block() -> None:
        async with transaction(store.db):
            await store.db.execute("INSERT INTO meta VALUES ('one', x'00')")
            half_written.set()
            await go_on.wait()
            await store.db.execute("INSERT INTO meta VALUES ('two', x'00')")

    writing = asyncio.create_task(block())
    await half_written.wait()
    others = [
        asyncio.create_task(store.keep(mints)),
        asyncio.create_task(TradeStore(store.db).close([])),
    ]
    await store.pending()
    assert entries(path) == []
    assert not any(task.done() for task in others)
    go_on.set()
    await asyncio.gather(writing, *others)
    assert entries(path) == ["one", "two"]
    assert len(await store.pending()) == len(mints)
    await store.close()


async def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = await Store.open(path, bytes(32))

    async def fails() -> None:
        async with transaction(store.db):
            await store.db.execute("INSERT INTO meta VALUES ('one', x'00')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert entries(path) == []
    await store.close()
