"""Feed a recorded trace to one validator's core, without keys.

Events in and out are dictionaries as they stand in a JSON file; validators and values are
strings. Signing is answered at once; who proposes, what is valid and which value is proposed
come from the caller. docs/CONSENSUS.md shows it in ten lines.

In:  {"type": "start", "height": 1}
     {"type": "proposal", "height", "round", "value", "valid_round", "from"}
     {"type": "prevote" | "precommit", "height", "round", "value" (None: nil), "from"}
     {"type": "certificate", "kind": "prevote" | "precommit", "height", "round", "value",
      "from": [...]}
     {"type": "timeout", "step": "propose" | "prevote" | "precommit", "height", "round"}
     {"type": "value_ready", "round", "value"}, {"type": "value_checked", "value", "valid"}
Out: proposal, prevote, precommit (own messages), timeout (scheduled, with "duration_ms"),
     decision {"height", "round", "value"}, evidence {"from", "height", "round"}; and where the
     caller answers by hand get_value {"height", "round"}, check_value {"value"}.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from consensus.core import Core
from consensus.effects import (
    Broadcast,
    CheckValue,
    Decide,
    Effect,
    GetValue,
    Persist,
    ReportEvidence,
    ScheduleTimeout,
    Sign,
)
from consensus.inputs import (
    CertificateReceived,
    Input,
    ProposalReceived,
    Signed,
    Start,
    TimeoutElapsed,
    ValueChecked,
    ValueReady,
    VoteReceived,
)
from consensus.messages import (
    CarriedProposal,
    Proposal,
    Step,
    Vote,
    VoteKind,
    certificate_of,
    with_signature,
)
from consensus.timeouts import DEFAULT_TIMEOUTS, TimeoutParameters
from consensus.validators import Validator, ValidatorSet
from wire.errors import PeerFault

Event: TypeAlias = Mapping[str, Any]

PAPER_TIMEOUTS = TimeoutParameters(
    propose_ms=DEFAULT_TIMEOUTS.propose_ms,
    propose_delta_ms=DEFAULT_TIMEOUTS.propose_delta_ms,
    prevote_ms=DEFAULT_TIMEOUTS.prevote_ms,
    prevote_delta_ms=DEFAULT_TIMEOUTS.prevote_delta_ms,
    precommit_ms=DEFAULT_TIMEOUTS.precommit_ms,
    precommit_delta_ms=DEFAULT_TIMEOUTS.precommit_delta_ms,
    cap_ms=DEFAULT_TIMEOUTS.cap_ms,
    wait_when_complete=True,
)
"""As published: late precommits are always waited for."""


def _value_of_height(height: int, round_: int) -> str:
    return f"value-{height}-{round_}"


def _all_valid(_value: str) -> bool | None:
    return True


class Trace:
    """One validator, driven from outside, over one height or several in a row."""

    def __init__(
        self,
        powers: Mapping[str, int],
        me: str | None,
        proposer: Callable[[int, int], str],
        *,
        value: Callable[[int, int], str | None] = _value_of_height,
        valid: Callable[[str], bool | None] = _all_valid,
        timeouts: TimeoutParameters = PAPER_TIMEOUTS,
        proposer_timer: bool = False,
        next_height: bool = False,
    ) -> None:
        """`proposer(height, round)` names a validator.

        `value(height, round)` is getValue() and `valid(value)` is valid(v); where they return
        None the question comes out as an event and the answer must be fed. `proposer_timer`:
        report the timer that a proposer, too, starts for its own proposal; the paper has none
        (L14-21). `next_height`: start the next height by itself after a decision (L51-54).
        """
        self._validators = ValidatorSet(Validator(n.encode(), p) for n, p in powers.items())
        self._me = me
        self._proposer = proposer
        self._value = value
        self._valid = valid
        self._timeouts = timeouts
        self._proposer_timer = proposer_timer
        self._next_height = next_height
        self._later: list[Event] = []
        self.core: Core | None = None
        """The core of the current height, to look into."""
        self.now_ms = 0
        """The clock given with every input; only the times in messages depend on it."""

    def feed(self, event: Event) -> list[dict[str, Any]]:
        """One event in, the resulting events out, in order."""
        if event["type"] == "start":
            return self._start(event["height"])
        height = event.get("height")
        if self.core is None or (height is not None and height > self.core.process.height):
            self._later.append(event)  # kept, as the paper's message log keeps it
            return []
        given = _input(event, self.core.process.height, self.now_ms)
        if isinstance(given, ProposalReceived):  # the paper knows valid(v) as soon as v
            known = self._check(self.core, given.proposal.block_id) or []
            return known + self._handle(self.core, given)
        return self._handle(self.core, given)

    def feed_all(self, events: Iterable[Event]) -> list[list[dict[str, Any]]]:
        """Feed `events` in order; the outputs of each."""
        return [self.feed(event) for event in events]

    def _start(self, height: int) -> list[dict[str, Any]]:
        me = None if self._me is None else self._me.encode()
        self.core = Core(
            height,
            self._validators,
            me,
            lambda round_: self._proposer(height, round_).encode(),
            self._timeouts,
        )
        out = self._handle(self.core, Start(self.now_ms))
        kept, self._later = self._later, []
        for event in kept:
            if event.get("height", height) >= height:
                out += self.feed(event)
        return out

    def _handle(self, core: Core, given: Input) -> list[dict[str, Any]]:
        """Feed one input; a message that the core refuses changes nothing."""
        try:
            effects = core.handle(given)
        except PeerFault:
            return []
        out: list[dict[str, Any]] = []
        for effect in effects:
            out += self._carry_out(core, effect)
        return out

    def _check(self, core: Core, block_id: bytes) -> list[dict[str, Any]] | None:
        """Answer valid(v), if the caller has injected it."""
        valid = self._valid(block_id.decode())
        if valid is None:
            return None
        return self._handle(core, ValueChecked(block_id, valid, self.now_ms))

    def _carry_out(self, core: Core, effect: Effect) -> list[dict[str, Any]]:
        """Answer the questions that have an injected answer; report the rest."""
        match effect:
            case Persist():
                return []
            case Sign(message):
                return self._handle(core, Signed(with_signature(message, b"trace"), self.now_ms))
            case GetValue(height, round_):
                value = self._value(height, round_)
                if value is not None:
                    return self._handle(core, ValueReady(round_, value.encode(), self.now_ms))
            case CheckValue(block_id):
                answer = self._check(core, block_id)
                if answer is not None:
                    return answer
            case ScheduleTimeout(Step.PROPOSE, _, round_):
                process = core.process
                own_turn = process.me is not None and process.proposer(round_) == process.me
                if own_turn and not self._proposer_timer:
                    return []
            case Decide() if self._next_height:
                return [_output(effect), *self._start(effect.height + 1)]
            case _:
                pass
        return [_output(effect)]


def _input(event: Event, height: int, now_ms: int) -> Input:
    match event["type"]:
        case "proposal":
            return ProposalReceived(_proposal(event), None, now_ms)
        case "prevote" | "precommit":
            return VoteReceived(_vote(event, event["type"], event["from"]), now_ms)
        case "certificate":
            votes = [_vote(event, event["kind"], sender) for sender in event["from"]]
            return CertificateReceived(certificate_of(votes), now_ms)
        case "timeout":
            step = Step[event["step"].upper()]
            return TimeoutElapsed(step, event.get("height", height), event["round"], now_ms)
        case "value_ready":
            return ValueReady(event["round"], event["value"].encode(), now_ms)
        case "value_checked":
            return ValueChecked(event["value"].encode(), event["valid"], now_ms)
        case kind:
            raise ValueError(f"unknown event type {kind!r}")


def _proposal(event: Event) -> Proposal:
    return Proposal(
        event["height"],
        event["round"],
        event["value"].encode(),
        event.get("valid_round", -1),
        event.get("time_ms", 0),
        event["from"].encode(),
        b"trace",
    )


def _vote(event: Event, kind: str, sender: str) -> Vote:
    return Vote(
        VoteKind[kind.upper()],
        event["height"],
        event["round"],
        None if event["value"] is None else event["value"].encode(),
        event.get("time_ms", 0),
        sender.encode(),
        b"trace",
    )


def _spoken(message: Vote | CarriedProposal) -> dict[str, Any]:
    if isinstance(message, Vote):
        return {
            "type": message.kind.name.lower(),
            "height": message.height,
            "round": message.round,
            "value": None if message.block_id is None else message.block_id.decode(),
            "from": message.validator.decode(),
        }
    proposal = message.proposal
    return {
        "type": "proposal",
        "height": proposal.height,
        "round": proposal.round,
        "value": proposal.block_id.decode(),
        "valid_round": proposal.valid_round,
        "from": proposal.validator.decode(),
    }


def _output(effect: Effect) -> dict[str, Any]:
    match effect:
        case Broadcast(message):
            return _spoken(message)
        case ScheduleTimeout(step, height, round_, duration_ms):
            return {
                "type": "timeout",
                "step": step.name.lower(),
                "height": height,
                "round": round_,
                "duration_ms": duration_ms,
            }
        case GetValue(height, round_):
            return {"type": "get_value", "height": height, "round": round_}
        case CheckValue(block_id):
            return {"type": "check_value", "value": block_id.decode()}
        case Decide(height, round_, block_id):
            value = block_id.decode()
            return {"type": "decision", "height": height, "round": round_, "value": value}
        case ReportEvidence(evidence):
            first = evidence.first
            sender = first.validator.decode()
            return {
                "type": "evidence",
                "from": sender,
                "height": first.height,
                "round": first.round,
            }
        case Persist() | Sign():
            raise AssertionError("answered at once, never reported")
