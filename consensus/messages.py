"""The signed messages of consensus as they stand on the wire, and the bytes that are signed.

A constructor checks nothing; `wire.codec.decode` checks every range given here.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Annotated, TypeAlias

import msgspec

from wire.codec import Record
from wire.limits import EXTENSION_BYTES_MAX, HEIGHT_MAX, ROUND_MAX, TIME_MS_MAX, VALIDATORS_MAX
from wire.signing import signed_bytes

Height: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=HEIGHT_MAX)]
"""A block height, from 1."""

Round: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=ROUND_MAX)]
"""A round of one height, from 0."""

ValidRound: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=ROUND_MAX)]
"""The round in which a proposed value was seen with a quorum of prevotes; -1 is none."""

TimeMs: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=TIME_MS_MAX)]
"""Milliseconds since 1970-01-01 UTC."""

BlockId: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""Digest of a block: the `id(v)` of the paper."""

ValidatorId: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""A validator's Ed25519 consensus public key. The core only hashes and sorts it."""

SignatureBytes: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
"""An Ed25519 signature."""

Extension: TypeAlias = Annotated[bytes, msgspec.Meta(max_length=EXTENSION_BYTES_MAX)]
"""What a validator adds to its precommit for a block: opaque here, delivered to the ledger with
the next block (ABCI 2.0, ExtendVote). Covered by the vote's own signature."""

NO_ROUND = -1
"""The paper's -1: `valid_round` of a fresh proposal, `lockedRound` of an unlocked validator."""

UNSIGNED = b""
"""Stands for the signature in a message that is still to be signed."""


class VoteKind(IntEnum):
    """The two kinds of vote."""

    PREVOTE = 1
    PRECOMMIT = 2


class Step(IntEnum):
    """The steps of a round, in order; also the three places at which a validator signs."""

    PROPOSE = 1
    PREVOTE = 2
    PRECOMMIT = 3


class Vote(Record, tag=1, frozen=True):
    """<PREVOTE, h, r, id> or <PRECOMMIT, h, r, id> of one validator."""

    kind: VoteKind
    height: Height
    round: Round
    block_id: BlockId | None
    """None is nil."""
    time_ms: TimeMs
    """The validator's clock; of precommits for a block the median becomes block time."""
    validator: ValidatorId
    signature: SignatureBytes
    extension: Extension = b""
    """Empty but in a precommit for a block."""


class Proposal(Record, tag=2, frozen=True):
    """<PROPOSAL, h, r, v, vr>: the proposer names the block; its body travels apart."""

    height: Height
    round: Round
    block_id: BlockId
    valid_round: ValidRound
    time_ms: TimeMs
    validator: ValidatorId
    signature: SignatureBytes


class Entry(Record, frozen=True):
    """One validator's vote inside a certificate."""

    validator: ValidatorId
    time_ms: TimeMs
    signature: SignatureBytes
    extension: Extension = b""


class Certificate(Record, tag=3, frozen=True):
    """Votes of one kind, round and block by more than two thirds of the power.

    A *polka* is one of prevotes, a *commit* one of precommits for a block.
    """

    kind: VoteKind
    height: Height
    round: Round
    block_id: BlockId | None
    signatures: Annotated[tuple[Entry, ...], msgspec.Meta(max_length=VALIDATORS_MAX)]
    """Sorted by validator, nobody twice."""


class Equivocation(Record, tag=4, frozen=True):
    """Evidence: two messages of one validator, height, round and kind that contradict."""

    first: Vote | Proposal
    second: Vote | Proposal


class CarriedProposal(Record, tag=5, frozen=True):
    """A proposal as it travels: with valid_round >= 0 its polka goes with it (L28)."""

    proposal: Proposal
    polka: Certificate | None


def step_of(message: Vote | Proposal) -> Step:
    """The step at which `message` is signed."""
    if isinstance(message, Proposal):
        return Step.PROPOSE
    return Step.PREVOTE if message.kind is VoteKind.PREVOTE else Step.PRECOMMIT


def sign_bytes(chain_id: str, message: Vote | Proposal) -> bytes:
    """The bytes that the signature of `message` is made over."""
    if isinstance(message, Proposal):
        return signed_bytes(
            "dcn/proposal/1",
            chain_id,
            message.height,
            message.round,
            message.block_id,
            message.valid_round,
            message.time_ms,
        )
    return signed_bytes(
        "dcn/vote/2",
        chain_id,
        message.kind,
        message.height,
        message.round,
        message.block_id,
        message.time_ms,
        message.extension,
    )


def with_signature(message: Vote | Proposal, signature: bytes) -> Vote | Proposal:
    """`message` with its signature filled in."""
    return msgspec.structs.replace(message, signature=signature)


def contradict(first: Vote | Proposal, second: Vote | Proposal) -> bool:
    """Whether one validator must not have signed both: same place, another content.

    Votes conflict by their block ids, not their times; proposals by block id or valid round.
    """
    if isinstance(first, Vote) and isinstance(second, Vote):
        same = first.kind is second.kind
        differ = first.block_id != second.block_id
    elif isinstance(first, Proposal) and isinstance(second, Proposal):
        same = True
        differ = (first.block_id, first.valid_round) != (second.block_id, second.valid_round)
    else:
        return False
    place = (first.validator, first.height, first.round)
    return same and differ and place == (second.validator, second.height, second.round)


def certificate_of(votes: Iterable[Vote]) -> Certificate:
    """The certificate made of `votes`: at least one, all of one kind, height, round and block."""
    by_validator = {vote.validator: vote for vote in votes}
    ordered = [by_validator[validator] for validator in sorted(by_validator)]
    head = ordered[0]
    subject = (head.kind, head.height, head.round, head.block_id)
    for vote in ordered:
        assert (vote.kind, vote.height, vote.round, vote.block_id) == subject, vote
    entries = tuple(Entry(v.validator, v.time_ms, v.signature, v.extension) for v in ordered)
    return Certificate(head.kind, head.height, head.round, head.block_id, entries)


def votes_of(certificate: Certificate) -> list[Vote]:
    """The votes a certificate is made of, in its order."""
    return [
        Vote(
            certificate.kind,
            certificate.height,
            certificate.round,
            certificate.block_id,
            entry.time_ms,
            entry.validator,
            entry.signature,
            entry.extension,
        )
        for entry in certificate.signatures
    ]
