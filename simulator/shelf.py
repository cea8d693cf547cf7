"""A simulated node's snapshots: as `node.storage.snapshots` keeps them, in memory."""

from node.blocks import DecidedBlock, LightBlock
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.snapshot import anchor_of
from node.core.trust import on_trail
from node.messages import (
    CHUNK_PART_BYTES,
    ChunkReply,
    ChunkRequest,
    ServedReply,
    ServedRequest,
    SnapshotOffer,
    SnapshotReply,
    SnapshotRequest,
    SnapshotsReply,
    SnapshotsRequest,
)
from node.snapshots import Snapshot, digest, outline_of
from node.storage.snapshots import state_of
from wire.codec import encode
from wire.errors import CodedError
from wire.statechunks import CHUNK_BYTES_MAX


class Shelf:
    """Whole snapshots, the one that is being fetched, and the trail of light blocks."""

    def __init__(
        self, every: int = 0, kept: int = 2, chunk_bytes_max: int = CHUNK_BYTES_MAX
    ) -> None:
        """`every`: heights between two snapshots; 0: none is taken."""
        self._every, self._kept, self._chunk_bytes_max = every, kept, chunk_bytes_max
        self.whole: dict[int, tuple[Snapshot, dict[int, bytes]]] = {}
        self.arriving: Snapshot | None = None
        self.chunks: dict[int, bytes] = {}
        """Of the one that is being fetched."""
        self.trail: dict[int, LightBlock] = {}

    def committed(self, decided: DecidedBlock, tip: Tip) -> None:
        """A block is stored: its light block may be one of the trail, a snapshot may be due."""
        header = decided.block.header
        if on_trail(header):
            sets = tip.last_validators.members, tip.validators.members
            self.trail[header.height] = LightBlock(header, decided.commit, *sets)
        if self._every and header.height % self._every == 0:
            outline, chunks = outline_of(tip.state, self._chunk_bytes_max)
            data = {number: encode(chunk) for number, chunk in enumerate(chunks)}
            self.whole[header.height] = Snapshot(anchor_of(tip, header), outline), data
            for old in sorted(self.whole)[: -self._kept]:
                del self.whole[old]

    def emptied(self) -> "Shelf":
        """A shelf of the same kind with nothing on it."""
        return Shelf(self._every, self._kept, self._chunk_bytes_max)

    def back_to(self, height: int) -> None:
        """As it was at `height`, with the store that it stands in."""
        self.whole = {h: one for h, one in self.whole.items() if h <= height}
        self.trail = {h: one for h, one in self.trail.items() if h <= height}
        self.arriving, self.chunks = None, {}

    def resumed(self) -> i.Arriving | None:
        """What a start is told of an interrupted fetch."""
        return None if self.arriving is None else i.Arriving(self.arriving, tuple(self.chunks))

    def fetched(
        self, effect: e.BeginSnapshot | e.KeepChunk | e.AssembleState, now_ms: int
    ) -> i.Input | None:
        """Keep what comes, and make a state of it."""
        match effect:
            case e.BeginSnapshot(snapshot=snapshot, trail=trail):
                self.arriving, self.chunks = snapshot, {}
                self.trail |= {block.header.height: block for block in trail}
            case e.KeepChunk(number=number, data=data):
                self.chunks[number] = data
            case e.AssembleState(height=height):
                try:
                    state = state_of([self.chunks[number] for number in sorted(self.chunks)])
                except CodedError:
                    state = None
                return i.StateAssembled(height, state, now_ms)
        return None

    def installed(self, snapshot: Snapshot) -> None:
        """The fetched snapshot is this node's own now."""
        self.whole = {snapshot.height: (snapshot, self.chunks)}
        self.arriving, self.chunks = None, {}

    def serve(
        self, request: ServedRequest, tip_height: int, successor: LightBlock | None
    ) -> ServedReply:
        """The answer to a peer; `successor`: of the snapshot asked for, if it is decided."""
        match request:
            case SnapshotsRequest():
                ready = {h: one for h, (one, _) in self.whole.items() if h < tip_height}
                return SnapshotsReply(
                    tuple(SnapshotOffer(h, digest(one)) for h, one in sorted(ready.items()))
                )
            case SnapshotRequest(height=height):
                if height not in self.whole or successor is None:
                    return SnapshotReply(height, None, None, ())
                trail = tuple(sorted(h for h in self.trail if h <= height))
                return SnapshotReply(height, self.whole[height][0], successor, trail)
            case ChunkRequest(height=height, number=number, part=part):
                data = self.whole.get(height, (None, {}))[1].get(number, b"")
                parts = -(-len(data) // CHUNK_PART_BYTES)
                start = part * CHUNK_PART_BYTES
                if part >= parts:
                    return ChunkReply(height, number, part, 0, b"")
                piece = data[start : start + CHUNK_PART_BYTES]
                return ChunkReply(height, number, part, parts, piece)
