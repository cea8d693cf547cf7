"""How far a node that is behind has come: for `dcn status`, and for the log at a readable pace."""

import asyncio
import time
from collections import deque
from typing import Any, Final

import structlog

from node.core.core import NodeCore
from node.core.effects import CommitBlock

log = structlog.get_logger("node")

TELL_SECONDS: Final = 5.0
"""Between two lines in the log."""

SPAN_SECONDS: Final = 10.0
"""The speed is that of so long."""

BEHIND_MIN: Final = 5
"""Blocks behind that are worth a word; fewer are normal for a moment."""


class Progress:
    """Watches the blocks that are stored, and the snapshot that is fetched."""

    def __init__(self, core: NodeCore) -> None:
        self._core = core
        self._stored: deque[tuple[float, int]] = deque()
        """Seconds and height of the blocks stored lately."""

    def on_block(self, effect: CommitBlock) -> None:
        """A block is stored."""
        now = time.monotonic()
        self._stored.append((now, effect.tip.height))
        while now - self._stored[0][0] > SPAN_SECONDS:
            self._stored.popleft()

    def view(self) -> dict[str, Any] | None:
        """What the node catches up with, and how; None if it keeps up."""
        sync, height = self._core.sync, self._core.tip.height
        chunks = self._core.state_sync.chunks
        target = max(sync.target(), 0 if chunks is None else chunks.snapshot.height)
        if self._core.state_sync.active:
            found: dict[str, Any] = {"by": "snapshot"}
            if chunks is not None:
                found |= {
                    "snapshot_height": chunks.snapshot.height,
                    "chunks_done": chunks.held,
                    "chunks": chunks.total,
                    "peers": chunks.sources,
                }
        elif target - height >= BEHIND_MIN:
            found = {
                "by": "blocks",
                "blocks_per_s": self._per_s(),
                "waiting": sync.waiting,
                "peers": len(sync.sources(height)),
            }
        else:
            return None
        return {"from": height, "to": target, **found}

    def _per_s(self) -> float:
        if len(self._stored) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._stored[0], self._stored[-1]
        return round((last - first) / max(0.001, last_s - first_s), 1)

    async def tell(self) -> None:
        """Log the progress while there is any, for ever."""
        while True:
            await asyncio.sleep(TELL_SECONDS)
            found = self.view()
            if found is not None:
                log.info("catching_up", **found)
