"""Evidence on its way into a block: what this node saw itself, and what peers tell."""

from collections.abc import Iterable
from typing import Final

from ledger.state import Draft
from ledger.validators import Accusation, fault_of
from node.blocks import EvidencePiece, accusation
from node.core.chain import Tip
from wire.limits import EVIDENCE_MAX

WAITING_MAX: Final = 4 * EVIDENCE_MAX
"""Pieces waiting: a validator and height have one, and validators are at most a hundred."""


class EvidencePool:
    """Pieces that no block holds yet, one a validator and height."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[bytes, int], tuple[EvidencePiece, Accusation]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, tip: Tip, piece: EvidencePiece) -> bool:
        """Take in a piece whose signatures are verified; whether it is news, to be passed on.

        Raises `BadEvidence` if it shows nothing. What is about the height under way waits until
        that is decided.
        """
        said = accusation(piece)
        place = (said.consensus_key, said.height)
        if place in self._waiting or len(self._waiting) >= WAITING_MAX:
            return False
        if not self._credible(tip, said):
            return False
        self._waiting[place] = (piece, said)
        return True

    @staticmethod
    def _credible(tip: Tip, said: Accusation) -> bool:
        if said.height == tip.height + 1:
            return said.consensus_key in tip.validators
        return fault_of(Draft(tip.state), said) is None

    def pick(self, tip: Tip) -> tuple[EvidencePiece, ...]:
        """What the next block shall hold, oldest first."""
        ready = [piece for piece, said in self._waiting.values() if said.height <= tip.height]
        return tuple(ready[:EVIDENCE_MAX])

    def decided(self, tip: Tip) -> None:
        """Forget what the new tip's ledger would not take any more: acted on, or too old."""
        self._waiting = {
            place: entry for place, entry in self._waiting.items() if self._credible(tip, entry[1])
        }

    def pieces(self) -> Iterable[EvidencePiece]:
        """All that waits, for a peer that has just connected."""
        return [piece for piece, _ in self._waiting.values()]
