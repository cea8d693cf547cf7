"""How long each step waits (L20, L35, L48): longer every round, up to a cap."""

from consensus.messages import Step
from wire.codec import Record


class TimeoutParameters(Record, frozen=True):
    """Durations in milliseconds: step at round r waits min(base + r * delta, cap)."""

    propose_ms: int
    propose_delta_ms: int
    prevote_ms: int
    prevote_delta_ms: int
    precommit_ms: int
    precommit_delta_ms: int
    cap_ms: int
    """No wait is longer, so that a network rejoins within seconds of a long outage."""
    wait_when_complete: bool
    """Wait for late precommits even when all have arrived: the paper does, a node need not."""

    def duration_ms(self, step: Step, round_: int) -> int:
        """How long to wait in `step` of `round_`."""
        match step:
            case Step.PROPOSE:
                wait = self.propose_ms + round_ * self.propose_delta_ms
            case Step.PREVOTE:
                wait = self.prevote_ms + round_ * self.prevote_delta_ms
            case Step.PRECOMMIT:
                wait = self.precommit_ms + round_ * self.precommit_delta_ms
        return min(wait, self.cap_ms)


DEFAULT_TIMEOUTS = TimeoutParameters(
    propose_ms=3_000,
    propose_delta_ms=500,
    prevote_ms=1_000,
    prevote_delta_ms=500,
    precommit_ms=1_000,
    precommit_delta_ms=500,
    cap_ms=15_000,
    wait_when_complete=False,
)
"""For a network over the internet; a test network on one machine takes a tenth."""
