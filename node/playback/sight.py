"""A replay as the views see it: its read store, and the state for what-if questions."""

import asyncio
from pathlib import Path
from typing import Any

from node.observer.rehearsing import RehearsalRefused
from node.observer.sight import Replayed
from node.observer.stored import StoredSight
from node.plain import plain
from node.playback.player import Player
from node.whatif.default import default
from wire.errors import Rejection
from wire.ids import lei as checked_lei


class PlayedSight(StoredSight):
    """The `Sight` of a replay."""

    def __init__(self, path: Path, player: Player) -> None:
        super().__init__(path)
        self._player = player

    def trouble(self) -> str:
        """Why the replay goes on no more."""
        return self._player.position().trouble

    def replayed(self) -> Replayed | None:
        """Where it stands."""
        return self._player.position()


class RehearsedThen:
    """The `Rehearse` of a replay: on the state that the page is after, in a thread. No consensus
    waits for this process, so unlike a node's it needs no process of its own."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._one = asyncio.Lock()

    async def __call__(self, lei: str) -> dict[str, Any]:
        """The report as JSON; raises `RehearsalRefused`."""
        async with self._one:
            now = self._player.now
            try:
                report = await asyncio.to_thread(
                    default, now.state, now.block_id, (checked_lei(lei),), {}
                )
            except Rejection as refused:
                raise RehearsalRefused(f"{refused.code}: {refused.detail}") from None
        found: dict[str, Any] = plain(report)
        return found
