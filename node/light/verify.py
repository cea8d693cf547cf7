"""One step of the light client: does trust in one header give trust in another?

The rule is the CometBFT light client specification, "verification" (LCV-FUNC-VALID.1; arXiv
2010.07031): a header is trusted if a header within its trusting period leads to it, because
validators with more than a third of the power that it names signed the new one. INVALID comes
before NOT_ENOUGH_TRUST: what no correct node would send is never answered with a smaller step.
"""

from enum import StrEnum
from typing import Final

import msgspec

from consensus.errors import BadCertificate, BadValidatorSet
from consensus.messages import Certificate
from consensus.validators import Validator, ValidatorSet
from consensus.verification import verify_commit
from node.blocks import Header, LightBlock, block_id
from node.light.errors import BadTrustOptions
from wire.codec import digest_of
from wire.errors import BadSignature

DAY_MS: Final = 24 * 60 * 60 * 1_000

TRUSTING_PERIOD_MS: Final = 14 * DAY_MS
"""So long the validators of a header can be held to what they sign."""

CLOCK_DRIFT_MS: Final = 10_000
"""So far a correct header may lie ahead of the reader's clock."""


class TrustLevel(msgspec.Struct, frozen=True):
    """The part of a trusted set's power that must have signed a header further on: more than
    `numerator` of `denominator`. At 1 no skip ever succeeds: every header is looked at."""

    numerator: int = 1
    denominator: int = 3


class Options(msgspec.Struct, frozen=True):
    """What the reader decides.

    Below a trust level of 1/3 all signers that count could be faulty; above 1 nobody reaches it.
    """

    trust_level: TrustLevel = TrustLevel()
    trusting_period_ms: int = TRUSTING_PERIOD_MS
    clock_drift_ms: int = CLOCK_DRIFT_MS

    def __post_init__(self) -> None:
        """Raise `BadTrustOptions` for what is out of range."""
        part, whole = self.trust_level.numerator, self.trust_level.denominator
        if whole < 1 or 3 * part < whole or part > whole:
            raise BadTrustOptions(f"trust level {part}/{whole}")
        if self.trusting_period_ms <= 0 or self.clock_drift_ms < 0:
            raise BadTrustOptions(
                f"period {self.trusting_period_ms} ms, drift {self.clock_drift_ms} ms"
            )


class Trusted(msgspec.Struct, frozen=True):
    """What is needed of a header that is trusted already: itself, and who decides the next."""

    header: Header
    next_validators: tuple[Validator, ...]


class Answer(StrEnum):
    """The three verdicts of a step, as the specification names them."""

    SUCCESS = "SUCCESS"
    NOT_ENOUGH_TRUST = "NOT_ENOUGH_TRUST"
    INVALID = "INVALID"


class Verdict(msgspec.Struct, frozen=True):
    """A verdict and, unless it is SUCCESS, why."""

    answer: Answer
    reason: str = ""


class _Invalid(Exception):
    """Inside `verify`: the reason for INVALID."""


def trusted(block: LightBlock) -> Trusted:
    """A verified light block as the start of the next step."""
    return Trusted(block.header, block.next_validators)


def expired(header: Header, period_ms: int, now_ms: int) -> bool:
    """Whether `header` is too old to be trusted on: its period ends, exclusively, before now."""
    return header.time_ms + period_ms <= now_ms


def verify(known: Trusted, block: LightBlock, now_ms: int, how: Options) -> Verdict:
    """Whether trust in `known` gives trust in `block`, at the reader's time `now_ms`.

    Raises nothing: whatever is wrong with `block` is INVALID, with the reason.
    """
    try:
        _check_times(known.header, block.header, now_ms, how)
        signers = _check_block(known.header.chain_id, block)
        _check_known(known, block)
    except _Invalid as wrong:
        return Verdict(Answer.INVALID, str(wrong))
    if block.header.height == known.header.height + 1:
        return Verdict(Answer.SUCCESS)
    return _overlap(known.next_validators, signers, how.trust_level)


