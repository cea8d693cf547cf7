"""Four validators with real keys, for tests of signatures."""

from consensus.messages import (
    Certificate,
    Proposal,
    Vote,
    VoteKind,
    certificate_of,
    sign_bytes,
    with_signature,
)
from consensus.validators import Validator, ValidatorSet
from wire.codec import sha256
from wire.signing import SigningKey

CHAIN = "dcn-test"
KEYS = sorted((SigningKey(bytes([i]) * 32) for i in range(1, 5)), key=lambda key: key.public)
VALIDATORS = ValidatorSet(Validator(key.public, 1) for key in KEYS)
X, Y = sha256(b"X"), sha256(b"Y")


def signed(message: Vote | Proposal, key: SigningKey) -> Vote | Proposal:
    return with_signature(message, key.sign(sign_bytes(CHAIN, message)))


def vote(
    key: SigningKey,
    block_id: bytes | None,
    kind: VoteKind = VoteKind.PRECOMMIT,
    round_: int = 0,
    *,
    time_ms: int = 0,
    height: int = 9,
) -> Vote:
    made = signed(Vote(kind, height, round_, block_id, time_ms, key.public, b""), key)
    assert isinstance(made, Vote)
    return made


def proposal(key: SigningKey, block_id: bytes, round_: int = 0, vr: int = -1) -> Proposal:
    made = signed(Proposal(9, round_, block_id, vr, 0, key.public, b""), key)
    assert isinstance(made, Proposal)
    return made


def certificate(
    keys: list[SigningKey], block_id: bytes | None, kind: VoteKind = VoteKind.PRECOMMIT
) -> Certificate:
    return certificate_of(vote(key, block_id, kind) for key in keys)
