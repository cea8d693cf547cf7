"""Headers, bundles and blocks: what is gossiped, proposed, decided, stored and proved against.

A proposal travels as a `Proposed`: the header and everything in the block but its transactions,
which it names by the digests of gossiped bundles. Stores and sync hold full `Block`s.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, TypeAlias

import msgspec

from consensus.errors import BadEvidence
from consensus.messages import Certificate, Equivocation, Proposal, Vote, VoteKind, contradict
from consensus.validators import Validator
from ledger.apply import Block as LedgerBlock
from ledger.objects import OffenceKind, RecentBlock
from ledger.recovery import SignedRecovery
from ledger.rounds import RoundCertificate
from ledger.transactions import Transaction, check_form
from ledger.validators import Accusation
from wire.codec import Digest, Record, decode, digest_of, encode
from wire.errors import MalformedBytes, Oversize, PeerFault
from wire.limits import (
    BLOCK_BYTES_MAX,
    BLOCK_TRANSACTIONS_MAX,
    BUNDLE_BYTES_MAX,
    BUNDLE_TRANSACTIONS_MAX,
    EVIDENCE_MAX,
    EXTENSION_BYTES_MAX,
    TRANSACTION_BYTES_MAX,
    VALIDATORS_MAX,
)
from wire.merkle import root
from wire.signing import Verified

COMMIT_BYTES_MAX: Final = (16 << 10) + VALIDATORS_MAX * EXTENSION_BYTES_MAX
"""Of a commit by VALIDATORS_MAX, extensions included: what a block leaves free, so that it fits a
frame once decided."""


class BlockMismatch(PeerFault):
    """A block's parts are not what its header commits to."""

    code = "BLOCK_MISMATCH"
    remedy = "None for a user: the sender is at fault; another peer is asked."


class Header(Record, frozen=True):
    """What validators sign (by its hash). Roots of state, receipts and results are those after
    the parent: whoever prevotes on this block has executed the one before."""

    version: int
    chain_id: str
    height: int
    time_ms: int
    last_block_id: bytes
    last_commit_hash: bytes
    transactions_root: bytes
    certificates_root: bytes
    """Over the netting certificates this block carries."""
    evidence_root: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    rotation_hash: bytes
    """Of the proposer rotation of this height, so that who joins from a snapshot can check it."""
    recovery_hash: bytes
    """Of the recovery that this block carries; of None in every other block."""
    state_root: bytes
    receipts_root: bytes
    results_root: bytes
    seed_link: bytes
    proposer: bytes


class ForgedHeader(Record, frozen=True, tag=6):
    """Evidence: a precommit for a header that contradicts what the chain had determined before.

    No correct validator signs one: it has executed the parent before it votes.
    """

    header: Header
    precommit: Vote


EvidencePiece: TypeAlias = Equivocation | ForgedHeader
"""A validator's own signatures, which no correct validator gives."""

Evidence: TypeAlias = Annotated[tuple[EvidencePiece, ...], msgspec.Meta(max_length=EVIDENCE_MAX)]
"""Each piece costs up to two signature checks before anything else of a block is looked at."""


class Bundle(Record, frozen=True):
    """Transactions gossiped together; one message costs the same for one as for hundreds."""

    transactions: tuple[Transaction, ...]


class BundlePart(Record, frozen=True):
    """The transactions of a bundle that a proposal takes, by position in the bundle."""

    digest: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    taken: Annotated[tuple[int, ...], msgspec.Meta(max_length=BUNDLE_TRANSACTIONS_MAX)]
    """Ascending positions; empty: all of them."""


class Proposed(Record, frozen=True):
    """A block as it is proposed: transactions by reference."""

    header: Header
    last_commit: Certificate | None
    evidence: Evidence
    certificates: tuple[RoundCertificate, ...]
    bundles: Annotated[tuple[BundlePart, ...], msgspec.Meta(max_length=BLOCK_TRANSACTIONS_MAX)]
    recovery: SignedRecovery | None


class Block(Record, frozen=True):
    """A full block."""

    header: Header
    last_commit: Certificate | None
    """Precommits that decided the parent; None in block 1."""
    evidence: Evidence
    certificates: tuple[RoundCertificate, ...]
    transactions: tuple[Transaction, ...]
    recovery: SignedRecovery | None
    """Why other validators than the parent named decide this block; almost never there."""


