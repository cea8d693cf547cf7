"""What may differ between the nodes of a network."""

import msgspec

from consensus.timeouts import TimeoutParameters
from ledger.recovery import SignedRecovery
from node.core.statesync import CatchUp
from wire.signing import Verified


class Parameters(msgspec.Struct, frozen=True):
    """What may differ between nodes without breaking agreement."""

    timeouts: TimeoutParameters
    block_interval_ms: int
    """The least time between the beginnings of two heights: it lets blocks fill."""
    empty_block_ms: int
    """With nothing to decide, a block is made this seldom."""
    flush_ms: int
    """Submissions collect for so long before they are gossiped."""
    may_submit: bool
    catch_up: CatchUp | None = None
    """When the state is taken from a peer's snapshot; None: never, every block is applied."""
    last_height: int = 0
    """No block above this is begun, voted on or taken: another version goes on; 0: no limit."""
    recoveries: tuple[Verified[SignedRecovery], ...] = ()
    """Those that this node's operator has agreed to."""

    def ends_at(self, height: int) -> bool:
        """Whether this version decides nothing after the block of `height`."""
        return 0 < self.last_height <= height
