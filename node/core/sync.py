"""Catching up: who is how far ahead, whom to ask, and when to ask somebody else.

One peer is asked at a time. A peer's claimed height is a hint only; nothing is believed but
blocks with a commit by the right validators.
"""

from typing import Final

from node.messages import BLOCKS_PER_REQUEST_MAX, BlocksRequest

GRACE_MS: Final = 400
"""One block behind is normal for a moment: its votes are under way."""

ANSWER_MS: Final = 5_000
"""So long a peer may take to send blocks."""


class Sync:
    """What is known of the peers' heights, and the request under way."""

    def __init__(self) -> None:
        self._heights: dict[str, int] = {}
        self._asked: str | None = None
        self._deadline_ms = 0
        self._behind = (0, 0)
        """The height at which a peer was first seen ahead, and when."""
        self._failed: dict[str, int] = {}
        """How often a peer has let us down; the least unreliable is asked first."""

    def heard(self, peer: str, decided_height: int) -> None:
        """`peer` claims to have decided `decided_height`."""
        self._heights[peer] = max(decided_height, self._heights.get(peer, 0))

    def lost(self, peer: str) -> None:
        """`peer` is gone."""
        self._heights.pop(peer, None)
        if self._asked == peer:
            self._asked = None

    def target(self) -> int:
        """The highest height any peer claims."""
        return max(self._heights.values(), default=0)

    def is_asked(self, peer: str) -> bool:
        """Whether `peer` owes an answer."""
        return self._asked == peer

    def answered(self, peer: str, *, useful: bool) -> None:
        """`peer` has answered; a useless answer lowers its claim to nothing."""
        self._asked = None
        if not useful:
            self._failed[peer] = self._failed.get(peer, 0) + 1
            self._heights.pop(peer, None)

    def next_request(self, height: int, now_ms: int) -> tuple[str, BlocksRequest] | None:
        """Whom to ask for what, being at `height`; None: nobody, or not yet."""
        if self._asked is not None and now_ms >= self._deadline_ms:
            self.answered(self._asked, useful=False)
        ahead = [peer for peer, claimed in self._heights.items() if claimed > height]
        if not ahead:
            return None
        if self._behind[0] != height:
            self._behind = (height, now_ms)
        near = self.target() == height + 1
        if self._asked is not None or (near and now_ms < self._behind[1] + GRACE_MS):
            return None
        peer = min(ahead, key=lambda p: (self._failed.get(p, 0), -self._heights[p], p))
        self._asked = peer
        self._deadline_ms = now_ms + ANSWER_MS
        return peer, BlocksRequest(height + 1, BLOCKS_PER_REQUEST_MAX)
