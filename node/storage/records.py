"""What the store keeps beside blocks: the tip's parts that blocks alone do not give at once."""

from consensus.rotation import Rotation
from consensus.validators import Validator, ValidatorSet
from ledger.receipts import OK, Receipt
from ledger.state import Draft, State
from ledger.tables import decode_row
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


class Undo(Record, frozen=True):
    """How to go back one block: that state is what the last header commits to, so what can be
    proved right after a start."""

    height: int
    """Of the block that this takes back."""
    rows: tuple[tuple[bytes, bytes | None], ...]
    """(key, encoded row before the block; None: there was none), sorted by key."""


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


def outcome(receipt: Receipt) -> tuple[str, str, str]:
    """Status, code and detail of a submission with this receipt."""
    return "decided" if receipt.code == OK else "rejected", receipt.code, receipt.detail


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


def undone(state: State, undo: Undo) -> State:
    """The state before the block that `undo` takes back; raises `MalformedBytes`."""
    draft = Draft(state)
    for key, row in undo.rows:
        if row is None:
            draft.delete(key)
        else:
            draft.take(key, decode_row(key, row))
    return state.folded(draft)[0]


def validator_sets(stored: StoredTip) -> tuple[ValidatorSet, ValidatorSet, ValidatorSet]:
    """Who decided the last block, who decides the next, and the one after."""
    return (
        ValidatorSet(stored.last_validators),
        ValidatorSet(stored.validators),
        ValidatorSet(stored.next_validators),
    )
