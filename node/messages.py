"""What nodes say to each other over the direct stream, and the one gossip topic."""

from typing import Annotated, Final, TypeAlias

import msgspec

from consensus.exchange import Announcement
from consensus.messages import CarriedProposal, Certificate, Height, Vote
from ledger.transactions import KeySignature, Transaction
from node.blocks import (
    Bundle,
    DecidedBlock,
    EvidencePiece,
    LightBlock,
    Proposed,
    check_bundle,
    check_parts,
    check_proposed,
    check_transactions,
)
from node.snapshots import Snapshot
from wire.codec import Record, decode, encode
from wire.limits import FRAME_BYTES_MAX, HEIGHT_MAX, TEXT_CHARS_MAX
from wire.statechunks import PIECES_MAX

BUNDLES_TOPIC: Final = "dcn/bundles/1"
"""Bundles of transactions; everything else goes over direct streams."""

BUNDLES_PER_REQUEST_MAX: Final = 64
BLOCKS_PER_REQUEST_MAX: Final = 64
LIGHT_BLOCKS_PER_REQUEST_MAX: Final = 24
"""A light block of a hundred validators with all votes extended has 130 KB: these fit a frame."""

SNAPSHOTS_OFFERED_MAX: Final = 16

TRAIL_MAX: Final = 4_096
"""Changes of the validator set since the genesis."""

CHUNK_PART_BYTES: Final = 2 << 20
"""Of an encoded chunk; only a single row that is larger comes in several parts."""

CHUNK_PARTS_MAX: Final = 64

AFFIRMATIONS_MAX: Final = 512

Digest32: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Hello(Record, frozen=True, tag=16):
    """First message on a connection; a peer of another chain or protocol is disconnected."""

    protocol_version: int
    chain_id: str
    genesis_hash: Digest32
    height: Annotated[int, msgspec.Meta(ge=0, le=HEIGHT_MAX)]
    agent: str


class ProposalMessage(Record, frozen=True, tag=17):
    """A proposal and the block it is about, transactions by reference."""

    carried: CarriedProposal
    block: Proposed


class BundleRequest(Record, frozen=True, tag=18):
    """Asks for bundles by digest."""

    digests: Annotated[tuple[Digest32, ...], msgspec.Meta(max_length=BUNDLES_PER_REQUEST_MAX)]


class BundleReply(Record, frozen=True, tag=19):
    """One bundle asked for."""

    bundle: Bundle


class BlocksRequest(Record, frozen=True, tag=20):
    """Asks for decided blocks from a height on."""

    from_height: Height
    count: Annotated[int, msgspec.Meta(ge=1, le=BLOCKS_PER_REQUEST_MAX)]


class BlocksReply(Record, frozen=True, tag=21):
    """Decided blocks, consecutive from `from_height` on; as many as fit, none if there is none."""

    from_height: Height
    """As in the request that this answers."""
    oldest: Height
    """The lowest height that the sender keeps; earlier blocks are pruned."""
    blocks: Annotated[tuple[DecidedBlock, ...], msgspec.Meta(max_length=BLOCKS_PER_REQUEST_MAX)]


class AffirmRequest(Record, frozen=True, tag=22):
    """Half-signed trades for the counterparty to compare with its own book, and to sign."""

    transactions: Annotated[tuple[Transaction, ...], msgspec.Meta(max_length=AFFIRMATIONS_MAX)]


class FieldDifference(Record, frozen=True):
    """A field in which two books differ, as text."""

    field: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
    ours: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
    theirs: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]


class Affirmation(Record, frozen=True):
    """The answer for one transaction: a signature, or why not."""

    tx_id: Digest32
    signature: KeySignature | None
    code: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
    """Empty with a signature; else the code of the refusal."""
    differences: Annotated[tuple[FieldDifference, ...], msgspec.Meta(max_length=64)]
    """`ours` is the answering side's book."""


class AffirmReply(Record, frozen=True, tag=23):
    """Answers to an AffirmRequest, in its order."""

    answers: Annotated[tuple[Affirmation, ...], msgspec.Meta(max_length=AFFIRMATIONS_MAX)]


class LightBlocksRequest(Record, frozen=True, tag=24):
    """Asks for the light blocks of these heights: in any order, as bisection needs them."""

    heights: Annotated[
        tuple[Height, ...], msgspec.Meta(min_length=1, max_length=LIGHT_BLOCKS_PER_REQUEST_MAX)
    ]


