"""From a tip to a snapshot and back."""

from consensus.validators import ValidatorSet
from ledger.state import State
from node.blocks import Header, block_id
from node.core.chain import Tip
from node.snapshots import Anchor, Snapshot


def anchor_of(tip: Tip, header: Header) -> Anchor:
    """The anchor of `tip`, whose last block has `header`; not of genesis."""
    assert tip.commit is not None, tip.height
    assert block_id(header) == tip.block_id, tip.height
    return Anchor(
        header=header,
        commit=tip.commit,
        receipts_root=tip.receipts_root,
        results_root=tip.results_root,
        last_validators=tip.last_validators.members,
        validators=tip.validators.members,
        next_validators=tip.next_validators.members,
        rotation=tip.rotation,
    )


def tip_of(snapshot: Snapshot, state: State) -> Tip:
    """The tip to go on from: of a checked snapshot, and the state of all its chunks."""
    anchor = snapshot.anchor
    return Tip(
        chain_id=anchor.header.chain_id,
        height=anchor.header.height,
        block_id=block_id(anchor.header),
        time_ms=anchor.header.time_ms,
        state=state,
        commit=anchor.commit,
        receipts_root=anchor.receipts_root,
        results_root=anchor.results_root,
        last_validators=ValidatorSet(anchor.last_validators),
        validators=ValidatorSet(anchor.validators),
        next_validators=ValidatorSet(anchor.next_validators),
        rotation=anchor.rotation,
    )
