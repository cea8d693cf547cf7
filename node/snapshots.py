"""Snapshots: a whole state in chunks, and what else a node must know to go on from its height.

A snapshot of height H is proved by the header of H + 1, which names everything in it: the parent's
id and with it header H, the state root that the outline folds to, the roots of receipts and
results, the validators of H + 1 and H + 2, and the rotation. Whoever trusts that header can check
a snapshot of anybody, and each of its chunks.
"""

from collections.abc import Iterator

from consensus.errors import BadValidatorSet
from consensus.messages import Certificate, VoteKind
from consensus.rotation import Rotation
from consensus.validators import ValidatorSet
from consensus.verification import check_quorum
from ledger.state import State
from node.blocks import Header, Validators, block_id, recovery_hash
from wire.codec import Digest, Record, digest_of, encode
from wire.errors import BadProof, PeerFault
from wire.statechunks import (
    CHUNK_BYTES_MAX,
    Chunk,
    Cut,
    Outline,
    cut,
    outline_root,
    path_of,
)


class BadSnapshot(PeerFault):
    """A peer's snapshot, or a chunk of it, is not what a verified header says."""

    code = "PEER_BAD_SNAPSHOT"
    remedy = "None for a user: another peer is asked."


class Anchor(Record, frozen=True):
    """Where a chain can be taken up: everything of a tip but the state."""

    header: Header
    """Of the last decided block."""
    commit: Certificate
    """That decided it."""
    receipts_root: bytes
    results_root: bytes
    last_validators: Validators
    """Who decided it."""
    validators: Validators
    """Who decides the next height."""
    next_validators: Validators
    """Who decides the height after that."""
    rotation: Rotation
    """Of the next height."""


class Snapshot(Record, frozen=True):
    """A snapshot without its rows."""

    anchor: Anchor
    outline: Outline

    @property
    def height(self) -> int:
        """Of the last block whose effects are in it."""
        return self.anchor.header.height


def digest(snapshot: Snapshot) -> Digest:
    """What tells two snapshots of one height apart; the same on all correct nodes."""
    return digest_of((snapshot.height, snapshot.outline))


def check_snapshot(snapshot: Snapshot, successor: Header) -> None:
    """Raise `BadSnapshot` unless the trusted header `successor`, of the next height, names all of
    `snapshot`. The signatures of the anchor's commit are verified before."""
    anchor, header = snapshot.anchor, snapshot.anchor.header
    try:
        last = ValidatorSet(anchor.last_validators)
        state_root = outline_root(snapshot.outline)
        wanted: dict[str, tuple[object, object]] = {
            "height": (header.height + 1, successor.height),
            "chain id": (header.chain_id, successor.chain_id),
            "header": (block_id(header), successor.last_block_id),
            "state root": (state_root, successor.state_root),
            "receipts root": (anchor.receipts_root, successor.receipts_root),
            "results root": (anchor.results_root, successor.results_root),
            "last validators": (last.hash, header.validators_hash),
            "commit": (
                (anchor.commit.kind, anchor.commit.height, anchor.commit.block_id),
                (VoteKind.PRECOMMIT, header.height, successor.last_block_id),
            ),
        }
        if successor.recovery_hash == recovery_hash(None):
            wanted |= {
                "validators": (ValidatorSet(anchor.validators).hash, successor.validators_hash),
                "next validators": (
                    ValidatorSet(anchor.next_validators).hash,
                    successor.next_validators_hash,
                ),
                "rotation": (digest_of(anchor.rotation), successor.rotation_hash),
            }  # else a recovery replaces all three, and nobody goes on without it
        for name, (found, named) in wanted.items():
            if found != named:
                raise BadSnapshot(f"{name} of height {header.height} is not what is proved")
        check_quorum(anchor.commit, last)
    except (BadProof, BadValidatorSet) as error:
        raise BadSnapshot(f"height {header.height}: {error.detail}") from None


def outline_of(state: State, bytes_max: int = CHUNK_BYTES_MAX) -> tuple[Outline, Iterator[Chunk]]:
    """The outline of `state`, and its chunks in the order of the pieces, made one at a time.

    `bytes_max`: of the rows of a chunk; all nodes of a network have to use the same.
    """
    keys: list[bytes] = []
    sized: list[tuple[bytes, int]] = []
    for path, key in _by_path(state):
        keys.append(key)
        sized.append((path, len(key) + len(encode(state.row(key)))))
    cuts = cut(sized, state.tree, bytes_max)
    return tuple(one.piece for one in cuts), _chunks(state, keys, cuts)


def _by_path(state: State) -> Iterator[tuple[bytes, bytes]]:
    """(path, key) of every row, sorted by path.

    Sorted a bucket at a time: one sort of a million rows is one call, in which no other thread of
    the process gets its turn.
    """
    buckets: list[list[tuple[bytes, bytes]]] = [[] for _ in range(256)]
    for key, _ in state.rows():
        path = path_of(key)
        buckets[path[0]].append((path, key))
    for bucket in buckets:
        bucket.sort()
        yield from bucket


def _chunks(state: State, keys: list[bytes], cuts: list[Cut]) -> Iterator[Chunk]:
    for one in cuts:
        yield Chunk(tuple((key, encode(state.row(key))) for key in keys[one.first : one.end]))