class LightBlocksReply(Record, frozen=True, tag=25):
    """Those of the light blocks asked for that the peer has, in the order of the request.

    Nothing in it is checked on arrival: the light client's verification is its check.
    """

    blocks: Annotated[tuple[LightBlock, ...], msgspec.Meta(max_length=LIGHT_BLOCKS_PER_REQUEST_MAX)]


class SnapshotsRequest(Record, frozen=True, tag=26):
    """Asks which snapshots a peer has."""


class SnapshotOffer(Record, frozen=True):
    """A snapshot that a peer has. Correct nodes have the same one at a height."""

    height: Height
    digest: Digest32


class SnapshotsReply(Record, frozen=True, tag=27):
    """The snapshots from which a peer can lead to its tip: it keeps all later blocks."""

    offers: Annotated[tuple[SnapshotOffer, ...], msgspec.Meta(max_length=SNAPSHOTS_OFFERED_MAX)]


class SnapshotRequest(Record, frozen=True, tag=28):
    """Asks for a snapshot, without its rows."""

    height: Height


class SnapshotReply(Record, frozen=True, tag=29):
    """A snapshot, and what its trust is built on; None if the peer does not have it."""

    height: Height
    snapshot: Snapshot | None
    successor: LightBlock | None
    """Of the next height: its header proves the snapshot."""
    trail: Annotated[tuple[Height, ...], msgspec.Meta(max_length=TRAIL_MAX)]
    """Heights at which the validators changed, block 1 first: their light blocks lead from the
    genesis to the successor."""


class ChunkRequest(Record, frozen=True, tag=30):
    """Asks for a part of the chunk of piece `number` of a snapshot."""

    height: Height
    number: Annotated[int, msgspec.Meta(ge=0, lt=PIECES_MAX)]
    part: Annotated[int, msgspec.Meta(ge=0, lt=CHUNK_PARTS_MAX)]


class ChunkReply(Record, frozen=True, tag=31):
    """A part of an encoded chunk; of no parts if the peer does not have it."""

    height: Height
    number: Annotated[int, msgspec.Meta(ge=0, lt=PIECES_MAX)]
    part: Annotated[int, msgspec.Meta(ge=0, lt=CHUNK_PARTS_MAX)]
    parts: Annotated[int, msgspec.Meta(ge=0, le=CHUNK_PARTS_MAX)]
    data: Annotated[bytes, msgspec.Meta(max_length=CHUNK_PART_BYTES)]


ServedRequest: TypeAlias = SnapshotsRequest | SnapshotRequest | ChunkRequest
"""Requests that are answered from the store of snapshots."""

ServedReply: TypeAlias = SnapshotsReply | SnapshotReply | ChunkReply
"""Their answers."""


class EvidenceMessage(Record, frozen=True, tag=36):
    """A piece of evidence against a validator, passed on once by everybody."""

    piece: EvidencePiece


DirectMessage: TypeAlias = (
    Vote
    | Certificate
    | Announcement
    | Hello
    | ProposalMessage
    | BundleRequest
    | BundleReply
    | BlocksRequest
    | BlocksReply
    | AffirmRequest
    | AffirmReply
    | LightBlocksRequest
    | LightBlocksReply
    | EvidenceMessage
    | SnapshotsRequest
    | SnapshotsReply
    | SnapshotRequest
    | SnapshotReply
    | ChunkRequest
    | ChunkReply
)


class _Frame(Record, frozen=True):
    message: DirectMessage


def encode_message(message: DirectMessage) -> bytes:
    """The frame of a direct message."""
    return encode(_Frame(message))


def decode_message(data: bytes) -> DirectMessage:
    """The message in a frame, its form checked, its signatures not.

    Raises `Oversize`, `MalformedBytes`, `BlockMismatch`.
    """
    message = decode(data, _Frame, FRAME_BYTES_MAX).message
    match message:
        case BundleReply(bundle=bundle):
            check_bundle(bundle)
        case BlocksReply(blocks=blocks):
            for decided in blocks:
                check_parts(decided.block)
        case ProposalMessage(block=proposed):
            check_proposed(proposed)
        case AffirmRequest(transactions=transactions):
            check_transactions(transactions)
        case _:
            pass
    return message