def verdict_alone(chain_id: str, block: LightBlock) -> Verdict:
    """Whether `block` is sound by itself: its sets are its header's, and more than two thirds of
    its own validators signed. That is no reason to trust it; it is asked of the first header."""
    try:
        _check_block(chain_id, block)
    except _Invalid as wrong:
        return Verdict(Answer.INVALID, str(wrong))
    return Verdict(Answer.SUCCESS)


def verify_backwards(known: Header, older: Header) -> Verdict:
    """Whether `older` is the parent of the trusted header `known`: the chain of hashes says so.

    No signature is needed and no period runs out: the trusted header names its parent's hash.
    """
    wrong = ""
    if older.chain_id != known.chain_id:
        wrong = f"chain {older.chain_id[:48]}, not {known.chain_id}"
    elif older.height != known.height - 1:
        wrong = f"height {older.height}, not {known.height - 1}"
    elif older.time_ms >= known.time_ms:
        wrong = f"time {older.time_ms} is not before {known.time_ms}"
    elif block_id(older) != known.last_block_id:
        wrong = "is not the block that the trusted header names as its parent"
    return Verdict(Answer.INVALID, wrong) if wrong else Verdict(Answer.SUCCESS)


def _check_times(known: Header, header: Header, now_ms: int, how: Options) -> None:
    """Trust has not run out, and the new header lies between the known one and the clock."""
    if expired(known, how.trusting_period_ms, now_ms):
        ended = known.time_ms + how.trusting_period_ms
        raise _Invalid(f"the trusted header expired at {ended}, now is {now_ms}")
    if header.chain_id != known.chain_id:
        raise _Invalid(f"chain {header.chain_id[:48]}, not {known.chain_id}")
    if header.height <= known.height:
        raise _Invalid(f"height {header.height} is not above the trusted {known.height}")
    if header.time_ms <= known.time_ms:
        raise _Invalid(f"time {header.time_ms} is not after the trusted {known.time_ms}")
    if header.time_ms >= now_ms + how.clock_drift_ms:
        raise _Invalid(f"time {header.time_ms} lies in the future, now is {now_ms}")


def _check_block(chain_id: str, block: LightBlock) -> Certificate:
    """The commit of `block`, every signature in it verified; raises `_Invalid`."""
    header = block.header
    if header.chain_id != chain_id:
        raise _Invalid(f"chain {header.chain_id[:48]}, not {chain_id}")
    try:
        validators = ValidatorSet(block.validators)
    except BadValidatorSet as error:
        raise _Invalid(f"the validator set {error.detail}") from None
    if digest_of(block.validators) != header.validators_hash:
        raise _Invalid("the validators are not those that the header names")
    if digest_of(block.next_validators) != header.next_validators_hash:
        raise _Invalid("the next validators are not those that the header names")
    try:
        return verify_commit(
            chain_id, block.commit, validators, header.height, block_id(header)
        ).value
    except (BadCertificate, BadSignature) as error:
        raise _Invalid(f"the commit: {error.detail}") from None


def _check_known(known: Trusted, block: LightBlock) -> None:
    """The trusted header's word on the validators: of the next height it names the very set."""
    header = known.header
    if digest_of(known.next_validators) != header.next_validators_hash:
        raise _Invalid("the trusted next validators are not those of the trusted header")
    adjacent = block.header.height == header.height + 1
    if adjacent and block.header.validators_hash != header.next_validators_hash:
        raise _Invalid("the validators are not those that the trusted header names for the next")


def _overlap(validators: tuple[Validator, ...], commit: Certificate, level: TrustLevel) -> Verdict:
    """More than the trust level of the power that the trusted header names must have signed."""
    signed = {entry.validator for entry in commit.signatures}
    whole = sum(member.power for member in validators)
    power = sum(member.power for member in validators if member.public_key in signed)
    if power * level.denominator > whole * level.numerator:
        return Verdict(Answer.SUCCESS)
    needed = f"more than {level.numerator}/{level.denominator} needed"
    return Verdict(Answer.NOT_ENOUGH_TRUST, f"power {power} of {whole} signed, {needed}")
