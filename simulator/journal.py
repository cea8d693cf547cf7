"""What was seen from outside: every signature, submission, decision and note, with its time.

Checkers and traces read this and the disks; nothing in it goes back into a node.
"""

from collections import Counter

import msgspec

from consensus.messages import Proposal, Vote
from ledger.transactions import Transaction, TxId
from node.blocks import DecidedBlock, EvidencePiece


class Signature(msgspec.Struct, frozen=True):
    """A node's signer has let out a signature."""

    at_ms: int
    """Global time."""
    clock_ms: int
    """The node's own."""
    node: str
    message: Vote | Proposal


class Decision(msgspec.Struct, frozen=True):
    """A node has stored a block."""

    at_ms: int
    node: str
    decided: DecidedBlock


class Remark(msgspec.Struct, frozen=True):
    """Something happened at a node: an event of its log, a fault, a start or a crash."""

    at_ms: int
    node: str
    event: str
    detail: str


class Accusation(msgspec.Struct, frozen=True):
    """A node has reported a validator that is shown to be faulty."""

    at_ms: int
    node: str
    piece: EvidencePiece


class Punishment(msgspec.Struct, frozen=True):
    """A node counts a fault against a peer."""

    node: str
    peer: str
    text: str


class Accepted(msgspec.Struct, frozen=True):
    """A node has written a user's transaction to its disk and answered with its id."""

    node: str
    tx: Transaction


class Journal:
    """The outside view of one run."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        """Global time, which the network moves."""
        self.signatures: list[Signature] = []
        self.decisions: list[Decision] = []
        self.remarks: list[Remark] = []
        self.accusations: list[Accusation] = []
        self.punishments: list[Punishment] = []
        self.submitted: dict[TxId, None] = {}
        """All that users have ever offered."""
        self.accepted: dict[TxId, Accepted] = {}
        """What must not be lost; what went with a disk is taken out."""
        self.memory: Counter[str] = Counter()
        """The most that was ever held in a correct node, by what it is."""
        self.overgrown: list[str] = []
        """Where that was more than the bound."""
        self.counts: Counter[str] = Counter()

    def remark(self, node: str, event: str, detail: str = "") -> None:
        """Note an event."""
        self.counts[event] += 1
        self.remarks.append(Remark(self.at_ms, node, event, detail))
