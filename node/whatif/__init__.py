"""What if: rehearsed on a draft of a live state by the ledger's own code; the draft is thrown away.

Every report names the block that its state is of.
"""
