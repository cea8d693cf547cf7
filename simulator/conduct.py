"""Whether correct validators keep the rules: each message they sign follows from what they knew.

The rules are written once more, as questions about the log before the message (arXiv 1807.04938;
`L22` is line 22 of its Algorithm 1), without the engine's bookkeeping. Where the log leaves open
when exactly a round ended, both answers are allowed.
"""

from collections.abc import Iterator

import msgspec

from consensus.inputs import Input, Signed, TimeoutElapsed, ValueChecked
from consensus.messages import NO_ROUND, Proposal, Step, Vote, VoteKind
from consensus.validators import ValidatorSet
from simulator.logs import logged_inputs, messages_in
from simulator.record import Replay, RunRecord

Block = bytes | None


def check_conduct(record: RunRecord, replay: Replay) -> list[str]:
    """What correct validators have signed without a reason."""
    signed: dict[tuple[str, int], list[Vote | Proposal]] = {}
    for one in record.journal.signatures:
        signed.setdefault((one.node, one.message.height), []).append(one.message)
    found: list[str] = []
    for key, name in record.keys.items():
        logs = logged_inputs(record, name)
        for height in sorted({*logs, *(h for who, h in signed if who == name)}):
            knowledge = Knowledge(key, replay.validators(height))
            said = signed.get((name, height), [])
            for wrong in _misconduct(knowledge, logs.get(height, []), said):
                found.append(f"{name} height {height}: {wrong}")
    return found


def _misconduct(
    knowledge: "Knowledge", inputs: list[Input], said: list[Vote | Proposal]
) -> Iterator[str]:
    """What is wrong with one validator's messages of one height.

    The last ones are not in its log: all that led to them is, for it was flushed before.
    """
    logged = [given.message for given in inputs if isinstance(given, Signed)]
    unlogged = [message for message in dict.fromkeys(said) if message not in logged]
    for given in [*inputs, *(Signed(message, 0) for message in unlogged)]:
        wrong = knowledge.take(given)
        if wrong is not None:
            yield wrong


class _Valid(msgspec.Struct):
    """The paper's validValue and validRound, as far as the log settles them."""

    block: Block
    round: int
    certain: bool


