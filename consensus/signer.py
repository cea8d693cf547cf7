"""What a signer may sign: never a step at or before one it has signed, except the same bytes.

Pure decision logic. The caller, in order: `admit`; if it returns a signature, answer with it;
else sign, make the `SignerState`, replace the state file atomically and flush it, and only
then let the signature out.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec

from consensus.core import Core
from consensus.errors import BadSignerState, DoubleSign
from consensus.messages import (
    Certificate,
    Proposal,
    SignatureBytes,
    Step,
    ValidatorId,
    Vote,
    sign_bytes,
    step_of,
)
from consensus.validators import ValidatorSet
from wire.codec import Digest, Record, decode, digest_of, encode
from wire.errors import MalformedBytes, Oversize
from wire.limits import HEIGHT_MAX, ROUND_MAX

STATE_BYTES_MAX: Final = 4_096
"""A state file is about 400 bytes."""

SIGNER_STATE_VERSION: Final = 2
"""Of the state file."""

SKEW_MS: Final = 10_000
"""So far the clock of a correct validator may be ahead of this one's."""

SAFE_HEIGHTS: Final = 2
"""From so far above a height that others decided later, nothing can have been signed before."""

Place: TypeAlias = tuple[int, int, Step]
"""(height, round, step): signing only ever moves forward along it."""


class LastSigned(Record, frozen=True):
    """The last message that was signed."""

    height: Annotated[int, msgspec.Meta(ge=1, le=HEIGHT_MAX)]
    round: Annotated[int, msgspec.Meta(ge=0, le=ROUND_MAX)]
    step: Step
    sign_bytes: bytes
    signature: SignatureBytes


class SignerState(Record, frozen=True):
    """The durable state of one key on one chain."""

    version: int
    chain_id: str
    validator: ValidatorId
    last: LastSigned | None
    from_height: Annotated[int, msgspec.Meta(ge=1, le=HEIGHT_MAX)]
    """Nothing is signed below it: above 1 only after a state was lost."""


class SignerGone(StrEnum):
    """Why nothing is known of what the key has signed."""

    AWAY = "away"
    """The signer cannot be reached; it may come back, with its state."""
    LOST = "lost"
    """The state is gone, or an old copy: the key may have signed more than anybody here knows."""


Signing: TypeAlias = SignerState | SignerGone
"""What a signer remembers, or why that is not known."""


class _StateFile(Record, frozen=True):
    """The state with its digest, so that a flipped bit cannot move the signer back."""

    state: SignerState
    digest: bytes


def new_state(chain_id: str, validator: bytes) -> SignerState:
    """The state of a key that has never signed. Make it once, when the key is made."""
    return SignerState(SIGNER_STATE_VERSION, chain_id, validator, None, 1)


def raised(state: SignerState | None, chain_id: str, validator: bytes, height: int) -> SignerState:
    """The state, or a new one if it was lost, that signs nothing below `height`. It only rises."""
    known = new_state(chain_id, validator) if state is None else state
    return msgspec.structs.replace(known, from_height=max(known.from_height, height))


def place_of(message: Vote | Proposal) -> Place:
    """Where `message` is signed."""
    return message.height, message.round, step_of(message)


def admit(state: SignerState, message: Vote | Proposal) -> bytes | None:
    """None: `message` may be signed. A signature: it was signed already, this is the answer.

    Raises `DoubleSign` for an older place, for other bytes at the same place (the time counts:
    a message is fixed before it is first signed), and for another key.
    """
    if message.validator != state.validator:
        raise DoubleSign("the message names another validator")
    if message.height < state.from_height:
        raise DoubleSign(f"height {message.height}: it may sign from {state.from_height} on")
    last = state.last
    if last is None:
        return None
    asked, signed = place_of(message), (last.height, last.round, last.step)
    if asked > signed:
        return None
    if asked == signed and sign_bytes(state.chain_id, message) == last.sign_bytes:
        return last.signature
    raise DoubleSign(f"asked for {_text(asked)}, has signed {_text(signed)}")


