"""Catching up by a snapshot: choose one, verify what proves it, fetch its chunks, go on from it.

    seek -> choose -> plan (snapshot, trail of light blocks) -> chunks -> assemble -> installed

Used when the peers have a snapshot far ahead, or none of them keeps the next block any more. The
snapshot is believed for a header that the light client's rule leads to from the genesis, each
chunk for its piece of that snapshot. A peer that sends anything else is asked no more; a late one
rests. Chunks are kept as they come, so a restart loses none.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from node.blocks import LightBlock
from node.core import effects as e
from node.core.chunks import Chunks
from node.core.errors import UntrustedHeader
from node.core.inputs import Arriving
from node.core.outbox import Outbox
from node.core.pace import ANSWER_MS
from node.core.trust import Trust
from node.light.root import GenesisRoot, NamedHeader
from node.light.verify import Options
from node.messages import (
    LIGHT_BLOCKS_PER_REQUEST_MAX,
    ChunkReply,
    LightBlocksReply,
    LightBlocksRequest,
    SnapshotOffer,
    SnapshotReply,
    SnapshotRequest,
    SnapshotsReply,
    SnapshotsRequest,
)
from node.snapshots import BadSnapshot, Snapshot, check_snapshot, digest
from wire.errors import PeerFault

SEEK_MS: Final = 2_000
"""So long peers may take to say what they offer before the best of it is chosen."""

SEEK_MS_MIN: Final = 500
"""So long it waits in any case: after a start, peers connect one after the other."""

ASK_AGAIN_MS: Final = 10_000
"""How often peers are asked for their offers: they make new snapshots, and drop old ones."""

STALLED_MS: Final = 30_000
"""Without a chunk for so long, a snapshot is given up for another."""

REST_MS: Final = 60_000
"""After a try that came to nothing; blocks are fetched meanwhile, if anybody has them."""


class CatchUp(msgspec.Struct, frozen=True):
    """When and on what ground a node takes its state from others."""

    root: GenesisRoot
    behind_min: int
    """A snapshot so many blocks ahead is taken in place of the blocks."""
    how: Options
    checkpoint: NamedHeader | None = None
    """A header that the operator trusts: what contradicts it is refused."""
    last_height: int = 0
    """No snapshot above this is taken; 0: of any height."""


class _Plan(msgspec.Struct):
    """The snapshot asked of one peer, until it is verified."""

    peer: str
    asked_ms: int
    trust: Trust
    reply: SnapshotReply | None = None
    missing: tuple[int, ...] = ()
    """Heights of the trail whose light blocks are still to be asked for."""
    over: int = 0
    """The trusted header's height, over which the trail must lead; 0: none."""


