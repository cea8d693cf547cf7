"""This machine's clock against those of the validators, as their votes show them."""

from statistics import median_low
from typing import Final

import structlog

from consensus.messages import Certificate

log = structlog.get_logger("node")

CLOCK_OFF_MS_MAX: Final = 2_000
"""Votes of correct validators may differ by 10 s (`consensus.signer.SKEW_MS`); long before that
someone should look."""

SAY_AGAIN_MS: Final = 60_000


def off_by_ms(commit: Certificate, own: bytes | None, now_ms: int) -> int:
    """How far this clock is ahead of the others' (+) or behind (-), as far as `commit` shows.

    `own`: this node's consensus key; its vote tells most. The time of a vote never lies before the
    block before, so one who is late shows as late by this machine's `now_ms` (Unix milliseconds).
    Who does not vote cannot be told to be ahead: the commit may be old.
    """
    votes = {entry.validator: entry.time_ms for entry in commit.signatures}
    mine = None if own is None else votes.pop(own, None)
    if not votes:
        return 0
    others = median_low(sorted(votes.values()))
    if now_ms < others:
        return now_ms - others
    return 0 if mine is None else mine - others


class Clock:
    """Watches the commits of a running node."""

    def __init__(self, own: bytes | None) -> None:
        self._own = own
        self._said_ms = -SAY_AGAIN_MS
        self.off_ms = 0
        """By the last commit."""

    def on_block(self, commit: Certificate, now_ms: int) -> None:
        """A block is stored; a clock that is off is an error in the log, once a minute."""
        self.off_ms = off_by_ms(commit, self._own, now_ms)
        since_ms = abs(now_ms - self._said_ms)  # the clock may be set back
        if abs(self.off_ms) > CLOCK_OFF_MS_MAX and since_ms >= SAY_AGAIN_MS:
            self._said_ms = now_ms
            log.error("clock_off", code="CLOCK_OFF", ms=self.off_ms, height=commit.height)