def signed_state(state: SignerState, message: Vote | Proposal, signature: bytes) -> SignerState:
    """The state to make durable before `signature` of the admitted `message` is let out."""
    last = LastSigned(*place_of(message), sign_bytes(state.chain_id, message), signature)
    return msgspec.structs.replace(state, last=last)


def must_only_follow(state: SignerState, core: Core) -> bool:
    """Whether `core`, after its replay, does not know all that its key has signed at its height.

    Then its log was lost or restored from a backup, and with it perhaps a lock: a new vote could
    break a promise that the old one made. Run this height with `me=None`.
    """
    last, height = state.last, core.process.height
    if height < state.from_height:
        return True
    if last is None or last.height < height:
        return False
    if last.height > height:
        return True
    if last.round < core.process.first_round:
        return False  # a recovery has set those promises aside, see docs/CONSENSUS.md
    known = [sign_bytes(state.chain_id, one) for one in own_messages(state.validator, core)]
    return last.sign_bytes not in known


def own_messages(validator: bytes, core: Core) -> list[Vote | Proposal]:
    """What `core` knows that `validator` has signed, or is to sign, at its height."""
    process = core.process
    found: list[Vote | Proposal] = list(process.unsigned.values())
    for log in process.book.rounds.values():
        if log.proposal is not None and log.proposal.validator == validator:
            found.append(log.proposal)
        votes = [tally.votes.get(validator) for tally in (log.prevotes, log.precommits)]
        found += [vote for vote in votes if vote is not None]
    return found


def is_outdated(state: SignerState, core: Core, commits: Iterable[Certificate]) -> bool:
    """Whether the key has signed what `state` does not know of: it is an old copy.

    Seen in what `core` heard of it, by its log or by peers, and in decided `commits`.
    """
    unsigned = core.process.unsigned.values()
    signed = [place_of(one) for one in own_messages(state.validator, core) if one not in unsigned]
    for commit in commits:
        if any(entry.validator == state.validator for entry in commit.signatures):
            signed.append((commit.height, commit.round, Step.PRECOMMIT))
    last = state.last
    known = (0, 0, Step.PROPOSE) if last is None else (last.height, last.round, last.step)
    return any(place > known and place[0] >= state.from_height for place in signed)


def decided_since(commit: Certificate, validators: ValidatorSet, since_ms: int) -> bool:
    """Whether a quorum of `validators` signed `commit` after `since_ms`, by their own clocks.

    Then whoever has lost its state before that moment may sign from SAFE_HEIGHTS above it on. If
    it had signed at height s, it had seen s - 1 decided: more than a third of the power is correct
    and was at s - 1 or above before that moment, and signs nothing below any more. No quorum can be
    had without them, so the commit is of s - 1 or above.
    """
    fresh = [entry for entry in commit.signatures if entry.time_ms > since_ms + SKEW_MS]
    return validators.is_quorum(sum(validators.powers[entry.validator] for entry in fresh))


def encode_state(state: SignerState) -> bytes:
    """The bytes of the state file."""
    return encode(_StateFile(state, digest_of(state)))


def decode_state(data: bytes, chain_id: str, validator: bytes) -> SignerState:
    """The state that `encode_state` wrote for this chain and key. Raises `BadSignerState`."""
    try:
        file = decode(data, _StateFile, STATE_BYTES_MAX)
    except (MalformedBytes, Oversize) as error:
        raise BadSignerState(f"not a signer state file: {error.detail}") from None
    state = file.state
    if Digest(file.digest) != digest_of(state):
        raise BadSignerState("the digest does not match: the file is damaged")
    if state.version != SIGNER_STATE_VERSION:
        raise BadSignerState(f"version {state.version}, {SIGNER_STATE_VERSION} expected")
    if (state.chain_id, state.validator) != (chain_id, validator):
        raise BadSignerState(f"of chain {state.chain_id} and key {state.validator.hex()[:16]}")
    return state


def _text(place: Place) -> str:
    height, round_, step = place
    return f"height {height} round {round_} {step.name.lower()}"
