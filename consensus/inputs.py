"""Everything a core is told, each with the node's clock; encodable, so that a log can replay it.

Messages in them have been verified: the node lets nothing else near.
"""

from typing import TypeAlias

from consensus.messages import (
    BlockId,
    Certificate,
    Extension,
    Height,
    Proposal,
    Round,
    Step,
    TimeMs,
    Vote,
)
from wire.codec import Record, decode, encode
from wire.limits import FRAME_BYTES_MAX


class Start(Record, tag=1, frozen=True):
    """Begin the height at round 0 (L10-11)."""

    now_ms: TimeMs


class ProposalReceived(Record, tag=2, frozen=True):
    """A proposal, and with valid_round >= 0 the polka it refers to (None: known already)."""

    proposal: Proposal
    polka: Certificate | None
    now_ms: TimeMs


class VoteReceived(Record, tag=3, frozen=True):
    """A prevote or precommit."""

    vote: Vote
    now_ms: TimeMs


class CertificateReceived(Record, tag=4, frozen=True):
    """A quorum of votes at once."""

    certificate: Certificate
    now_ms: TimeMs


class TimeoutElapsed(Record, tag=5, frozen=True):
    """A timer that `ScheduleTimeout` asked for has run out."""

    step: Step
    height: Height
    round: Round
    now_ms: TimeMs


class ValueReady(Record, tag=6, frozen=True):
    """The answer to `GetValue`: the block to propose in `round`."""

    round: Round
    block_id: BlockId
    now_ms: TimeMs


class ValueChecked(Record, tag=7, frozen=True):
    """The answer to `CheckValue`: whether the block, held in full, is valid, and what an own
    precommit for it shall carry. An input, so that a replay of the log signs the same bytes."""

    block_id: BlockId
    valid: bool
    now_ms: TimeMs
    extension: Extension = b""


class Signed(Record, tag=8, frozen=True):
    """The answer to `Sign`: the same message with its signature."""

    message: Vote | Proposal
    now_ms: TimeMs


class SignRefused(Record, tag=9, frozen=True):
    """The signer will not sign what `Sign` asked for at this step; stay silent there."""

    step: Step
    round: Round
    now_ms: TimeMs


Input: TypeAlias = (
    Start
    | ProposalReceived
    | VoteReceived
    | CertificateReceived
    | TimeoutElapsed
    | ValueReady
    | ValueChecked
    | Signed
    | SignRefused
)


class _Logged(Record, frozen=True):
    """An input as it stands in a log record."""

    input: Input


def encode_input(given: Input) -> bytes:
    """The canonical bytes of `given`, for the consensus log."""
    return encode(_Logged(given))


def decode_input(data: bytes) -> Input:
    """The input that `encode_input` wrote. Raises `MalformedBytes`, `Oversize`."""
    return decode(data, _Logged, FRAME_BYTES_MAX).input
