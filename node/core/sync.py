"""Catching up from several peers at once: who is asked for which blocks, and what has arrived.

The heights above the tip are a window. Free heights are handed out in runs, the lowest first, to
the peers that answer best; blocks wait here until their turn, and are applied in order. Nothing a
peer says is believed but blocks with a commit by the right validators: a claimed height only
decides whom to ask. A peer that is late, sends nothing, or the wrong blocks, rests, and its heights
are free again.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from node.blocks import DecidedBlock
from node.core.errors import BadBlocks
from node.core.pace import Pace, Request
from node.messages import BLOCKS_PER_REQUEST_MAX, BlocksReply, BlocksRequest
from wire.codec import encode
from wire.limits import FRAME_BYTES_MAX, HEIGHT_MAX

GRACE_MS: Final = 400
"""One block behind is normal for a moment: its votes are under way."""

IMPATIENT_MS: Final = 1_500
"""A late answer that everything else waits for is asked of another peer after so long."""

WINDOW: Final = 1_024
"""Heights above the tip that are asked for."""

BUFFERED_BYTES_MAX: Final = 16 * FRAME_BYTES_MAX
"""Blocks that wait for their turn, those under way counted as the largest frames."""


class _Peer(msgspec.Struct):
    claimed: int
    """The highest height that it says it has decided."""
    oldest: int
    """The lowest height that it keeps, as far as is known."""
    pace: Pace


class _Arrived(msgspec.Struct, frozen=True):
    decided: DecidedBlock
    peer: str
    size: int


class Sync:
    """What is known of the peers, the requests under way, and the blocks that wait."""

    def __init__(self) -> None:
        self._peers: dict[str, _Peer] = {}
        self._asked: dict[int, str] = {}
        """Heights that are under way, and from whom."""
        self._arrived: dict[int, _Arrived] = {}
        self._bytes = 0
        self._behind = (0, 0)
        """The height at which a peer was first seen ahead, and when."""

    # ---------------------------------------------------------------- the peers
    def heard(self, peer: str, decided_height: int) -> None:
        """`peer` claims to have decided `decided_height`."""
        known = self._peers.get(peer)
        if known is None:
            self._peers[peer] = _Peer(decided_height, 1, Pace(BLOCKS_PER_REQUEST_MAX))
        else:
            known.claimed = max(decided_height, known.claimed)

    def lost(self, peer: str) -> None:
        """`peer` is gone: what it was asked for is free again, what it sent stays."""
        gone = self._peers.pop(peer, None)
        if gone is not None:
            for request in gone.pace.requests.values():
                self._free(peer, request)

    def target(self) -> int:
        """The highest height that a peer claims, those believed last that let us down lately."""
        claims = [p.claimed for p in self._peers.values()]
        good = [p.claimed for p in self._peers.values() if not p.pace.failures]
        return max(good or claims, default=0)

    def lags(self, height: int) -> bool:
        """Whether a peer is not known to have the block of `height` yet."""
        return any(peer.claimed < height for peer in self._peers.values())

    def sources(self, height: int) -> list[str]:
        """Peers that say they have the block after `height`."""
        return [
            name for name, peer in self._peers.items() if peer.oldest <= height + 1 <= peer.claimed
        ]

    @property
    def waiting(self) -> int:
        """Blocks that have arrived and wait for earlier ones."""
        return len(self._arrived)

    def oldest_kept(self) -> int | None:
        """The lowest height that any peer is known to keep; None without peers."""
        return min((peer.oldest for peer in self._peers.values()), default=None)

    # ---------------------------------------------------------------- asking
    def requests(self, height: int, now_ms: int) -> list[tuple[str, BlocksRequest]]:
        """Whom to ask for what now, the tip being at `height`."""
        self._forget(height)
        self._give_up(height, now_ms)
        if not self._is_time(height, now_ms) or not self.sources(height):
            return []
        chosen: list[tuple[str, BlocksRequest]] = []
        for start, length in self._free_runs(height, self._top(now_ms)):
            while length > 0:
                if not self._has_room(start == height + 1):
                    return chosen
                peer = self._best(start, now_ms)
                if peer is None:  # perhaps somebody keeps the later ones of the run
                    later = [p.oldest for p in self._peers.values() if p.oldest > start]
                    length -= min(later, default=HEIGHT_MAX) - start  # noqa: PLW2901
                    start = min(later, default=HEIGHT_MAX)  # noqa: PLW2901
                    continue
                known = self._peers[peer]
                count = min(length, known.pace.count, known.claimed - start + 1)
                known.pace.asked(start, count, now_ms)
                self._asked.update(dict.fromkeys(range(start, start + count), peer))
                chosen.append((peer, BlocksRequest(start, count)))
                start, length = start + count, length - count  # noqa: PLW2901
        return chosen

    def _is_time(self, height: int, now_ms: int) -> bool:
        """Whether there is something to ask for; one block behind, its votes get a moment."""
        highest = self._top(now_ms)
        if highest <= height:
            return False
        if self._behind[0] != height:
            self._behind = (height, now_ms)
        return highest > height + 1 or now_ms >= self._behind[1] + GRACE_MS

    def _top(self, now_ms: int) -> int:
        """The highest height claimed by a peer that does not rest."""
        awake = [p.claimed for p in self._peers.values() if not p.pace.rests(now_ms)]
        return max(awake, default=0)

    def _free_runs(self, height: int, top: int) -> list[tuple[int, int]]:
        """Runs (start, length) of heights in the window that nobody is asked for."""
        runs: list[tuple[int, int]] = []
        for wanted in range(height + 1, min(top, height + WINDOW) + 1):
            if wanted in self._asked or wanted in self._arrived:
                continue
            if runs and sum(runs[-1]) == wanted:
                runs[-1] = (runs[-1][0], runs[-1][1] + 1)
            else:
                runs.append((wanted, 1))
        return runs

    def _best(self, start: int, now_ms: int) -> str | None:
        able = [
            name
            for name, peer in self._peers.items()
            if peer.oldest <= start <= peer.claimed
            and start not in peer.pace.requests
            and peer.pace.may_be_asked(now_ms)
        ]
        return min(able, key=lambda name: (self._peers[name].pace.rank, name), default=None)

    def _has_room(self, next_wanted: bool) -> bool:
        """Whether one more answer can be kept; for the next height there always is room."""
        under_way = sum(len(peer.pace.requests) for peer in self._peers.values())
        return next_wanted or self._bytes + (under_way + 1) * FRAME_BYTES_MAX <= BUFFERED_BYTES_MAX

    def _give_up(self, height: int, now_ms: int) -> None:
        """Free what is asked of peers that are late."""
        for name, peer in self._peers.items():
            for request in peer.pace.overdue(now_ms):
                self._free(name, request)
        holder = self._peers.get(self._asked.get(height + 1, ""))
        if holder is None:
            return
        for request in holder.pace.requests.values():
            covers = request.start <= height + 1 < request.start + request.count
            if covers and now_ms >= request.asked_ms + IMPATIENT_MS:
                request.given_up = True
                self._free(self._asked[height + 1], request)
                return

    def _free(self, peer: str, request: Request) -> None:
        for height in range(request.start, request.start + request.count):
            if self._asked.get(height) == peer:
                del self._asked[height]

    # ---------------------------------------------------------------- answers
    def expects(self, peer: str, reply: BlocksReply) -> bool:
        """Whether `reply` answers a request, be it late; the others are not looked at."""
        known = self._peers.get(peer)
        return known is not None and reply.from_height in known.pace.requests

    def answered(self, peer: str, reply: BlocksReply, height: int, now_ms: int) -> None:
        """Keep what `peer` sent; the tip is at `height`. Raises `BadBlocks`."""
        known = self._peers.get(peer)
        received = len(reply.blocks)
        if known is None:
            return
        request = known.pace.take_answer(reply.from_height, received, now_ms)
        if request is None:
            return
        self._free(peer, request)
        found = [decided.block.header.height for decided in reply.blocks]
        if found != list(range(request.start, request.start + len(found))) or (
            received > request.count
        ):
            known.pace.fail(now_ms)
            raise BadBlocks(f"asked for {request.count} blocks from {request.start} on")
        known.oldest = reply.oldest
        if not received:
            if reply.oldest <= request.start:
                known.claimed = min(known.claimed, request.start - 1)
                known.pace.fail(now_ms)
            return
        for decided in reply.blocks:
            self._keep(peer, decided, height)

    def _keep(self, peer: str, decided: DecidedBlock, tip: int) -> None:
        at = decided.block.header.height
        if not tip < at <= tip + WINDOW or at in self._arrived:
            return
        size = len(encode(decided))
        self._arrived[at] = _Arrived(decided, peer, size)
        self._bytes += size

    def next_block(self, height: int) -> tuple[str, DecidedBlock] | None:
        """The block after `height` and who sent it, if it has arrived; it is given out once."""
        found = self._drop(height + 1)
        return None if found is None else (found.peer, found.decided)

    def refused(self, peer: str, now_ms: int) -> None:
        """A block of `peer` is not the chain's: nothing else of it is used."""
        for height in [h for h, arrived in self._arrived.items() if arrived.peer == peer]:
            self._drop(height)
        if peer in self._peers:
            self._peers[peer].pace.fail(now_ms)

    def _drop(self, height: int) -> _Arrived | None:
        found = self._arrived.pop(height, None)
        if found is not None:
            self._bytes -= found.size
        return found

    def _forget(self, height: int) -> None:
        """What has been decided here meanwhile is wanted no more."""
        for done in [h for h in self._arrived if h <= height]:
            self._drop(done)
        for done in [h for h in self._asked if h <= height]:
            del self._asked[done]

    # ---------------------------------------------------------------- for operators
    def peers(self) -> Iterator[tuple[str, int, int, int, Pace]]:
        """(peer, claimed height, oldest height, requests under way, pace) of every peer."""
        for name, peer in self._peers.items():
            yield name, peer.claimed, peer.oldest, len(peer.pace.requests), peer.pace
