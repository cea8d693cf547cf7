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
from node.storage.pruning import prune_step, vacuum_step
from node.storage.snapshots import SnapshotStore
from node.storage.store import Store

log = structlog.get_logger("node")


class Upkeep:
    """What is due, and the task that does it."""

    def __init__(self, store: Store, snapshots: SnapshotStore, config: StoreSection) -> None:
        self._store = store
        self._snapshots = snapshots
        self._config = config
        self._height = 0
        self._due: CommitBlock | None = None
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
        await self._snapshots.take(snapshot, chunks, self._config.snapshots_kept)
        log.info("snapshot_taken", height=height, chunks=len(outline))

    async def _prune(self) -> None:
        """Keep what is configured, and everything from the oldest snapshot on: a peer that takes
        it needs the blocks after it, and `dcn verify` begins there."""
        heights = await self._snapshots.heights()
        if not self._config.retain_blocks or not heights:
            return
        keep_from = min(self._height - self._config.retain_blocks, heights[0]) + 1
        before = await self._store.oldest()
        while await prune_step(self._store, keep_from):
            pass  # who waits to write has its turn between two steps
        while await vacuum_step(self._store):
            pass
        oldest = await self._store.oldest()
        if oldest > before:
            log.info("pruned", oldest=oldest, blocks=oldest - before)