class DecidedBlock(Record, frozen=True):
    """A full block and the commit that decided it: what sync sends and the store keeps."""

    block: Block
    commit: Certificate


Validators: TypeAlias = Annotated[
    tuple[Validator, ...], msgspec.Meta(min_length=1, max_length=VALIDATORS_MAX)
]
"""A validator set as it travels: sorted by key, nobody twice; `ValidatorSet` checks it."""


class LightBlock(Record, frozen=True):
    """What a light client needs of a height: no transactions, about 20 KB with 100 validators
    (and up to 100 KB of vote extensions)."""

    header: Header
    commit: Certificate
    """That decided the header's block."""
    validators: Validators
    """Who decided it: the header's `validators_hash`."""
    next_validators: Validators
    """Who decides the next height: the header's `next_validators_hash`."""


HEADER_DOMAIN: Final = "dcn/header/1"


def block_id(header: Header) -> Digest:
    """The block's id: hash of its header."""
    return digest_of((HEADER_DOMAIN, header))


def derived_digest(header: Header) -> Digest:
    """Digest of the fields that the chain up to the parent determines, whoever proposes."""
    return digest_of(
        (
            header.version,
            header.chain_id,
            header.last_block_id,
            header.validators_hash,
            header.next_validators_hash,
            header.rotation_hash,
            header.state_root,
            header.receipts_root,
            header.results_root,
        )
    )


def accusation(piece: EvidencePiece) -> Accusation:
    """What a piece of evidence says, for the ledger; raises `BadEvidence` if it shows nothing.

    Its signatures are verified outside the core.
    """
    if isinstance(piece, ForgedHeader):
        vote, header = piece.precommit, piece.header
        subject = (vote.kind, vote.height, vote.block_id)
        if subject != (VoteKind.PRECOMMIT, header.height, block_id(header)):
            raise BadEvidence("the vote is no precommit for the header shown")
        kind, derived = OffenceKind.FORGED_HEADER, derived_digest(header)
        return Accusation(kind, vote.validator, vote.height, vote.round, derived)
    first = piece.first
    if not contradict(first, piece.second):
        raise BadEvidence("the two messages do not contradict each other")
    proposals = isinstance(first, Proposal)
    kind = OffenceKind.DOUBLE_PROPOSAL if proposals else OffenceKind.DOUBLE_VOTE
    return Accusation(kind, first.validator, first.height, first.round, b"")


def signed_in(piece: EvidencePiece) -> tuple[Vote | Proposal, ...]:
    """The messages of a piece of evidence whose signatures must be good."""
    return (piece.precommit,) if isinstance(piece, ForgedHeader) else (piece.first, piece.second)


def commit_hash(commit: Certificate | None) -> Digest:
    """What a header says of the parent's commit."""
    return digest_of(commit)


def recovery_hash(recovery: SignedRecovery | None) -> Digest:
    """What a header says of the recovery in its block."""
    return digest_of(recovery)


def extensions_of(commit: Certificate | None) -> tuple[tuple[bytes, bytes], ...]:
    """(consensus key, what its precommit carried) of a commit, where there is anything."""
    entries = () if commit is None else commit.signatures
    return tuple((entry.validator, entry.extension) for entry in entries if entry.extension)


def records_root(records: Sequence[Record]) -> Digest:
    """RFC 6962 root over encoded records."""
    return root([encode(record) for record in records])


def decode_bundle(data: bytes) -> Bundle:
    """A gossiped bundle; raises `Oversize` or `MalformedBytes`."""
    bundle = decode(data, Bundle, BUNDLE_BYTES_MAX)
    check_bundle(bundle)
    return bundle


def check_bundle(bundle: Bundle) -> None:
    """The form of a bundle; raises `MalformedBytes` or `Oversize`."""
    if not 1 <= len(bundle.transactions) <= BUNDLE_TRANSACTIONS_MAX:
        raise MalformedBytes(f"a bundle has {len(bundle.transactions)} transactions")
    check_transactions(bundle.transactions)


