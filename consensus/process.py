"""The variables of one validator at one height, and the primitive actions of its rules.

L1-9: `height`, `round`, `step`, `locked_*`, `valid_*`. The rules are in `rules.py`.
"""

from collections.abc import Callable
from typing import Final

from consensus.book import PAST_ROUNDS_KEPT, Book
from consensus.effects import (
    CheckValue,
    Decide,
    Effect,
    GetValue,
    Persist,
    ScheduleTimeout,
    Sign,
)
from consensus.messages import (
    NO_ROUND,
    UNSIGNED,
    Proposal,
    Step,
    Vote,
    VoteKind,
    step_of,
)
from consensus.tally import RoundLog
from consensus.timeouts import TimeoutParameters
from consensus.validators import ValidatorSet


class Process:
    """The paper's process p at height h_p, with what waits for an answer from the node."""

    def __init__(
        self,
        height: int,
        validators: ValidatorSet,
        me: bytes | None,
        proposer: Callable[[int], bytes],
        timeouts: TimeoutParameters,
        *,
        time_ms_min: int,
    ) -> None:
        self.height: Final = height
        self.validators: Final = validators
        self.me: Final = me if me is not None and me in validators else None
        """Whom to sign for; None follows and decides, and never speaks."""
        self.proposer: Final = proposer
        self.timeouts: Final = timeouts
        self.time_ms_min: Final = time_ms_min
        self.book: Final = Book(validators)
        self.round = NO_ROUND
        self.step = Step.PROPOSE
        self.locked_value: bytes | None = None
        self.locked_round = NO_ROUND
        self.valid_value: bytes | None = None
        self.valid_round = NO_ROUND
        self.decision: Decide | None = None
        self.now_ms = 0
        self.value_wanted = False
        """Whether `GetValue` of this round is unanswered."""
        self.unsigned: dict[tuple[Step, int], Vote | Proposal] = {}
        """What `Sign` has asked for and nobody has answered."""
        self.signed: dict[tuple[Step, int], Vote | Proposal] = {}
        """Own messages of the current round, to send again after a restart."""
        self.timers: dict[tuple[Step, int], ScheduleTimeout] = {}
        """Timers of the current round that have not run out."""
        self.validity: dict[bytes, bool] = {}
        """valid(v) where it is known."""
        self.checks: dict[tuple[int, bytes], CheckValue] = {}
        """What `CheckValue` has asked for, by round and block."""
        self._effects: list[Effect] = []

    @property
    def log(self) -> RoundLog:
        """What was heard in the current round."""
        return self.book.at(self.round)

    def emit(self, effect: Effect) -> None:
        """Ask the node for `effect`, after those before it."""
        self._effects.append(effect)

    def take_effects(self) -> list[Effect]:
        """The effects emitted since the last call."""
        taken, self._effects = self._effects, []
        return taken

    def start_round(self, round_: int) -> None:
        """L11-21. The proposer waits no longer than the others for its own value or signature."""
        self.round = round_
        self.step = Step.PROPOSE
        self.book.enter(round_)
        self.timers.clear()
        self.signed.clear()
        self.value_wanted = False
        self._drop_old_questions()
        if self.me is not None and self.proposer(round_) == self.me:  # L14
            if self.valid_value is not None:
                self.propose(self.valid_value, self.valid_round)  # L15-16, L19
            else:
                self.value_wanted = True
                self.emit(GetValue(self.height, round_))  # L18
        self.schedule(Step.PROPOSE)  # L20-21

    def propose(self, block_id: bytes, valid_round: int) -> None:
        """L19: broadcast <PROPOSAL, h_p, round_p, proposal, validRound_p>."""
        assert self.me is not None
        self._speak(
            Proposal(
                self.height, self.round, block_id, valid_round, self._time_ms(), self.me, UNSIGNED
            )
        )

    def prevote(self, block_id: bytes | None) -> None:
        """Broadcast a prevote (None: nil) and go to step prevote."""
        self._vote(VoteKind.PREVOTE, block_id)
        self.step = Step.PREVOTE

    def precommit(self, block_id: bytes | None) -> None:
        """Broadcast a precommit (None: nil) and go to step precommit."""
        self._vote(VoteKind.PRECOMMIT, block_id)
        self.step = Step.PRECOMMIT

    def schedule(self, step: Step) -> None:
        """Start the timer of `step` in the current round."""
        duration_ms = self.timeouts.duration_ms(step, self.round)
        timer = ScheduleTimeout(step, self.height, self.round, duration_ms)
        self.timers[step, self.round] = timer
        self.emit(timer)

    def check(self, proposal: Proposal) -> None:
        """Ask for valid(v), once per round in which `proposal` matters."""
        asked = (proposal.round, proposal.block_id)
        if proposal.block_id not in self.validity and asked not in self.checks:
            self.checks[asked] = CheckValue(proposal.block_id, proposal)
            self.emit(self.checks[asked])

    def _drop_old_questions(self) -> None:
        """Nobody can be kept waiting for ever: memory is bounded."""
        oldest = self.round - PAST_ROUNDS_KEPT
        self.unsigned = {at: m for at, m in self.unsigned.items() if at[1] >= oldest}
        self.checks = {at: c for at, c in self.checks.items() if at[0] >= oldest}

    def _vote(self, kind: VoteKind, block_id: bytes | None) -> None:
        if self.me is not None:
            self._speak(
                Vote(kind, self.height, self.round, block_id, self._time_ms(), self.me, UNSIGNED)
            )

    def _speak(self, message: Vote | Proposal) -> None:
        """Fix the message, have it logged, then signed; it counts once `Signed` answers."""
        self.unsigned[step_of(message), message.round] = message
        self.emit(Persist(message))
        self.emit(Sign(message))

    def _time_ms(self) -> int:
        """The clock, but past the last block's time, so that block time strictly increases."""
        return max(self.now_ms, self.time_ms_min)
