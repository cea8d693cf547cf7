"""What the store keeps beside blocks: the tip's parts that blocks alone do not give at once."""

from consensus.rotation import Rotation
from consensus.validators import Validator, ValidatorSet
from node.core.chain import Tip
from wire.codec import Record


class StoredTip(Record, frozen=True):
    """The tip, its state apart (that is the `state` table)."""

    chain_id: str
    genesis_hash: bytes
    height: int
    block_id: bytes
    time_ms: int
    state_root: bytes
    receipts_root: bytes
    results_root: bytes
    last_validators: tuple[Validator, ...]
    validators: tuple[Validator, ...]
    next_validators: tuple[Validator, ...]
    rotation: Rotation


class Submission(Record, frozen=True):
    """A transaction that this node accepted, and what became of it."""

    tx_id: bytes
    tx: bytes
    valid_until: int
    status: str
    """`pending`, `decided`, `rejected` (see code) or `expired`."""
    code: str
    detail: str
    height: int
    """Of the block that decided or rejected it, or at which it expired; 0 while pending."""


def stored_tip(tip: Tip, genesis_hash: bytes) -> StoredTip:
    """The storable part of a tip."""
    return StoredTip(
        chain_id=tip.chain_id,
        genesis_hash=genesis_hash,
        height=tip.height,
        block_id=tip.block_id,
        time_ms=tip.time_ms,
        state_root=tip.state.root,
        receipts_root=tip.receipts_root,
        results_root=tip.results_root,
        last_validators=tip.last_validators.members,
        validators=tip.validators.members,
        next_validators=tip.next_validators.members,
        rotation=tip.rotation,
    )


def validator_sets(stored: StoredTip) -> tuple[ValidatorSet, ValidatorSet, ValidatorSet]:
    """Who decided the last block, who decides the next, and the one after."""
    return (
        ValidatorSet(stored.last_validators),
        ValidatorSet(stored.validators),
        ValidatorSet(stored.next_validators),
    )
