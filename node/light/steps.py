"""Recorded steps of a light client, as JSON: names instead of keys, real signatures made of them.

For conformance: steps recorded by another implementation are converted to this form and judged
by the one rule, `verify`. The form is described in docs/LIGHT.md.
"""

from typing import Annotated, Final

import msgspec

from consensus.messages import UNSIGNED, Certificate, Entry, Vote, VoteKind, sign_bytes
from consensus.validators import Validator
from node.blocks import Header, LightBlock, block_id
from node.light.verify import (
    CLOCK_DRIFT_MS,
    Answer,
    Options,
    Trusted,
    TrustLevel,
    Verdict,
    trusted,
    verify,
)
from wire.codec import digest_of, sha256
from wire.errors import Rejection
from wire.limits import HEIGHT_MAX, ROUND_MAX, TIME_MS_MAX
from wire.signing import SigningKey
from wire.version import PROTOCOL_VERSION

Powers = dict[str, int]
"""A validator set: voting power by name."""

Height = Annotated[int, msgspec.Meta(ge=0, le=HEIGHT_MAX)]
TimeMs = Annotated[int, msgspec.Meta(ge=0, le=TIME_MS_MAX)]

DAMAGED: Final = 1 << 7
"""XORed into the first byte of a signature that is to be bad."""


class BadSteps(Rejection):
    """A file of light client steps is not of the documented form."""

    code = "LIGHT_BAD_STEPS"
    remedy = "Compare it with the form in docs/LIGHT.md."


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: JSON objects, unknown names refused."""


class DescribedCommit(_Part, frozen=True, kw_only=True):
    """What differs from a good commit of the block by all its validators."""

    signers: tuple[str, ...] | None = None
    """Names, in any order; one named twice stands twice. None: all of the set."""
    bad_signatures: tuple[str, ...] = ()
    """Signers whose signature is not good."""
    kind: VoteKind = VoteKind.PRECOMMIT
    """1: prevotes, 2: precommits."""
    height: Height | None = None
    round: Annotated[int, msgspec.Meta(ge=0, le=ROUND_MAX)] = 0
    block: str | None = ""
    """Another block's name, null for nil; empty: this block."""


class DescribedBlock(_Part, frozen=True, kw_only=True):
    """A light block. `header_...` is what the header names, if that is not what is supplied."""

    height: Height
    time_ms: TimeMs
    validators: Powers
    next_validators: Powers
    header_validators: Powers | None = None
    header_next_validators: Powers | None = None
    chain_id: str = ""
    """Empty: the chain's."""
    name: str = ""
    """Any text: blocks that are alike but for it are different blocks."""
    commit: DescribedCommit = DescribedCommit()


class DescribedStep(_Part, frozen=True, kw_only=True):
    """An untrusted block, the reader's time, and the recorded verdict if there is one."""

    block: DescribedBlock
    now_ms: TimeMs
    verdict: Answer | None = None


class Steps(_Part, frozen=True, kw_only=True):
    """A trusted block and the steps from it. Trust moves on with each SUCCESS, and stays else."""

    description: str = ""
    chain_id: str
    trusting_period_ms: int
    clock_drift_ms: int = CLOCK_DRIFT_MS
    trust_level: tuple[int, int] = (1, 3)
    initial: DescribedBlock
    steps: tuple[DescribedStep, ...]


class StepResult(msgspec.Struct, frozen=True):
    """What `verify` said of a step."""

    trusted_height: int
    """From which it was judged."""
    height: int
    verdict: Verdict
    expected: Answer | None

    @property
    def agrees(self) -> bool:
        """Whether the recorded verdict, if any, is the same."""
        return self.expected in (None, self.verdict.answer)


def read_steps(text: bytes) -> Steps:
    """The steps in a JSON text; raises `BadSteps`."""
    try:
        return msgspec.json.decode(text, type=Steps)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadSteps(str(error)[:200]) from None


def replay(steps: Steps) -> list[StepResult]:
    """Judge every step; raises `BadTrustOptions`."""
    how = Options(TrustLevel(*steps.trust_level), steps.trusting_period_ms, steps.clock_drift_ms)
    known: Trusted = trusted(light_block(steps.chain_id, steps.initial))
    results = []
    for step in steps.steps:
        block = light_block(steps.chain_id, step.block)
        verdict = verify(known, block, step.now_ms, how)
        results.append(StepResult(known.header.height, block.header.height, verdict, step.verdict))
        if verdict.answer is Answer.SUCCESS:
            known = trusted(block)
    return results


def key_of(name: str) -> SigningKey:
    """The key of a named validator: known to everybody, for tests only."""
    return SigningKey(sha256(name.encode("utf-8", "surrogatepass")))


def validators_of(powers: Powers) -> tuple[Validator, ...]:
    """The named validators as a light block lists them."""
    members = [Validator(key_of(name).public, power) for name, power in powers.items()]
    return tuple(sorted(members, key=lambda member: member.public_key))


def light_block(chain_id: str, block: DescribedBlock) -> LightBlock:
    """The described block, really signed by whom the description says."""
    header = _header(chain_id, block)
    return LightBlock(
        header,
        _commit(header, block),
        validators_of(block.validators),
        validators_of(block.next_validators),
    )


def _header(chain_id: str, block: DescribedBlock) -> Header:
    named, following = block.header_validators, block.header_next_validators
    here = block.validators if named is None else named
    upcoming = block.next_validators if following is None else following
    nothing = digest_of(())
    return Header(
        version=PROTOCOL_VERSION,
        chain_id=block.chain_id or chain_id,
        height=block.height,
        time_ms=block.time_ms,
        last_block_id=nothing,
        last_commit_hash=nothing,
        transactions_root=digest_of(block.name),
        certificates_root=nothing,
        evidence_root=nothing,
        validators_hash=digest_of(validators_of(here)),
        next_validators_hash=digest_of(validators_of(upcoming)),
        rotation_hash=nothing,
        recovery_hash=nothing,
        state_root=nothing,
        receipts_root=nothing,
        results_root=nothing,
        seed_link=nothing,
        proposer=nothing,
    )


def _commit(header: Header, block: DescribedBlock) -> Certificate:
    said = block.commit
    height = header.height if said.height is None else said.height
    subject = _subject(header, said.block)
    names = tuple(block.validators) if said.signers is None else said.signers
    entries = []
    for name in names:
        key = key_of(name)
        vote = Vote(said.kind, height, said.round, subject, header.time_ms, key.public, UNSIGNED)
        signature: bytes = key.sign(sign_bytes(header.chain_id, vote))
        if name in said.bad_signatures:
            signature = bytes([signature[0] ^ DAMAGED]) + signature[1:]
        entries.append(Entry(key.public, header.time_ms, signature))
    entries.sort(key=lambda entry: entry.validator)
    return Certificate(said.kind, height, said.round, subject, tuple(entries))


def _subject(header: Header, named: str | None) -> bytes | None:
    if named is None:
        return None
    return digest_of(named) if named else block_id(header)
