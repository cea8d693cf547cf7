"""The chunks of one verified snapshot: who is asked for which, and what has arrived."""

from typing import Final

import msgspec

from node.core import effects as e
from node.core.outbox import Outbox
from node.core.pace import Pace
from node.messages import CHUNK_PART_BYTES, CHUNK_PARTS_MAX, ChunkReply, ChunkRequest
from node.snapshots import BadSnapshot, Snapshot
from wire.codec import decode
from wire.errors import BadProof, PeerFault
from wire.statechunks import Chunk, check_chunk, starts
from wire.statetree import EMPTY


class _Large(msgspec.Struct):
    """The one chunk of several parts that is under way, part after part from one peer."""

    number: int
    peer: str
    parts: list[bytes]
    count: int


class Chunks:
    """What of a snapshot is here, and what is under way."""

    def __init__(self, snapshot: Snapshot, held: tuple[int, ...], outbox: Outbox) -> None:
        """`held`: pieces whose chunks are kept already."""
        self.snapshot: Final = snapshot
        self.idle_since_ms = outbox.now_ms
        """When the last chunk came."""
        self._outbox: Final = outbox
        self._starts: Final = starts(snapshot.outline)
        self._wanted: Final = dict.fromkeys(
            number for number, piece in enumerate(snapshot.outline) if piece.hash != EMPTY
        )
        for number in held:
            self._wanted.pop(number, None)
        self.total: Final = sum(piece.hash != EMPTY for piece in snapshot.outline)
        """Chunks to fetch, those kept included."""
        self._asked: dict[int, str] = {}
        self._paces: dict[str, Pace] = {}
        self._large: _Large | None = None
        self._later: dict[int, None] = {}
        """Pieces of several parts that wait for the one under way."""
        self._assembling = False

    @property
    def held(self) -> int:
        """Chunks that are kept."""
        return self.total - len(self._wanted)

    @property
    def sources(self) -> int:
        """Peers that have been asked."""
        return len(self._paces)

    def lost(self, peer: str) -> None:
        """`peer` is asked no more."""
        self._paces.pop(peer, None)
        self._asked = {number: who for number, who in self._asked.items() if who != peer}
        if self._large is not None and self._large.peer == peer:
            self._large = None

    def ask(self, holders: list[str]) -> None:
        """Ask `holders` for what is wanted; when nothing is, have the state assembled."""
        if not self._wanted:
            if not self._assembling:
                self._assembling = True
                self._outbox.emit(e.AssembleState(self.snapshot.height))
            self.idle_since_ms = self._outbox.now_ms
            return
        now = self._outbox.now_ms
        for peer in holders:
            self._paces.setdefault(peer, Pace(1))
        for peer, pace in self._paces.items():
            for request in pace.overdue(now):
                self._free(request.start, peer)
        for number in self._wanted:
            if number in self._asked or (self._large is not None and number in self._later):
                continue
            able = [p for p in holders if self._paces[p].may_be_asked(now)]
            if not able:
                return
            self._request(min(able, key=lambda p: (self._paces[p].rank, p)), number, 0)

    def _request(self, peer: str, number: int, part: int) -> None:
        self._paces[peer].asked(number, 1, self._outbox.now_ms)
        self._asked[number] = peer
        self._outbox.send(peer, ChunkRequest(self.snapshot.height, number, part))

    def _free(self, number: int, peer: str) -> None:
        if self._asked.get(number) == peer:
            del self._asked[number]
        if self._large is not None and (self._large.number, self._large.peer) == (number, peer):
            self._large = None

    # ---------------------------------------------------------------- answers
    def expects(self, peer: str, reply: ChunkReply) -> bool:
        """Whether `peer` was asked for this, be it late."""
        pace = self._paces.get(peer)
        return (
            pace is not None
            and reply.height == self.snapshot.height
            and reply.number in pace.requests
        )

    def arrived(self, peer: str, reply: ChunkReply) -> bool:
        """Keep what `peer` sent; False if it does not have it. Raises `BadSnapshot`."""
        if not self.expects(peer, reply):
            return True
        number = reply.number
        self._paces[peer].take_answer(number, min(1, reply.parts), self._outbox.now_ms)
        mine = self._asked.get(number) == peer
        large = self._large
        continued = large is not None and (large.number, large.peer) == (number, peer)
        if not continued or reply.part == 0:
            self._free(number, peer)
        if reply.parts == 0:
            self.lost(peer)
            return False
        if number not in self._wanted:
            return True  # late, and another peer has sent it
        if reply.parts == 1 and reply.part == 0:
            self._keep(number, reply.data)
        elif mine:
            self._part(peer, reply)
        return True

    def _part(self, peer: str, reply: ChunkReply) -> None:
        """One part of several: only one such chunk is under way at a time, so memory is bounded."""
        number = reply.number
        if self._large is None and reply.part == 0:
            self._large = _Large(number, peer, [], reply.parts)
        large = self._large
        if large is None or (large.number, large.peer) != (number, peer):
            self._later[number] = None
            return
        if (reply.part, reply.parts) != (len(large.parts), large.count) or not reply.data:
            self._free(number, peer)
            raise BadSnapshot(f"part {reply.part} of {reply.parts} of chunk {number}")
        large.parts.append(reply.data)
        if len(large.parts) < large.count:
            self._request(peer, number, len(large.parts))
            return
        self._free(number, peer)
        self._keep(number, b"".join(large.parts))

    def _keep(self, number: int, data: bytes) -> None:
        try:
            chunk = decode(data, Chunk, CHUNK_PARTS_MAX * CHUNK_PART_BYTES)
            check_chunk(self.snapshot.outline[number], self._starts[number], chunk)
        except (BadProof, PeerFault) as error:
            raise BadSnapshot(f"chunk {number}: {error}") from None
        del self._wanted[number]
        self._later.pop(number, None)
        self.idle_since_ms = self._outbox.now_ms
        self._outbox.emit(e.KeepChunk(self.snapshot.height, number, data))