def decode_decided(data: bytes) -> DecidedBlock:
    """A stored or synced block; raises `Oversize`, `MalformedBytes` or `BlockMismatch`."""
    decided = decode(data, DecidedBlock, BLOCK_BYTES_MAX)
    check_parts(decided.block)
    return decided


def check_transactions(transactions: Sequence[Transaction]) -> list[bytes]:
    """The form of transactions that came inside another message; their encodings.

    Raises `MalformedBytes` and `Oversize`, before they take more memory than a block may.
    """
    encoded: list[bytes] = []
    size = 0
    for tx in transactions:
        check_form(tx)
        encoded.append(encode(tx))
        if len(encoded[-1]) > TRANSACTION_BYTES_MAX:
            raise Oversize(f"a transaction has more than {TRANSACTION_BYTES_MAX} bytes")
        size += len(encoded[-1])
        if size > BLOCK_BYTES_MAX:
            raise Oversize(f"transactions of more than {BLOCK_BYTES_MAX} bytes")
    return encoded


def check_parts(block: Block) -> None:
    """Raise `BlockMismatch` unless header and parts of a full block belong together.

    Raises `MalformedBytes` or `Oversize` for transactions that no block may hold.
    """
    header = block.header
    if len(block.transactions) > BLOCK_TRANSACTIONS_MAX:
        raise BlockMismatch(f"has {len(block.transactions)} transactions")
    if root(check_transactions(block.transactions)) != header.transactions_root:
        raise BlockMismatch(f"transactions of block {header.height} are not the header's")
    _check_rest(block)


def check_proposed(proposed: Proposed) -> None:
    """All that can be checked of a proposed block while its bundles are not at hand.

    Who passes on what has passed this is never at fault. Raises `BlockMismatch`, `Oversize`.
    """
    size = len(encode(proposed))
    if size > BLOCK_BYTES_MAX:  # with the polka that a relay adds, it must still fit a frame
        raise Oversize(f"a proposed block of {size} bytes, at most {BLOCK_BYTES_MAX} allowed")
    _check_rest(proposed)


def _check_rest(block: Block | Proposed) -> None:
    """Raise `BlockMismatch` unless all but the transactions is what the header says."""
    header = block.header
    parts = (
        ("last commit", commit_hash(block.last_commit), header.last_commit_hash),
        ("certificates", records_root(block.certificates), header.certificates_root),
        ("evidence", records_root(block.evidence), header.evidence_root),
        ("recovery", recovery_hash(block.recovery), header.recovery_hash),
    )
    for name, found, named in parts:
        if found != named:
            raise BlockMismatch(f"{name} of block {header.height} is not what the header says")


def assembled(proposed: Proposed, bundles: Mapping[bytes, Bundle]) -> Block:
    """The full block of a proposal whose bundles are all at hand; raises as `check_parts`."""
    transactions: list[Transaction] = []
    for part in proposed.bundles:
        source = bundles[part.digest].transactions
        if any(not 0 <= i < len(source) for i in part.taken) or list(part.taken) != sorted(
            set(part.taken)
        ):
            raise BlockMismatch("a proposal takes what its bundle does not have")
        transactions += [source[i] for i in part.taken] if part.taken else source
        if len(transactions) > BLOCK_TRANSACTIONS_MAX:  # a bundle can be named again and again
            raise BlockMismatch(f"takes more than {BLOCK_TRANSACTIONS_MAX} transactions")
    block = Block(
        proposed.header,
        proposed.last_commit,
        proposed.evidence,
        proposed.certificates,
        tuple(transactions),
        proposed.recovery,
    )
    check_parts(block)
    return block


def ledger_block(block: Block) -> LedgerBlock:
    """The block as the ledger sees it. Its signatures have been verified, outside the core.

    Raises `BadEvidence`.
    """
    header, signed = block.header, block.recovery
    first_round = 0 if signed is None else signed.recovery.round
    return LedgerBlock(
        header.height,
        header.time_ms,
        header.proposer,
        header.seed_link,
        tuple(Verified(tx) for tx in block.transactions),
        block.certificates,
        tuple(accusation(piece) for piece in block.evidence),
        RecentBlock(block_id(header), derived_digest(header), header.time_ms, first_round),
        extensions_of(block.last_commit),
        signed,
    )
