"""The variables of one validator at one height, and the primitive actions of its rules.

L1-9: `height`, `round`, `step`, `locked_*`, `valid_*`. The rules are in `rules.py`.
"""

from collections.abc import Callable
from itertools import islice
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

UNSIGNED_MAX: Final = 16
"""Messages that wait for a signer that does not answer; past it the validator stays silent."""


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
        first_round: int,
        block_time_ms: Callable[[bytes], int],
    ) -> None:
        self.height: Final = height
        self.validators: Final = validators
        self.me: Final = me if me is not None and me in validators else None
        """Whom to sign for; None follows and decides, and never speaks."""
        self.proposer: Final = proposer
        self.timeouts: Final = timeouts
        self.time_ms_min: Final = time_ms_min
        self.first_round: Final = first_round
        """Above 0 after a recovery."""
        self.block_time_ms: Final = block_time_ms
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
        """Own messages to be signed, in order; `Sign` has asked for the first."""
        self.signed: dict[tuple[Step, int], Vote | Proposal] = {}
        """Own messages of the current round, to send again after a restart."""
        self.timers: dict[tuple[Step, int], ScheduleTimeout] = {}
        """Timers of the current round that have not run out."""
        self.validity: dict[bytes, bool] = {}
        """valid(v) where it is known."""
        self.extensions: dict[bytes, bytes] = {}
        """What an own precommit carries, by block."""
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
        oldest = round_ - PAST_ROUNDS_KEPT
        self.checks = {asked: c for asked, c in self.checks.items() if asked[0] >= oldest}
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
                self.height,
                self.round,
                block_id,
                valid_round,
                self._time_ms(block_id),
                self.me,
                UNSIGNED,
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
        duration_ms = self.timeouts.duration_ms(step, self.round - self.first_round)
        timer = ScheduleTimeout(step, self.height, self.round, duration_ms)
        self.timers[step, self.round] = timer
        self.emit(timer)

    def ask_signature(self) -> None:
        """Have the first message that waits for it logged, then signed."""
        for message in islice(self.unsigned.values(), 1):
            self.emit(Persist(message))
            self.emit(Sign(message))

    def awaits_signature(self, step: Step, round_: int) -> bool:
        """Whether the signer was asked for the message of `step` and `round_`."""
        return next(iter(self.unsigned), None) == (step, round_)

    def check(self, proposal: Proposal) -> None:
        """Ask for valid(v), once per round in which `proposal` matters."""
        asked = (proposal.round, proposal.block_id)
        if proposal.block_id not in self.validity and asked not in self.checks:
            self.checks[asked] = CheckValue(proposal.block_id, proposal)
            self.emit(self.checks[asked])

    def _vote(self, kind: VoteKind, block_id: bytes | None) -> None:
        if self.me is None:
            return
        carried = b""
        if kind is VoteKind.PRECOMMIT and block_id is not None:
            carried = self.extensions.get(block_id, b"")
        place = (kind, self.height, self.round, block_id)
        self._speak(Vote(*place, self._time_ms(block_id), self.me, UNSIGNED, carried))

    def _speak(self, message: Vote | Proposal) -> None:
        """Fix the message and have it signed in its turn; it counts once `Signed` answers.

        One at a time: when a signer holds a later message, the log holds the answer to the
        earlier one, so that after a crash nothing is asked for that the signer has left behind.
        """
        if len(self.unsigned) < UNSIGNED_MAX:
            self.unsigned[step_of(message), message.round] = message
            if len(self.unsigned) == 1:
                self.ask_signature()

    def _time_ms(self, block_id: bytes | None) -> int:
        """The clock, but past the time of the block voted for: the commit's median becomes the
        time of the next block, and must be later, whatever the clocks did in between."""
        floor = self.time_ms_min
        if block_id is not None:
            floor = max(floor, self.block_time_ms(block_id) + 1)
        return max(self.now_ms, floor)
