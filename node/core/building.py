"""Building and judging blocks: the proposer's side and everybody's valid(v)."""

from typing import Final

from consensus.errors import BadCertificate, BadEvidence
from consensus.messages import VoteKind
from consensus.verification import check_quorum
from ledger import admission, rounds, trades
from ledger.apply import Block as LedgerBlock
from ledger.apply import check_block
from ledger.execution import check_signers
from ledger.rejections import BlockRefused, WrongSigners
from ledger.rounds import RoundCertificate
from ledger.state import Draft
from ledger.transactions import Transaction, utis
from node.blocks import (
    COMMIT_BYTES_MAX,
    Block,
    BundlePart,
    DecidedBlock,
    EvidencePiece,
    Header,
    Proposed,
    block_id,
    commit_hash,
    ledger_block,
    records_root,
    recovery_hash,
)
from node.core.chain import Tip
from wire.codec import digest_of, encode
from wire.errors import Rejection
from wire.limits import BLOCK_BYTES_MAX, EVIDENCE_MAX
from wire.version import PROTOCOL_VERSION

HEADER_BYTES_MAX: Final = 2 << 10
"""A header has about 600 bytes."""


def well_signed(tip: Tip, tx: Transaction) -> bool:
    """No block may hold a transaction with wrong signers, so none may wait for one."""
    try:
        check_signers(Draft(tip.state), tx)
    except WrongSigners:
        return False
    except Rejection:
        return True
    return True


def admissible(draft: Draft, tx: Transaction, height: int) -> bool:
    """A gossiped transaction waits if its window, uniqueness and signers are right; whether it
    succeeds is seen when it is applied."""
    try:
        admission.check_window(draft, tx, height)
        admission.check_nonces(draft, tx)
        trades.check_unregistered(draft, utis(tx.action))
        check_signers(draft, tx)
    except Rejection:
        return False
    return True


def problems_due(tip: Tip) -> tuple[rounds.Problem, ...]:
    """The netting problems whose certificates the next block must carry."""
    due = rounds.due_for_clearing(tip.state, tip.height + 1)
    return tuple(rounds.problem(tip.state, row) for row in due)


def body_bytes_max(
    tip: Tip, certificates: tuple[RoundCertificate, ...], evidence: tuple[EvidencePiece, ...]
) -> int:
    """What the transactions of the next block may take beside everything else in it."""
    rest = len(encode((tip.commit, certificates, evidence, tip.recovery)))
    return BLOCK_BYTES_MAX - rest - HEADER_BYTES_MAX - COMMIT_BYTES_MAX


def build(
    tip: Tip,
    proposer: bytes,
    seed_link: bytes,
    bundles: tuple[BundlePart, ...],
    transactions: tuple[Transaction, ...],
    certificates: tuple[RoundCertificate, ...],
    evidence: tuple[EvidencePiece, ...] = (),
) -> tuple[Proposed, Block]:
    """The next block on `tip`, as it travels and in full."""
    header = Header(
        version=PROTOCOL_VERSION,
        chain_id=tip.chain_id,
        height=tip.height + 1,
        time_ms=tip.next_time_ms(),
        last_block_id=tip.block_id,
        last_commit_hash=commit_hash(tip.commit),
        transactions_root=records_root(transactions),
        certificates_root=records_root(certificates),
        evidence_root=records_root(evidence),
        validators_hash=tip.validators.hash,
        next_validators_hash=tip.next_validators.hash,
        rotation_hash=digest_of(tip.rotation),
        recovery_hash=recovery_hash(tip.recovery),
        state_root=tip.state.root,
        receipts_root=tip.receipts_root,
        results_root=tip.results_root,
        seed_link=seed_link,
        proposer=proposer,
    )
    block = Block(header, tip.commit, evidence, certificates, transactions, tip.recovery)
    proposed = Proposed(header, tip.commit, evidence, certificates, bundles, tip.recovery)
    return proposed, block


