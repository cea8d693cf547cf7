"""The pure clearing state machine: apply_block(state, block) -> Applied(state, receipts, root)."""