class Knowledge:
    """What one validator knew at one height, at a place in its log."""

    def __init__(self, me: bytes, validators: ValidatorSet) -> None:
        self._me = me
        self._validators = validators
        self._votes: dict[tuple[VoteKind, int, Block], set[bytes]] = {}
        self._first: dict[tuple[VoteKind, int, bytes], Block] = {}
        """Of each validator the first vote, which is the one that the engine counts."""
        self._speakers: dict[int, set[bytes]] = {}
        self._proposals: dict[int, dict[bytes, list[int]]] = {}
        """By round: each proposed block, and the valid rounds it was proposed with."""
        self._validity: dict[bytes, bool] = {}
        self._elapsed: set[tuple[Step, int]] = set()
        self._round = 0
        """The last round that the validator has certainly been in."""
        self._prevoted = NO_ROUND
        self._locks: dict[int, bytes] = {}
        """Blocks precommitted, by round."""
        self._valid: list[_Valid] = []

    def take(self, given: Input) -> str | None:
        """Learn of the next input; what is wrong with it, if it is an own message."""
        wrong = None
        if isinstance(given, Signed):
            wrong = self._judge(given.message)
        for message in messages_in(given):
            self._hear(message)
        match given:
            case ValueChecked(block_id=block, valid=valid):
                self._validity.setdefault(block, valid)
            case TimeoutElapsed(step=step, round=round_):
                self._elapsed.add((step, round_))
                self._round = max(self._round, round_)
            case _:
                pass
        self._note_valid()
        return wrong

    # ---------------------------------------------------------------- what is known
    def _hear(self, message: Vote | Proposal) -> None:
        self._speakers.setdefault(message.round, set()).add(message.validator)
        if isinstance(message, Vote):
            place = (message.kind, message.round, message.block_id)
            self._votes.setdefault(place, set()).add(message.validator)
            self._first.setdefault(
                (message.kind, message.round, message.validator), message.block_id
            )
            if message.validator == self._me and message.kind is VoteKind.PREVOTE:
                self._prevoted = max(self._prevoted, message.round)
        else:
            rounds = self._proposals.setdefault(message.round, {})
            rounds.setdefault(message.block_id, []).append(message.valid_round)
        if message.validator == self._me:
            self._round = max(self._round, message.round)

    def _power(self, who: set[bytes]) -> int:
        return sum(self._validators.powers.get(key, 0) for key in who)

    def _quorum(self, kind: VoteKind, round_: int, block: Block) -> bool:
        power = self._power(self._votes.get((kind, round_, block), set()))
        return 3 * power > 2 * self._validators.total

    def _certain_polka(self, round_: int, block: Block) -> bool:
        """Whether first votes alone make the quorum."""
        who = self._votes.get((VoteKind.PREVOTE, round_, block), set())
        counted = {key for key in who if self._first[VoteKind.PREVOTE, round_, key] == block}
        return 3 * self._power(counted) > 2 * self._validators.total

    def _any(self, kind: VoteKind, round_: int) -> set[bytes]:
        """Who voted in `round_`, for whatever."""
        found: set[bytes] = set()
        for (one, at, _), who in self._votes.items():
            if (one, at) == (kind, round_):
                found |= who
        return found

    def _may_have_left(self, round_: int) -> bool:
        """Whether something known could have moved the validator past `round_`."""
        spoken = [later for r in self._speakers for later in (r, r + 1)]
        timed = [r + 1 for _, r in self._elapsed]
        return any(later > round_ and self._entered(later) for later in spoken + timed)

    def _entered(self, round_: int) -> bool:
        """Whether there is a reason to be in `round_`: L55, L65-67, or nobody left to wait for."""
        if round_ == 0 or 3 * self._power(self._speakers.get(round_, set())) > (
            self._validators.total
        ):
            return True
        if (Step.PRECOMMIT, round_ - 1) in self._elapsed:
            return True
        return self._power(self._any(VoteKind.PRECOMMIT, round_ - 1)) == self._validators.total

    def _note_valid(self) -> None:
        """L36, L42-43: a polka for a valid proposal of this round, once prevoted in it."""
        round_ = self._round
        if self._prevoted != round_ or any(v.round == round_ and v.certain for v in self._valid):
            return
        for block in self._proposals.get(round_, {}):
            if self._validity.get(block) and self._quorum(VoteKind.PREVOTE, round_, block):
                settled = self._certain_polka(round_, block) and not self._may_have_left(round_)
                valid = _Valid(block, round_, settled)
                if valid not in self._valid:
                    self._valid.append(valid)

    # ---------------------------------------------------------------- what follows from it
    def _judge(self, message: Vote | Proposal) -> str | None:
        if not self._entered(message.round):
            return f"is in round {message.round} without a reason"
        match message:
            case Proposal():
                return self._judge_proposal(message)
            case Vote(kind=VoteKind.PREVOTE, block_id=None):
                return self._judge_nil_prevote(message)
            case Vote(kind=VoteKind.PREVOTE):
                return self._judge_prevote(message)
            case _:
                return self._judge_precommit(message)

    def _judge_proposal(self, message: Proposal) -> str | None:
        """L15-18."""
        known = [v for v in self._valid if v.round < message.round]
        certain = [v.round for v in known if v.certain]
        newest = max(certain, default=NO_ROUND)
        if message.valid_round == NO_ROUND:
            return f"proposes anew past a polka in round {newest}" if certain else None
        if message.valid_round >= newest and any(
            (v.block, v.round) == (message.block_id, message.valid_round) for v in known
        ):
            return None
        return f"proposes again what has no polka in round {message.valid_round}"

    def _lock(self, round_: int) -> tuple[int, Block]:
        """The lock on entering `round_`: the last block precommitted before."""
        held = max((r for r in self._locks if r < round_), default=NO_ROUND)
        return held, self._locks.get(held)

    def _allowed(self, round_: int, block: bytes, valid_round: int) -> bool:
        """L22-23, L28-29: whether the lock admits a proposal; with a valid round, its polka is
        known."""
        held, locked = self._lock(round_)
        if valid_round == NO_ROUND:
            return held == NO_ROUND or locked == block
        polka = valid_round < round_ and self._quorum(VoteKind.PREVOTE, valid_round, block)
        return polka and (held <= valid_round or locked == block)

    def _judge_prevote(self, vote: Vote) -> str | None:
        """L22-23, L28-30."""
        block = vote.block_id
        assert block is not None
        offers = self._proposals.get(vote.round, {}).get(block)
        if offers is None or not self._validity.get(block):
            return f"prevotes in round {vote.round} for what is not proposed and valid"
        if any(self._allowed(vote.round, block, vr) for vr in offers):
            return None
        held, _ = self._lock(vote.round)
        return f"prevotes in round {vote.round} against its lock of round {held}"

    def _judge_nil_prevote(self, vote: Vote) -> str | None:
        """L26, L32, L57-60."""
        if (Step.PROPOSE, vote.round) in self._elapsed:
            return None
        for block, offers in self._proposals.get(vote.round, {}).items():
            if self._validity.get(block) is False:
                return None
            if not all(self._allowed(vote.round, block, vr) for vr in offers):
                return None
        return f"prevotes nil in round {vote.round} without a reason"

    def _judge_precommit(self, vote: Vote) -> str | None:
        """L36-41, L44-46, L61-64."""
        block, round_ = vote.block_id, vote.round
        if block is None:
            quorum = self._quorum(VoteKind.PREVOTE, round_, None)
            if quorum or (Step.PREVOTE, round_) in self._elapsed:
                return None
            return f"precommits nil in round {round_} without a reason"
        self._locks[round_] = block
        proposed = block in self._proposals.get(round_, {}) and self._validity.get(block)
        if proposed and self._quorum(VoteKind.PREVOTE, round_, block):
            return None
        return f"precommits in round {round_} without a polka"