class StateSync:
    """The snapshot under way, if any, and what the peers offer."""

    def __init__(
        self, catch_up: CatchUp | None, outbox: Outbox, agreed: Callable[[LightBlock], bool]
    ) -> None:
        """`catch_up`: None takes no snapshot ever; `agreed`: see `Trust`."""
        self._agreed: Final = agreed
        self._catch_up: Final = catch_up
        self._outbox: Final = outbox
        self._offers: dict[str, tuple[SnapshotOffer, ...]] = {}
        self._liars: dict[str, None] = {}
        """Peers that are asked no more in this try."""
        self._failed: dict[tuple[str, SnapshotOffer], None] = {}
        """Offers that came to nothing: silence, or a snapshot that has been dropped meanwhile."""
        self._sought_ms: int | None = None
        """When the peers were first asked, in this try."""
        self._asked_ms: dict[str, int] = {}
        """When each peer was last asked for its offers."""
        self._rests_until_ms = 0
        self._choice: SnapshotOffer | None = None
        self._plan: _Plan | None = None
        self.chunks: Chunks | None = None
        """Those of the verified snapshot."""

    @property
    def active(self) -> bool:
        """Whether a snapshot is sought or fetched: blocks wait until it is decided."""
        return self._sought_ms is not None

    def resume(self, arriving: Arriving) -> None:
        """Go on after a restart."""
        snapshot = arriving.snapshot
        self.chunks = Chunks(snapshot, arriving.held, self._outbox)
        self._choice = SnapshotOffer(snapshot.height, digest(snapshot))
        self._sought_ms = self._outbox.now_ms
        self._outbox.note("snapshot_resumed", height=snapshot.height, held=len(arriving.held))

    # ---------------------------------------------------------------- time
    def tick(self, height: int, target: int, *, blocks_to_be_had: bool, peers: list[str]) -> None:
        """Look whether a snapshot is wanted or late; the tip is at `height`, peers at `target`."""
        now = self._outbox.now_ms
        if self._catch_up is None or now < self._rests_until_ms:
            return
        least = height + (self._catch_up.behind_min if blocks_to_be_had else 1)
        if not self.active:
            if target < least or target <= height + 1:
                return
            self._sought_ms = now
        for peer in peers:
            if now >= self._asked_ms.get(peer, now - ASK_AGAIN_MS) + ASK_AGAIN_MS:
                self._asked_ms[peer] = now
                self._outbox.send(peer, SnapshotsRequest())
        if self._choice is None:
            self._choose(least, peers)
        elif self.chunks is None:
            self._ask_for_plan()
        else:
            self._fetch(self.chunks)

    def _choose(self, least: int, peers: list[str]) -> None:
        """Of the snapshots high enough, the one that most peers have; of those, the highest."""
        now = self._outbox.now_ms
        assert self._sought_ms is not None
        waited_ms = now - self._sought_ms
        if waited_ms < SEEK_MS_MIN or (
            waited_ms < SEEK_MS and any(p not in self._offers for p in peers)
        ):
            return
        votes: dict[SnapshotOffer, int] = {}
        for peer, offers in self._offers.items():
            for offer in offers:
                if self._fits(offer, least) and self._stands(peer, offer):
                    votes[offer] = votes.get(offer, 0) + 1
        if votes:
            self._choice = max(votes, key=lambda one: (votes[one], one.height, one.digest))
            self._outbox.note(
                "snapshot_chosen", height=self._choice.height, peers=votes[self._choice]
            )
            self._ask_for_plan()
        elif waited_ms >= SEEK_MS:
            self._give_up("no peer offers one that is far enough")

    def _fits(self, offer: SnapshotOffer, least: int) -> bool:
        assert self._catch_up is not None
        return least <= offer.height <= (self._catch_up.last_height or offer.height)

    def _give_up(self, why: str) -> None:
        self._outbox.note("snapshot_given_up", reason=why)
        self._rests_until_ms = self._outbox.now_ms + REST_MS
        self._reset()

    def _reset(self) -> None:
        self._sought_ms = self._choice = self._plan = self.chunks = None
        self._offers.clear()
        self._asked_ms.clear()
        self._liars.clear()
        self._failed.clear()

    def _holders(self) -> list[str]:
        """Peers that offer the chosen snapshot and have not lied about it."""
        return [
            peer
            for peer, offers in self._offers.items()
            if self._choice in offers and self._stands(peer, self._choice)
        ]

    def _stands(self, peer: str, offer: SnapshotOffer) -> bool:
        return peer not in self._liars and (peer, offer) not in self._failed

    # ---------------------------------------------------------------- offers and the plan
    def lost(self, peer: str) -> None:
        """`peer` is gone."""
        self._offers.pop(peer, None)
        self._asked_ms.pop(peer, None)
        if self._plan is not None and self._plan.peer == peer:
            self._plan = None
        if self.chunks is not None:
            self.chunks.lost(peer)

    def offered(self, peer: str, reply: SnapshotsReply) -> None:
        """What `peer` has."""
        if self.active:
            self._offers[peer] = reply.offers

    def _ask_for_plan(self) -> None:
        plan, now = self._plan, self._outbox.now_ms
        assert self._choice is not None
        if plan is not None:
            if now < plan.asked_ms + ANSWER_MS:
                return
            self._failed[plan.peer, self._choice] = None
            self._plan = None
        holders = self._holders()
        if not holders:  # there may be another one
            self._outbox.note("snapshot_dropped", height=self._choice.height)
            self._choice = None
            return
        assert self._catch_up is not None
        how = self._catch_up
        trust = Trust(how.root, how.how, self._agreed, how.checkpoint)
        self._plan = _Plan(holders[0], now, trust)
        self._outbox.send(holders[0], SnapshotRequest(self._choice.height))

    def expects_plan(self, peer: str) -> bool:
        """Whether `peer` was asked for its snapshot."""
        return self._plan is not None and self._plan.peer == peer and self._plan.reply is None

    def planned(self, peer: str, reply: SnapshotReply) -> None:
        """`peer` sent the snapshot it was asked for. Raises `BadSnapshot`, `UntrustedHeader`."""
        plan = self._plan
        if plan is None or plan.peer != peer or plan.reply is not None or self._choice is None:
            return
        if reply.snapshot is None or reply.successor is None:  # dropped for a newer one
            self._failed[peer, self._choice] = None
            self._plan = None
            return
        offered = SnapshotOffer(reply.snapshot.height, digest(reply.snapshot))
        named = None if self._catch_up is None else self._catch_up.checkpoint
        try:
            if offered != self._choice:
                raise BadSnapshot(f"of height {offered.height} is not the one it offered")
            check_snapshot(reply.snapshot, reply.successor.header)
            if named is not None and named.contradicts(reply.snapshot.anchor.header):
                raise UntrustedHeader(f"height {named.height} is not what the operator trusts")
        except PeerFault:
            self._lied(peer)
            raise
        plan.reply, plan.asked_ms = reply, self._outbox.now_ms
        plan.missing = reply.trail[1:]
        if named is not None and 1 < named.height < offered.height:
            plan.over = named.height
            plan.missing = tuple(sorted({*plan.missing, named.height}))
        self._outbox.send(peer, LightBlocksRequest((1,)))

    def expects_light_blocks(self, peer: str) -> bool:
        """Whether `peer` was asked for its trail."""
        return self._plan is not None and self._plan.peer == peer and self._plan.reply is not None

    def led(self, peer: str, reply: LightBlocksReply) -> None:
        """Light blocks of the trail that were asked for. Raises `UntrustedHeader`."""
        plan = self._plan
        if plan is None or plan.reply is None or plan.peer != peer:
            return
        try:
            if self._follow(plan, reply.blocks):
                self._begin(plan)
        except PeerFault:
            self._lied(peer)
            raise

    def _follow(self, plan: _Plan, blocks: tuple[LightBlock, ...]) -> bool:
        """Whether the trail has reached the successor; if not, more of it has been asked for."""
        now = self._outbox.now_ms
        assert plan.reply is not None
        assert plan.reply.successor is not None
        for block in blocks:
            if not plan.trust.step(block, now):
                raise UntrustedHeader(f"its trail does not lead to {block.header.height}")
        passed = not plan.over or plan.trust.has(plan.over)
        if passed and plan.trust.trail and plan.trust.step(plan.reply.successor, now):
            return True
        asked = plan.missing[:LIGHT_BLOCKS_PER_REQUEST_MAX]
        if not passed and not asked:  # no fault: it has pruned that block
            assert self._choice is not None
            self._failed[plan.peer, self._choice] = None
            self._plan = None
            return False
        if not asked or not blocks:
            raise UntrustedHeader("its trail does not lead to the snapshot")
        plan.missing, plan.asked_ms = plan.missing[len(asked) :], now
        self._outbox.send(plan.peer, LightBlocksRequest(asked))
        return False

    def _begin(self, plan: _Plan) -> None:
        """The snapshot is proved: from now on every chunk is."""
        assert plan.reply is not None
        assert plan.reply.snapshot is not None
        snapshot: Snapshot = plan.reply.snapshot
        self._outbox.emit(e.BeginSnapshot(snapshot, tuple(plan.trust.trail)))
        self.chunks = Chunks(snapshot, (), self._outbox)
        self._plan = None
        self._outbox.note("snapshot_verified", height=snapshot.height, pieces=len(snapshot.outline))
        self._fetch(self.chunks)

    def _lied(self, peer: str) -> None:
        self._liars[peer] = None
        self._plan = None
        if self.chunks is not None:
            self.chunks.lost(peer)

    # ---------------------------------------------------------------- chunks
    def expects_chunk(self, peer: str, reply: ChunkReply) -> bool:
        """Whether `reply` answers a request."""
        return self.chunks is not None and self.chunks.expects(peer, reply)

    def chunk(self, peer: str, reply: ChunkReply) -> None:
        """A part of a chunk that was asked for. Raises `BadSnapshot`."""
        if self.chunks is None:
            return
        try:
            if not self.chunks.arrived(peer, reply) and self._choice is not None:
                self._failed[peer, self._choice] = None
        except PeerFault:
            self._lied(peer)
            raise
        self._fetch(self.chunks)

    def _fetch(self, chunks: Chunks) -> None:
        chunks.ask(self._holders())
        if chunks.idle_since_ms + STALLED_MS <= self._outbox.now_ms:
            self._give_up("no chunk has come for a while")

    def assembled(self, complete: bool) -> None:
        """The state of the snapshot has been built and is in use, or its chunks were damaged."""
        self._reset()
        if not complete:
            self._rests_until_ms = self._outbox.now_ms + SEEK_MS
            self._outbox.note("snapshot_given_up", reason="the kept chunks are damaged")
