"""What a signer may sign: never a step at or before one it has signed, except the same bytes.

Pure decision logic. The caller, in order: `admit`; if it returns a signature, answer with it;
else sign, make the `SignerState`, replace the state file atomically and flush it, and only
then let the signature out.
"""

from typing import Annotated, Final, TypeAlias

import msgspec

from consensus.core import Core
from consensus.errors import BadSignerState, DoubleSign
from consensus.messages import (
    Proposal,
    SignatureBytes,
    Step,
    ValidatorId,
    Vote,
    sign_bytes,
    step_of,
)
from wire.codec import Digest, Record, decode, digest_of, encode
from wire.errors import MalformedBytes, Oversize
from wire.limits import HEIGHT_MAX, ROUND_MAX

STATE_BYTES_MAX: Final = 4_096
"""A state file is about 400 bytes."""

SIGNER_STATE_VERSION: Final = 1
"""Of the state file."""

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


class _StateFile(Record, frozen=True):
    """The state with its digest, so that a flipped bit cannot move the signer back."""

    state: SignerState
    digest: bytes


def new_state(chain_id: str, validator: bytes) -> SignerState:
    """The state of a key that has never signed. Make it once, when the key is made."""
    return SignerState(SIGNER_STATE_VERSION, chain_id, validator, None)


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
    return SignerState(SIGNER_STATE_VERSION, state.chain_id, state.validator, last)


def must_only_follow(state: SignerState, core: Core) -> bool:
    """Whether `core`, after its replay, does not know all that its key has signed at its height.

    Then its log was lost or restored from a backup, and with it perhaps a lock: a new vote could
    break a promise that the old one made. Run this height with `me=None`.
    """
    last, process = state.last, core.process
    if last is None or last.height < process.height:
        return False
    log = process.book.rounds.get(last.round)
    if last.height > process.height or log is None:
        return True
    heard: list[Vote | Proposal | None] = [*process.unsigned.values(), log.proposal]
    heard += [tally.votes.get(state.validator) for tally in (log.prevotes, log.precommits)]
    known = [sign_bytes(state.chain_id, m) for m in heard if m is not None]
    return last.sign_bytes not in known


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