def check_successor(tip: Tip, block: Block) -> None:
    """valid(v): whether `block`, whose parts fit its header and whose signatures are verified,
    may follow `tip`; raises `BlockRefused`."""
    check_block(tip.state, fitting(tip, block))


def fitting(tip: Tip, block: Block) -> LedgerBlock:
    """`block` as the ledger sees it, if its header, commit and evidence fit `tip`.

    What the ledger itself demands is checked by `apply_block`. Raises `BlockRefused`.
    """
    header = block.header
    size = len(encode(block)) + COMMIT_BYTES_MAX
    if size > BLOCK_BYTES_MAX:  # decided, nobody could send, store or read it again
        raise BlockRefused(f"with its commit it may have {size} bytes, limit {BLOCK_BYTES_MAX}")
    _check_commit(tip, block)
    _check_recovery(tip, block)
    wanted = {
        "version": (header.version, PROTOCOL_VERSION),
        "chain id": (header.chain_id, tip.chain_id),
        "height": (header.height, tip.height + 1),
        "last block id": (header.last_block_id, tip.block_id),
        "validators hash": (header.validators_hash, tip.validators.hash),
        "next validators hash": (header.next_validators_hash, tip.next_validators.hash),
        "rotation hash": (header.rotation_hash, digest_of(tip.rotation)),
        "state root": (header.state_root, tip.state.root),
        "receipts root": (header.receipts_root, tip.receipts_root),
        "results root": (header.results_root, tip.results_root),
        "time": (header.time_ms, _time_of(tip, block)),
    }
    for name, (found, expected) in wanted.items():
        if found != expected:
            raise BlockRefused(f"{name} is {_text(found)}, must be {_text(expected)}")
    if header.proposer not in tip.validators:
        raise BlockRefused("the proposer is not a validator")
    if len(block.evidence) > EVIDENCE_MAX:
        raise BlockRefused(f"{len(block.evidence)} pieces of evidence")
    try:
        return ledger_block(block)
    except BadEvidence as error:
        raise BlockRefused(f"evidence: {error.detail}") from None


def check_decided(tip: Tip, decided: DecidedBlock) -> None:
    """Whether `decided` is the next block with a commit by the right validators, whose
    signatures are verified; raises `BadCertificate`, a `PeerFault`."""
    commit = decided.commit
    subject = (commit.kind, commit.height, commit.block_id)
    ident = block_id(decided.block.header)
    if subject != (VoteKind.PRECOMMIT, tip.height + 1, ident):
        raise BadCertificate(f"not a commit of the block at height {tip.height + 1}")
    check_quorum(commit, tip.validators)


def _check_commit(tip: Tip, block: Block) -> None:
    """The block carries a commit of the parent by a quorum of those who decided it."""
    commit = block.last_commit
    if tip.commit is None:
        if commit is not None:
            raise BlockRefused("block 1 has no parent, so no commit of it")
        return
    if commit is None:
        raise BlockRefused("the commit of the parent is missing")
    subject = (commit.kind, commit.height, commit.block_id)
    if subject != (VoteKind.PRECOMMIT, tip.height, tip.block_id):
        raise BlockRefused("the last commit is not one of the parent")
    try:
        check_quorum(commit, tip.last_validators)
    except BadCertificate as error:
        raise BlockRefused(f"last commit: {error.detail}") from None


def _check_recovery(tip: Tip, block: Block) -> None:
    """The block carries the recovery that this node's operator has agreed to, and no other; who
    has signed it is the ledger's question, and copies may differ in that."""
    agreed = None if tip.recovery is None else tip.recovery.recovery
    carried = None if block.recovery is None else block.recovery.recovery
    if carried != agreed:
        raise BlockRefused("it carries another recovery than agreed, or one that is missing here")


def _time_of(tip: Tip, block: Block) -> int:
    """Median time of the commit that the block itself carries: proposers may hold more votes."""
    if block.last_commit is None:
        return tip.time_ms
    return tip.time_by(block.last_commit)


def _text(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)
