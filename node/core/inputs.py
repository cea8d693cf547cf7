"""Everything the node's core is told; each input carries the node's clock."""

from typing import TypeAlias

import msgspec

from consensus import inputs as consensus_inputs
from consensus.signer import Signing
from ledger.rounds import RoundCertificate
from ledger.state import State
from ledger.transactions import Transaction
from node.blocks import Bundle, DecidedBlock, EvidencePiece, LightBlock
from node.messages import DirectMessage, ServedReply
from node.snapshots import Snapshot
from wire.signing import Verified


class Arriving(msgspec.Struct, frozen=True):
    """A snapshot of which some chunks are kept, from before a restart."""

    snapshot: Snapshot
    held: tuple[int, ...]
    """Pieces whose chunks are kept."""


class Started(msgspec.Struct, frozen=True):
    """The node is up; `log` are the records of its consensus log, oldest first."""

    log: tuple[bytes, ...]
    signing: Signing | None
    """What the signer remembers having signed, or why that is not known; None without a key."""
    now_ms: int
    arriving: Arriving | None = None
    """The snapshot that was being fetched, if any."""


class PeerConnected(msgspec.Struct, frozen=True):
    """A peer of this chain and protocol can be talked to."""

    peer: str
    now_ms: int


class PeerLost(msgspec.Struct, frozen=True):
    """A peer is gone."""

    peer: str
    now_ms: int


class MessageReceived(msgspec.Struct, frozen=True):
    """A direct message, every signature on it checked."""

    peer: str
    message: Verified[DirectMessage]
    now_ms: int


class BundleHeard(msgspec.Struct, frozen=True):
    """A bundle by gossip, every signature on it checked."""

    bundle: Verified[Bundle]
    now_ms: int


class Submitted(msgspec.Struct, frozen=True):
    """A transaction from this node's own users; refused by raising its `Rejection`."""

    transaction: Verified[Transaction]
    now_ms: int


class EvidenceFound(msgspec.Struct, frozen=True):
    """Evidence that somebody outside consensus brings, e.g. a light client."""

    piece: Verified[EvidencePiece]
    now_ms: int


class ExtensionOffered(msgspec.Struct, frozen=True):
    """What this validator's precommits shall carry from now on, until a block has delivered it."""

    data: bytes
    now_ms: int


class TimerElapsed(msgspec.Struct, frozen=True):
    """A timer that `SetTimer` asked for has run out."""

    key: tuple[str | int, ...]
    now_ms: int


class SignerAnswered(msgspec.Struct, frozen=True):
    """The signer's answer."""

    answer: consensus_inputs.Signed | consensus_inputs.SignRefused
    now_ms: int


class SignerFound(msgspec.Struct, frozen=True):
    """The signer has come back, or what it remembers is gone."""

    signing: Signing
    now_ms: int


class Solved(msgspec.Struct, frozen=True):
    """Certificates for the netting rounds due at `height`, in the rounds' order."""

    height: int
    certificates: tuple[RoundCertificate, ...]
    now_ms: int


class BlocksLoaded(msgspec.Struct, frozen=True):
    """Stored blocks that a peer asked for, from `from_height` on."""

    peer: str
    from_height: int
    oldest: int
    """The lowest height that is stored, or the next one if none is."""
    blocks: tuple[DecidedBlock, ...]
    now_ms: int


class LightBlocksLoaded(msgspec.Struct, frozen=True):
    """Light blocks that a peer asked for, as many as are stored."""

    peer: str
    blocks: tuple[LightBlock, ...]
    now_ms: int


class Served(msgspec.Struct, frozen=True):
    """The answer to a peer's request about snapshots."""

    peer: str
    reply: ServedReply
    now_ms: int


class StateAssembled(msgspec.Struct, frozen=True):
    """The state of the kept chunks of a snapshot; None if they cannot be read as rows."""

    height: int
    state: State | None
    now_ms: int


Input: TypeAlias = (
    Started
    | PeerConnected
    | PeerLost
    | MessageReceived
    | BundleHeard
    | Submitted
    | EvidenceFound
    | ExtensionOffered
    | TimerElapsed
    | SignerAnswered
    | SignerFound
    | Solved
    | BlocksLoaded
    | LightBlocksLoaded
    | Served
    | StateAssembled
)
