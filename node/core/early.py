"""Consensus messages for the next height, which a peer may reach a moment earlier."""

from typing import Final, TypeAlias

from consensus.messages import Certificate, Vote
from node.messages import ProposalMessage

ConsensusMessage: TypeAlias = Vote | Certificate | ProposalMessage

KEPT_MAX: Final = 256
"""Messages of one peer."""

PROPOSALS_KEPT_MAX: Final = 2
"""Proposals among them: each may have four million bytes."""


class Early:
    """What has come too early, of each peer apart."""

    def __init__(self) -> None:
        self._kept: dict[str, list[ConsensusMessage]] = {}

    def keep(self, peer: str, message: ConsensusMessage) -> None:
        """Keep `message` for its height, while there is room."""
        kept = self._kept.setdefault(peer, [])
        proposals = sum(isinstance(one, ProposalMessage) for one in kept)
        if isinstance(message, ProposalMessage) and proposals >= PROPOSALS_KEPT_MAX:
            return
        if len(kept) < KEPT_MAX:
            kept.append(message)

    def lost(self, peer: str) -> None:
        """`peer` is gone, and what it sent with it."""
        self._kept.pop(peer, None)

    def take(self) -> list[tuple[str, ConsensusMessage]]:
        """Everything kept; afterwards there is nothing."""
        taken, self._kept = self._kept, {}
        return [(peer, message) for peer, kept in taken.items() for message in kept]
