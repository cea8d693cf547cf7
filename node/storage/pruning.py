"""Pruning: old blocks, and what followed from them, are deleted and the file gets smaller."""

from typing import Final

from node.storage.store import Store
from node.storage.transaction import transaction

STEP_HEIGHTS: Final = 64
"""Heights deleted in one transaction: blocks are stored between two steps."""

STEP_PAGES: Final = 1_024
"""Free pages given back to the file system at a time: 4 MB."""

SPARE_PAGES: Final = 64
"""Free pages that are left for the next blocks."""

PRUNED: Final = ("receipts", "results", "events", "blocks")
"""Tables that lose their rows, blocks last: what stands without a block would be a finding."""


async def prune_step(store: Store, keep_from: int) -> bool:
    """Delete a few of the heights below `keep_from`; whether there are more."""
    oldest = await store.oldest()
    end = min(oldest + STEP_HEIGHTS, keep_from)
    if end <= oldest:
        return False
    async with transaction(store.db):
        for table in PRUNED:
            await store.db.execute(f"DELETE FROM {table} WHERE height<?", (end,))
        await store.keep_from(end)
    return True


async def vacuum_step(store: Store) -> bool:
    """Give some free pages back to the file system; whether there are more."""
    async with transaction(store.db):
        cursor = await store.db.execute("PRAGMA freelist_count")
        row = await cursor.fetchone()
        free = 0 if row is None else int(row[0])
        if free <= SPARE_PAGES:
            return False
        pages = min(STEP_PAGES, free - SPARE_PAGES)
        # Not `execute`, which takes one step, and a step frees one page.
        await store.db.executescript(f"PRAGMA incremental_vacuum({pages});")
    return free > SPARE_PAGES + STEP_PAGES
