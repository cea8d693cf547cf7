"""A workbench for situations: one core, driven by short calls, answering in short lines.

Validators are single letters, values are words, `nil` is nil. `Bench("a")` is validator a of
four with equal power; the proposer of round r is the r-th letter after it, so that a proposes
in round 3 unless `turns` says otherwise.
"""

from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any

from consensus.core import Core
from consensus.messages import Certificate, Proposal, Step, Vote, VoteKind, certificate_of
from consensus.timeouts import TimeoutParameters
from consensus.trace import PAPER_TIMEOUTS, Trace
from consensus.validators import Validator, ValidatorSet

FOUR = {"a": 1, "b": 1, "c": 1, "d": 1}
HEIGHT = 5
TIMEOUTS = TimeoutParameters(
    propose_ms=300,
    propose_delta_ms=50,
    prevote_ms=100,
    prevote_delta_ms=20,
    precommit_ms=100,
    precommit_delta_ms=20,
    cap_ms=1_000,
    wait_when_complete=False,
)


class Bench:
    """One validator's core at height 5."""

    def __init__(
        self,
        me: str | None = "a",
        *,
        powers: Mapping[str, int] = FOUR,
        turns: str = "bcda",
        invalid: str = "",
        unanswered: str = "",
        timeouts: TimeoutParameters = PAPER_TIMEOUTS,
        start: bool = True,
        value: str | None = "mine",
    ) -> None:
        def valid(name: str) -> bool | None:
            return None if name in unanswered.split() else name not in invalid.split()

        self.trace = Trace(
            powers,
            me,
            lambda _height, round_: next(islice(cycle(turns), round_ % len(turns), None)),
            value=lambda _height, _round: value,
            valid=valid,
            timeouts=timeouts,
        )
        self.turns = turns
        self.first = self.trace.feed({"type": "start", "height": HEIGHT}) if start else []

    @property
    def core(self) -> Core:
        assert self.trace.core is not None
        return self.trace.core

    @property
    def locked(self) -> tuple[str, int]:
        process = self.core.process
        return _name(process.locked_value), process.locked_round

    @property
    def valid(self) -> tuple[str, int]:
        process = self.core.process
        return _name(process.valid_value), process.valid_round

    @property
    def at(self) -> tuple[int, str]:
        process = self.core.process
        return process.round, process.step.name.lower()

    def start(self) -> list[str]:
        return self.said({"type": "start", "height": HEIGHT})

    def proposal(self, round_: int, value: str, vr: int = -1, by: str | None = None) -> list[str]:
        proposer = by if by is not None else self.turns[round_ % len(self.turns)]
        return self.said(
            {
                "type": "proposal",
                "height": HEIGHT,
                "round": round_,
                "value": value,
                "valid_round": vr,
                "from": proposer,
            }
        )

    def prevotes(self, round_: int, value: str, senders: str) -> list[str]:
        return self._votes("prevote", round_, value, senders)

    def precommits(self, round_: int, value: str, senders: str) -> list[str]:
        return self._votes("precommit", round_, value, senders)

    def certificate(self, kind: str, round_: int, value: str, senders: str) -> list[str]:
        return self.said(
            {
                "type": "certificate",
                "kind": kind,
                "height": HEIGHT,
                "round": round_,
                "value": _value(value),
                "from": list(senders),
            }
        )

    def timeout(self, step: str, round_: int, height: int = HEIGHT) -> list[str]:
        return self.said({"type": "timeout", "step": step, "round": round_, "height": height})

    def checked(self, value: str, valid: bool) -> list[str]:
        return self.said({"type": "value_checked", "value": value, "valid": valid})

    def ready(self, round_: int, value: str) -> list[str]:
        return self.said({"type": "value_ready", "round": round_, "value": value})

    def said(self, event: dict[str, Any]) -> list[str]:
        return [line(out) for out in self.trace.feed(event)]

    def _votes(self, kind: str, round_: int, value: str, senders: str) -> list[str]:
        out: list[str] = []
        for sender in senders:
            out += self.said(
                {
                    "type": kind,
                    "height": HEIGHT,
                    "round": round_,
                    "value": _value(value),
                    "from": sender,
                }
            )
        return out


def line(out: Mapping[str, Any]) -> str:
    """`prevote 0 X`, `propose 1 X vr0`, `timer prevote 0`, `decide 0 X`, `evidence b 0`."""
    match out["type"]:
        case "prevote" | "precommit":
            return f"{out['type']} {out['round']} {out['value'] or 'nil'}"
        case "proposal":
            return f"propose {out['round']} {out['value']} vr{out['valid_round']}"
        case "timeout":
            return f"timer {out['step']} {out['round']}"
        case "decision":
            return f"decide {out['round']} {out['value']}"
        case "evidence":
            return f"evidence {out['from']} {out['round']}"
        case "get_value":
            return f"get {out['round']}"
        case kind:
            return f"check {out['value']}" if kind == "check_value" else str(out)


def _value(value: str) -> str | None:
    return None if value == "nil" else value


def _name(value: bytes | None) -> str:
    return "nil" if value is None else value.decode()


# Records for tests that talk to a core directly.


def four(powers: Mapping[str, int] = FOUR) -> ValidatorSet:
    return ValidatorSet(Validator(name.encode(), power) for name, power in powers.items())


def vote(kind: VoteKind, round_: int, value: bytes | None, by: str, height: int = HEIGHT) -> Vote:
    return Vote(kind, height, round_, value, 0, by.encode(), b"s")


def prevote(round_: int, value: bytes | None, by: str) -> Vote:
    return vote(VoteKind.PREVOTE, round_, value, by)


def precommit(round_: int, value: bytes | None, by: str) -> Vote:
    return vote(VoteKind.PRECOMMIT, round_, value, by)


def proposal(round_: int, value: bytes, by: str, vr: int = -1) -> Proposal:
    return Proposal(HEIGHT, round_, value, vr, 0, by.encode(), b"s")


def certificate(kind: VoteKind, round_: int, value: bytes | None, by: str) -> Certificate:
    return certificate_of(vote(kind, round_, value, sender) for sender in by)


def core_of(me: str | None, turns: str = "bcda", powers: Mapping[str, int] = FOUR) -> Core:
    return Core(
        HEIGHT,
        four(powers),
        None if me is None else me.encode(),
        lambda round_: turns[round_ % len(turns)].encode(),
        TIMEOUTS,
        time_ms_min=1_000,
    )


__all__ = ["FOUR", "HEIGHT", "TIMEOUTS", "Bench", "Step"]
