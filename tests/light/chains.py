"""Chains of light blocks with real keys and commits, honest and forged, for tests."""

from collections.abc import Iterable

import msgspec

from consensus.messages import Certificate, Entry, Vote, VoteKind, certificate_of, sign_bytes
from consensus.validators import Validator
from node.blocks import Header, LightBlock, block_id
from node.light.asking import LATEST, Ask, Told
from node.light.steps import key_of, validators_of
from wire.codec import digest_of, sha256
from wire.version import PROTOCOL_VERSION

CHAIN = "dcn-light"
GENESIS = sha256(b"genesis")
START_MS = 1_700_000_000_000
BLOCK_MS = 1_000
NOBODY = b"\0" * 32

Powers = dict[str, int]


def precommit(
    name: str, header: Header, round_: int = 0, kind: VoteKind = VoteKind.PRECOMMIT
) -> Vote:
    key = key_of(name)
    vote = Vote(kind, header.height, round_, block_id(header), header.time_ms, key.public, b"")
    signature = key.sign(sign_bytes(header.chain_id, vote))
    return msgspec.structs.replace(vote, signature=signature)


def commit(header: Header, signers: Iterable[str], round_: int = 0) -> Certificate:
    return certificate_of(precommit(name, header, round_) for name in signers)


def light_block(
    height: int,
    validators: Powers,
    next_validators: Powers,
    *,
    parent: bytes = NOBODY,
    time_ms: int | None = None,
    signers: Iterable[str] | None = None,
    round_: int = 0,
    state: str = "",
    body: str = "",
    chain_id: str = CHAIN,
) -> LightBlock:
    """`state`: of the derived fields; `body`: of what the proposer chooses."""
    here, upcoming = validators_of(validators), validators_of(next_validators)
    header = Header(
        version=PROTOCOL_VERSION,
        chain_id=chain_id,
        height=height,
        time_ms=START_MS + (height - 1) * BLOCK_MS if time_ms is None else time_ms,
        last_block_id=parent,
        last_commit_hash=NOBODY,
        transactions_root=digest_of(body),
        certificates_root=NOBODY,
        evidence_root=NOBODY,
        validators_hash=digest_of(here),
        next_validators_hash=digest_of(upcoming),
        rotation_hash=NOBODY,
        recovery_hash=NOBODY,
        state_root=digest_of(state),
        receipts_root=NOBODY,
        results_root=NOBODY,
        seed_link=NOBODY,
        proposer=here[0].public_key,
    )
    names = list(validators) if signers is None else list(signers)
    return LightBlock(header, commit(header, names, round_), here, upcoming)


class Chain:
    """Blocks from height 1, by a history of validator sets: `sets[h - 1]` decides height h."""

    def __init__(self, sets: list[Powers], blocks: list[LightBlock] | None = None) -> None:
        """One set more than there are blocks."""
        self.sets = sets
        self.blocks: list[LightBlock] = [] if blocks is None else blocks
        while len(self.blocks) < len(sets) - 1:
            self.grow()

    def grow(self, **changes: object) -> LightBlock:
        height = len(self.blocks) + 1
        parent = block_id(self.blocks[-1].header) if self.blocks else GENESIS
        known = {"parent": parent, **changes}
        made = light_block(height, self.sets[height - 1], self.sets[height], **known)  # type: ignore[arg-type]
        self.blocks.append(made)
        return made

    def forked(self, height: int, **changes: object) -> "Chain":
        """Another chain, equal below `height`, whose block there has `changes`."""
        other = Chain(self.sets[:height], self.blocks[: height - 1])
        other.sets = self.sets
        other.grow(**changes)
        return Chain(self.sets, other.blocks)

    def at(self, height: int) -> LightBlock:
        return self.blocks[height - 1]

    @property
    def height(self) -> int:
        return len(self.blocks)

    @property
    def now_ms(self) -> int:
        """A moment after the last block."""
        return self.blocks[-1].header.time_ms + BLOCK_MS


class Nodes:
    """Nodes by name, each with the blocks it has; answers the light client's questions."""

    def __init__(self, now_ms: int, **chains: Chain) -> None:
        self.now_ms = now_ms
        self.blocks: dict[str, dict[int, LightBlock]] = {
            name: {block.header.height: block for block in chain.blocks}
            for name, chain in chains.items()
        }
        self.asked: list[Ask] = []

    def __call__(self, question: Ask) -> Told:
        self.asked.append(question)
        has = self.blocks[question.node]
        height = max(has, default=0) if question.height == LATEST else question.height
        return Told(has.get(height), self.now_ms)


def with_entries(block: LightBlock, entries: Iterable[Entry]) -> LightBlock:
    changed = msgspec.structs.replace(block.commit, signatures=tuple(entries))
    return msgspec.structs.replace(block, commit=changed)


def with_members(block: LightBlock, members: Iterable[Validator]) -> LightBlock:
    return msgspec.structs.replace(block, validators=tuple(members))
