"""Joining a network that runs: a home's node follows until it has the newest block, then stops.

What it fetches is verified as always (docs/SYNC.md); here is only when it is there, and what is
wrong if it does not come.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from node.core.core import NodeCore
from node.daemon import Daemon
from wire.errors import CodedError, EnvironmentFault

LOOK_SECONDS: Final = 0.25
SETTLED_SECONDS: Final = 2.0
"""At the newest block for so long: peers that have more would have said so."""


class JoinNotLetIn(EnvironmentFault):
    """No peer has accepted this node as one of the network."""

    code = "JOIN_NOT_LET_IN"
    remedy = (
        "Check `network.peers` and the genesis (`dcn doctor`). Members let in who is on the "
        "ledger: apply with `dcn governance apply`, wait for the vote, and join again."
    )


class JoinStalled(EnvironmentFault):
    """Peers are connected, but what is missing does not come."""

    code = "JOIN_STALLED"
    remedy = (
        "Join again: it goes on where it was. If the trusted header is newer than the peers' "
        "blocks, or pruned by all of them, name another; the log has `peer_fault` for what is "
        "refused."
    )


class GenesisDiffers(EnvironmentFault):
    """Nodes of one network gave different geneses: one of them at least is of another network."""

    code = "JOIN_GENESIS_DIFFERS"
    remedy = "Ask their operators for the hash (`dcn genesis show`), and leave out who is wrong."


class Joined(msgspec.Struct, frozen=True):
    """Where the node has got to."""

    chain_id: str
    height: int
    block_id: bytes
    state_root: bytes
    oldest: int
    """The lowest height whose block the node has: above 1, it began with a snapshot."""


Tell = Callable[[dict[str, Any]], None]
"""Told how far the node is."""


async def follow_to_tip(home: Path, patience_s: float, tell: Tell) -> Joined:
    """Run the node of `home` until it has the peers' newest block and is past the trusted header.

    `patience_s`: so long it may stand still. Raises `JoinNotLetIn`, `JoinStalled`,
    `CheckpointContradicted`, and what a node can fail of.
    """
    daemon = await Daemon.open(home)
    node = asyncio.create_task(daemon.run(), name="node")
    try:
        await asyncio.wait(
            [node, watching := asyncio.create_task(_watch(daemon, patience_s, tell))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if node.done():
            watching.cancel()
            node.result()  # its error, if it has one
            raise JoinStalled("the node was stopped")
        oldest = await watching
    finally:
        daemon.stop()
        with contextlib.suppress(CodedError):
            await node
    tip = daemon.shell.tip
    return Joined(tip.chain_id, tip.height, tip.block_id, tip.state.root, oldest)


async def _watch(daemon: Daemon, patience_s: float, tell: Tell) -> int:
    """Until the node is where it should be; the oldest height that it keeps."""
    named = daemon.config.store.checkpoint()
    least = 0 if named is None else named.height
    moved_s = settled_s = time.monotonic()
    seen: object = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now_s, core = time.monotonic(), daemon.shell.core
        place = _place(core)
        if place != seen:
            seen, moved_s = place, now_s
            tell(place)
        if not place["peers"] or place["by"] or place["height"] < max(place["to"], least):
            settled_s = now_s
        if now_s - settled_s >= SETTLED_SECONDS:
            return await daemon.store.oldest()
        if now_s - moved_s > patience_s:
            if not core.peers:
                raise JoinNotLetIn(f"nobody answered in {patience_s:.0f} s")
            raise JoinStalled(f"at height {core.tip.height} for {patience_s:.0f} s")


def _place(core: NodeCore) -> dict[str, Any]:
    chunks = core.state_sync.chunks
    return {
        "height": core.tip.height,
        "to": core.sync.target(),
        "peers": len(core.peers),
        "by": "snapshot" if core.state_sync.active else "",
        "chunks": None if chunks is None else f"{chunks.held}/{chunks.total}",
    }
