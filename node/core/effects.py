"""Everything the node's core asks for. The shell carries effects out in this order, one by one."""

from typing import TypeAlias

import msgspec

from consensus.messages import Proposal, Vote
from ledger.apply import Applied
from ledger.rounds import Problem
from ledger.transactions import Transaction
from node.blocks import Bundle, DecidedBlock, EvidencePiece, LightBlock
from node.core.chain import Tip
from node.messages import DirectMessage, ServedRequest
from node.snapshots import Snapshot


class WriteLog(msgspec.Struct, frozen=True):
    """Append records to the consensus log and flush it, before any later effect."""

    height: int
    records: tuple[bytes, ...]


class SignMessage(msgspec.Struct, frozen=True):
    """Have the signer sign; answer with `SignerAnswered` once it has, if it ever does. A later
    one takes the place of one that waits."""

    message: Vote | Proposal


class RaiseSigner(msgspec.Struct, frozen=True):
    """Have the signer, whose state was lost, sign nothing below a height, durably."""

    from_height: int


class Send(msgspec.Struct, frozen=True):
    """Send a message to one peer."""

    peer: str
    message: DirectMessage


class SendAll(msgspec.Struct, frozen=True):
    """Send a message to every connected peer."""

    message: DirectMessage


class Gossip(msgspec.Struct, frozen=True):
    """Publish a bundle."""

    bundle: Bundle


class SetTimer(msgspec.Struct, frozen=True):
    """Answer with `TimerElapsed(key)` after `duration_ms`; a running timer of the key restarts."""

    key: tuple[str | int, ...]
    duration_ms: int


class KeepSubmissions(msgspec.Struct, frozen=True):
    """Write accepted submissions to disk; only then their senders get an answer."""

    transactions: tuple[Transaction, ...]


class CommitBlock(msgspec.Struct, frozen=True):
    """Store a decided block with all its effects, in one database transaction."""

    decided: DecidedBlock
    applied: Applied
    tip: Tip
    """After the block."""


class Solve(msgspec.Struct, frozen=True):
    """Find certificates for the rounds due at `height`; answer with `Solved`."""

    height: int
    problems: tuple[Problem, ...]


class LoadBlocks(msgspec.Struct, frozen=True):
    """Read stored blocks for a peer; answer with `BlocksLoaded`."""

    peer: str
    from_height: int
    count: int


class LoadLightBlocks(msgspec.Struct, frozen=True):
    """Read the light blocks of these heights for a peer; answer with `LightBlocksLoaded`."""

    peer: str
    heights: tuple[int, ...]


class Serve(msgspec.Struct, frozen=True):
    """Answer a peer's request from the stored snapshots, with `Served`."""

    peer: str
    request: ServedRequest


class BeginSnapshot(msgspec.Struct, frozen=True):
    """Remember the snapshot that is being fetched, and forget every other that was not whole."""

    snapshot: Snapshot
    trail: tuple[LightBlock, ...]
    """Verified light blocks that lead from the genesis to it: to be kept, and shown to others."""


class KeepChunk(msgspec.Struct, frozen=True):
    """Keep a verified chunk of the snapshot that is being fetched."""

    height: int
    number: int
    data: bytes
    """The encoded chunk."""


class AssembleState(msgspec.Struct, frozen=True):
    """Build the state of the kept chunks, all of which are there; answer `StateAssembled`."""

    height: int


class InstallSnapshot(msgspec.Struct, frozen=True):
    """Make the fetched snapshot the store's state, in one database transaction. Blocks and what
    followed from them are dropped: the chain is known from the snapshot on."""

    snapshot: Snapshot
    tip: Tip


class Evidence(msgspec.Struct, frozen=True):
    """A validator is shown to be faulty; record it where operators look."""

    piece: EvidencePiece


class Punish(msgspec.Struct, frozen=True):
    """A peer sent what no correct peer sends; count it against the peer."""

    peer: str
    code: str
    detail: str


class Note(msgspec.Struct, frozen=True):
    """Something operators may want to know: an event name with fields."""

    event: str
    fields: dict[str, str | int]


Effect: TypeAlias = (
    WriteLog
    | SignMessage
    | RaiseSigner
    | Send
    | SendAll
    | Gossip
    | SetTimer
    | KeepSubmissions
    | CommitBlock
    | Solve
    | LoadBlocks
    | LoadLightBlocks
    | Serve
    | BeginSnapshot
    | KeepChunk
    | AssembleState
    | InstallSnapshot
    | Evidence
    | Punish
    | Note
)
