"""Pruning: old blocks, and what followed from them, are deleted and the file gets smaller."""

from collections.abc import Sequence
from typing import Final

import msgspec

from ledger.events import DateClosed
from node.storage.store import Store
from node.storage.transaction import transaction
from wire.codec import encode
from wire.ids import Date

STEP_HEIGHTS: Final = 64
"""Heights deleted in one transaction: blocks are stored between two steps."""

STEP_PAGES: Final = 1_024
"""Free pages given back to the file system at a time: 4 MB."""

SPARE_PAGES: Final = 64
"""Free pages that are left for the next blocks."""

PRUNED: Final = ("receipts", "results", "events", "blocks")
"""Tables that lose their rows, blocks last: what stands without a block would be a finding."""

DATE_CLOSED: Final = encode(DateClosed(Date(20080915)))[:2]
"""How the event that closes a business date begins: length and tag."""


class PrunePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What pruning deletes: the blocks from `oldest` up to, not including, `keep_from`."""

    oldest: int
    keep_from: int
    blocks: int
    bytes: int
    """Of these blocks as stored; what followed from them comes on top."""
    because: str
    """What asks for `keep_from` to be kept: `retain`, `sync`, `statements`, or `no snapshot`."""


async def plan_pruning(
    store: Store, snapshots: Sequence[int], tip_height: int, retain: int
) -> PrunePlan:
    """What may go if `retain` blocks are to stay; `snapshots`: heights of the whole, ascending.

    A peer that takes the oldest snapshot needs all blocks after it, `dcn verify` begins there, and
    the statements of the last closed business date and the open one need a snapshot before their
    first block. Evidence needs none: the ledger remembers what it takes.
    """
    oldest = await store.oldest()
    keep_from, because = max(tip_height - retain, 0) + 1, "retain"
    day = await statements_from(store)
    if not snapshots:
        keep_from, because = oldest, "no snapshot"
    elif snapshots[0] + 1 < keep_from:
        keep_from, because = snapshots[0] + 1, "sync"
    if day is not None and oldest == 1 and keep_from > day and snapshots and snapshots[0] >= day:
        keep_from, because = oldest, "statements"  # only the genesis is before their first block
    keep_from = max(oldest, keep_from)
    cursor = await store.db.execute(
        "SELECT count(*), coalesce(sum(length(decided)), 0) FROM blocks WHERE height<?",
        (keep_from,),
    )
    row = await cursor.fetchone()
    blocks, size = (0, 0) if row is None else (int(row[0]), int(row[1]))
    return PrunePlan(oldest=oldest, keep_from=keep_from, blocks=blocks, bytes=size, because=because)


async def statements_from(store: Store) -> int | None:
    """The first block of the last closed business date, or of the open one if the store does not
    know where the closed one began; None: of neither."""
    cursor = await store.db.execute(
        "SELECT height FROM events WHERE substr(event, 1, ?)=? ORDER BY sequence DESC LIMIT 2",
        (len(DATE_CLOSED), DATE_CLOSED),
    )
    heights = [int(row[0]) for row in await cursor.fetchall()]
    return min(heights) + 1 if heights else None


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
