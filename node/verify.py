"""Signature checks of what arrives, in bulk, outside the core: only `Verified` gets in."""

from consensus.exchange import Announcement
from consensus.messages import Certificate, Vote
from consensus.verification import require_signature, require_signatures
from ledger import recovery
from ledger.recovery import SignedRecovery
from ledger.transactions import verified
from node.blocks import Bundle, DecidedBlock, EvidencePiece, signed_in
from node.messages import (
    AffirmReply,
    AffirmRequest,
    BlocksReply,
    BlocksRequest,
    BundleReply,
    BundleRequest,
    ChunkReply,
    ChunkRequest,
    DirectMessage,
    EvidenceMessage,
    Hello,
    LightBlocksReply,
    LightBlocksRequest,
    ProposalMessage,
    SnapshotReply,
    SnapshotRequest,
    SnapshotsReply,
    SnapshotsRequest,
)
from wire.signing import Verified

HEAVY_SIGNATURES = 8
"""From so many signatures on, checking is handed to a thread."""


def signatures_in(message: DirectMessage) -> int:
    """About how many signatures `message` holds."""
    match message:
        case BundleReply(bundle=bundle):
            return 2 * len(bundle.transactions)
        case BlocksReply(blocks=blocks):
            return sum(
                4 + 2 * len(x.block.transactions) + _signatures(x.block.recovery) for x in blocks
            )
        case AffirmRequest(transactions=transactions):
            return len(transactions)
        case ProposalMessage(block=block):
            certificates = (message.carried.polka, block.last_commit)
            votes = sum(len(one.signatures) for one in certificates if one is not None)
            return 1 + votes + 2 * len(block.evidence) + _signatures(block.recovery)
        case Certificate(signatures=signatures):
            return len(signatures)
        case SnapshotReply(snapshot=snapshot) if snapshot is not None:
            return len(snapshot.anchor.commit.signatures)
        case _:
            return 1


def verify_message(chain_id: str, message: DirectMessage) -> Verified[DirectMessage]:
    """`message` with every signature on it checked; raises `BadSignature`."""
    match message:
        case Vote():
            require_signature(chain_id, message)
        case Certificate():
            require_signatures(chain_id, message)
        case ProposalMessage(carried=carried, block=block):
            require_signature(chain_id, carried.proposal)
            for certificate in (carried.polka, block.last_commit):
                _if_there(chain_id, certificate)
            _evidence(chain_id, block.evidence)
            _recovery(block.recovery)
        case BundleReply(bundle=bundle):
            verify_bundle(bundle)
        case BlocksReply(blocks=blocks):
            _blocks(chain_id, blocks)
        case EvidenceMessage(piece=piece):
            _evidence(chain_id, (piece,))
        case AffirmRequest(transactions=transactions):
            for tx in transactions:
                verified(tx)
        case SnapshotReply(snapshot=snapshot):
            _if_there(chain_id, None if snapshot is None else snapshot.anchor.commit)
        case ChunkRequest() | ChunkReply() | SnapshotRequest() | SnapshotsRequest():
            pass  # a chunk's proof is its hash
        case SnapshotsReply() | LightBlocksReply() | LightBlocksRequest():
            pass  # the light client verifies what it takes, and only as far as it needs it
        case Announcement() | Hello() | BundleRequest() | BlocksRequest() | AffirmReply():
            pass  # nothing of these is signed; an affirmation is checked with its transaction
    return Verified(message)


def verify_bundle(bundle: Bundle) -> Verified[Bundle]:
    """`bundle` with every signature in it checked; raises `BadSignature`."""
    for tx in bundle.transactions:
        verified(tx)
    return Verified(bundle)


def verify_evidence(chain_id: str, piece: EvidencePiece) -> Verified[EvidencePiece]:
    """`piece` with the signatures that make it evidence checked; raises `BadSignature`."""
    _evidence(chain_id, (piece,))
    return Verified(piece)


def _blocks(chain_id: str, blocks: tuple[DecidedBlock, ...]) -> None:
    for decided in blocks:
        require_signatures(chain_id, decided.commit)
        _if_there(chain_id, decided.block.last_commit)
        _evidence(chain_id, decided.block.evidence)
        _recovery(decided.block.recovery)
        for tx in decided.block.transactions:
            verified(tx)


def _if_there(chain_id: str, certificate: Certificate | None) -> None:
    if certificate is not None:
        require_signatures(chain_id, certificate)


def _signatures(signed: SignedRecovery | None) -> int:
    return 0 if signed is None else len(signed.signatures)


def _recovery(signed: SignedRecovery | None) -> None:
    if signed is not None:
        recovery.verified(signed)


def _evidence(chain_id: str, evidence: tuple[EvidencePiece, ...]) -> None:
    for piece in evidence:
        for message in signed_in(piece):
            require_signature(chain_id, message)
