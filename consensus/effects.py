"""Everything a core asks for. A node carries effects out in the order in which they stand."""

from typing import TypeAlias

import msgspec

from consensus.messages import CarriedProposal, Certificate, Equivocation, Proposal, Step, Vote


class Persist(msgspec.Struct, frozen=True):
    """Flush the log, all inputs so far included, before the next effect.

    The bytes of `message` (unsigned), its time included, are fixed from here on: a replay of the
    log makes the same.
    """

    message: Vote | Proposal


class Sign(msgspec.Struct, frozen=True):
    """Have the signer sign `message`; answer with `Signed` or `SignRefused`."""

    message: Vote | Proposal


class Broadcast(msgspec.Struct, frozen=True):
    """Send an own, signed message to all validators."""

    message: Vote | CarriedProposal


class ScheduleTimeout(msgspec.Struct, frozen=True):
    """Answer with `TimeoutElapsed(step, height, round)` after `duration_ms`."""

    step: Step
    height: int
    round: int
    duration_ms: int


class GetValue(msgspec.Struct, frozen=True):
    """Build a block to propose (L18); answer with `ValueReady`."""

    height: int
    round: int


class CheckValue(msgspec.Struct, frozen=True):
    """Fetch and check the proposed block: valid(v); answer with `ValueChecked` once it is held.

    May be asked again in a later round if it was not answered. No answer is no vote for it.
    """

    block_id: bytes
    proposal: Proposal


class Decide(msgspec.Struct, frozen=True):
    """The height is decided (L50-51)."""

    height: int
    round: int
    block_id: bytes
    certificate: Certificate
    """The commit: the precommits known now; `Core.commit` may hold more later."""


class ReportEvidence(msgspec.Struct, frozen=True):
    """A validator has contradicted itself; once per validator, round and kind."""

    evidence: Equivocation


Effect: TypeAlias = (
    Persist | Sign | Broadcast | ScheduleTimeout | GetValue | CheckValue | Decide | ReportEvidence
)
