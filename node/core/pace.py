"""How much one peer is asked for, by how it has answered so far.

A peer starts with small requests. Quick answers make them larger, slow ones smaller; after a
failure it rests, longer each time, and others are asked first. All of it is patience, not trust:
what a peer sends is believed for its proofs alone.
"""

from typing import Final

import msgspec

ANSWER_MS: Final = 5_000
"""So long a peer may take to answer one request."""

WANTED_MS: Final = 1_000
"""Requests are sized so that an answer takes about so long."""

COUNT_FIRST: Final = 16
"""Things in the first request to a peer."""

OUTSTANDING_MAX: Final = 2
"""Requests under way with one peer: the second is on its way while the first is answered."""

REST_MS: Final = 1_000
"""After a failure; doubled for each further one in a row."""

RESTS_MAX: Final = 6
"""Doublings of the rest: a minute is the longest."""


class Request(msgspec.Struct):
    """A request under way: `count` consecutive things from `start` on."""

    start: int
    count: int
    asked_ms: int
    given_up: bool = False
    """Whether others may be asked for the same: the answer is late, and still welcome."""
    failed: bool = False
    """Whether its lateness has been counted."""


class Pace:
    """One peer's record. `requests`: those under way, by where they start."""

    def __init__(self, count_max: int) -> None:
        self.requests: Final[dict[int, Request]] = {}
        self.failures = 0
        """In a row."""
        self.answered = 0
        """Things received from this peer."""
        self.us_each = 0
        """Microseconds that one thing takes, smoothed; 0 before the first answer."""
        self._count_max = count_max
        self._rests_until_ms = 0

    @property
    def count(self) -> int:
        """How many things to ask for at once."""
        if self.us_each == 0:
            return min(COUNT_FIRST, self._count_max)
        return max(1, min(self._count_max, WANTED_MS * 1_000 // self.us_each))

    @property
    def rank(self) -> tuple[int, int, int]:
        """Who is asked first: the reliable, the idle, the quick."""
        return self.failures, len(self.requests), self.us_each

    def may_be_asked(self, now_ms: int) -> bool:
        """Whether the peer can be given one more request."""
        late = any(request.given_up for request in self.requests.values())
        return not late and not self.rests(now_ms) and len(self.requests) < OUTSTANDING_MAX

    def rests(self, now_ms: int) -> bool:
        """Whether it is left alone after a failure."""
        return now_ms < self._rests_until_ms

    def asked(self, start: int, count: int, now_ms: int) -> None:
        """A request has been sent."""
        self.requests[start] = Request(start, count, now_ms)

    def take_answer(self, start: int, received: int, now_ms: int) -> Request | None:
        """The request that an answer with `received` things is to; None: nobody asked.

        An answer without anything is measured by whoever knows what that means.
        """
        request = self.requests.pop(start, None)
        if request is None or not received:
            return request
        self.failures = 0
        self.answered += received
        took_us = max(1, now_ms - request.asked_ms) * 1_000 // received
        self.us_each = took_us if not self.us_each else (3 * self.us_each + took_us) // 4
        return request

    def fail(self, now_ms: int) -> None:
        """The peer has let us down: it rests, and is asked for less."""
        rest = REST_MS << min(self.failures, RESTS_MAX)
        self.failures += 1
        self._rests_until_ms = now_ms + rest
        self.us_each = max(2 * self.us_each, 2 * WANTED_MS * 1_000 // self._count_max)

    def overdue(self, now_ms: int) -> list[Request]:
        """Requests given up now, because their time is over; each counts once as a failure."""
        late = [
            request
            for request in self.requests.values()
            if not request.failed and now_ms >= request.asked_ms + ANSWER_MS
        ]
        for request in late:
            request.failed = request.given_up = True
            self.fail(now_ms)
        if not self.rests(now_ms):
            for start in [s for s, request in self.requests.items() if request.failed]:
                del self.requests[start]  # its rest is over, and the answer will not come
        return late
