"""A decided block and what it does: the tip after it, and what waits for a block no longer."""

from consensus.messages import Certificate
from ledger.apply import Applied, apply_block
from ledger.tables import KEYS
from node.blocks import Block
from node.core.building import fitting, well_signed
from node.core.chain import Tip
from node.core.evidence import EvidencePool
from node.core.mempool import Mempool


def applied_to(tip: Tip, block: Block, commit: Certificate) -> tuple[Applied, Tip]:
    """What a decided block does, and the tip after it; raises `BlockRefused` if it does not fit."""
    applied = apply_block(tip.state, fitting(tip, block))
    return applied, tip.extended(block, commit, applied)


def forget_decided(
    pool: Mempool, evidence: EvidencePool, block: Block, applied: Applied, tip: Tip
) -> int:
    """Drop what `block` decided, and what cannot be decided after it; how many have expired."""
    expired = pool.decided(block.transactions, tip.height)
    if any(key[0] == KEYS.tag for key, _ in applied.changes):
        pool.retain(lambda tx: well_signed(tip, tx))  # a key has changed hands
    evidence.decided(tip)
    return len(expired)
