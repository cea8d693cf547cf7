"""The upkeep of a node's store while it runs: snapshots at their heights, then pruning.

A snapshot is taken of a state that never changes, in a thread and chunk by chunk; pruning goes in
small steps. Blocks are stored between all of these.
"""

import asyncio

import structlog

from node.config import StoreSection
from node.core.effects import CommitBlock
from node.core.snapshot import anchor_of
from node.snapshots import Snapshot, outline_of
from node.storage.pruning import PrunePlan, plan_pruning, prune_step, statements_from, vacuum_step
from node.storage.snapshots import SnapshotStore
from node.storage.store import Store

log = structlog.get_logger("node")


class Upkeep:
    """What is due, and the task that does it."""

    def __init__(
        self, store: Store, snapshots: SnapshotStore, config: StoreSection, height: int = 0
    ) -> None:
        """`height`: of the stored tip."""
        self._store = store
        self._snapshots = snapshots
        self._config = config
        self._height = height
        self._due: CommitBlock | None = None
        self._retain_once: int | None = None
        self._stored = asyncio.Event()
        self.settled = asyncio.Event()
        """Set while nothing is due or under way."""
        self.settled.set()

    def on_block(self, effect: CommitBlock) -> None:
        """A block is stored. Of several snapshots due, as in catching up, the last is taken."""
        self._height = effect.tip.height
        every = self._config.snapshot_every
        if every and self._height % every == 0:
            self._due = effect
            self._stored.set()
            self.settled.clear()

    async def run(self) -> None:
        """Work for ever; raises what the disk raises."""
        await self._snapshots.tidy()
        while True:
            await self._stored.wait()
            self._stored.clear()
            due, self._due = self._due, None
            if due is not None:
                await self._take(due)
            await self._prune()
            if not self._stored.is_set():
                self.settled.set()

    async def _take(self, due: CommitBlock) -> None:
        height = due.tip.height
        if height in await self._snapshots.heights():
            return
        log.info("snapshot_begun", height=height, rows=len(due.tip.state))
        outline, chunks = await asyncio.to_thread(outline_of, due.tip.state)
        snapshot = Snapshot(anchor_of(due.tip, due.decided.block.header), outline)
        day = await statements_from(self._store) or 0
        await self._snapshots.take(snapshot, chunks, self._config.snapshots_kept, day)
        log.info("snapshot_taken", height=height, chunks=len(outline))

    async def plan(self, retain: int) -> PrunePlan:
        """What pruning to `retain` blocks would delete now."""
        heights = await self._snapshots.heights()
        return await plan_pruning(self._store, heights, self._height, retain)

    async def prune(self, retain: int) -> PrunePlan:
        """Prune to `retain` blocks once, whatever is configured; begins at once, and goes on beside
        the node's other work."""
        found = await self.plan(retain)
        self._retain_once = retain
        self._stored.set()
        self.settled.clear()
        return found

    async def _prune(self) -> None:
        asked, self._retain_once = self._retain_once, None
        retain = self._config.retain_blocks or None if asked is None else asked
        if retain is None:
            return
        found = await self.plan(retain)
        while await prune_step(self._store, found.keep_from):
            pass  # who waits to write has its turn between two steps
        while await vacuum_step(self._store):
            pass
        if found.blocks:
            log.info("pruned", oldest=found.keep_from, blocks=found.blocks)
