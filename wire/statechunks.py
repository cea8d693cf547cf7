"""The state in pieces: subtrees of the state tree, each provable under the state root alone.

A *piece* is a subtree: where it stands is told by its depth and by the pieces before it, and its
hash binds every row in it. The pieces of a state, from left to right, are its *outline*: folded
together they give the state root, so an outline proves itself, and a *chunk* (the rows of one
piece) is proved by its piece. The same rows give the same outline on every node.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from wire.codec import Digest, Record, sha256
from wire.errors import BadProof
from wire.statetree import EMPTY, StateTree, bit

PATH_BITS: Final = 256
"""SHA-256 of a key is its path."""

CHUNK_BYTES_MAX: Final = 1 << 20
"""Keys and rows of one piece; a single larger row makes a piece of its own."""

PIECES_MAX: Final = 1 << 16
"""Pieces of a state: 64 GB of rows, and an outline that still fits one frame."""


class Piece(Record, frozen=True):
    """A subtree of the state tree."""

    depth: Annotated[int, msgspec.Meta(ge=0, le=PATH_BITS)]
    """Of its top under the root, which has depth 0."""
    hash: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


Outline = Annotated[tuple[Piece, ...], msgspec.Meta(min_length=1, max_length=PIECES_MAX)]
"""The pieces of a whole state, from left to right."""


class Chunk(Record, frozen=True):
    """The rows of one piece: (key, encoded row), in the order of their paths."""

    rows: tuple[tuple[bytes, bytes], ...]


class Cut(msgspec.Struct, frozen=True):
    """A piece, and which of the sorted rows are in it."""

    piece: Piece
    first: int
    end: int


def path_of(key: bytes) -> bytes:
    """Where the row of `key` stands in the state tree."""
    return sha256(key)


def cut(rows: Sequence[tuple[bytes, int]], tree: StateTree, bytes_max: int) -> list[Cut]:
    """Cut a state into pieces of about `bytes_max` bytes at most.

    `rows`: (path, size in bytes) of every row of `tree`, sorted. Linear in the rows, but for the
    hashes, which the tree has.
    """
    totals = [0]
    for _, size in rows:
        totals.append(totals[-1] + size)
    paths = [path for path, _ in rows]
    found: list[Cut] = []
    waiting = [(0, 0, len(paths))]
    while waiting:
        depth, first, end = waiting.pop()
        if end - first <= 1 or totals[end] - totals[first] <= bytes_max:
            prefix = paths[first] if end > first else bytes(32)
            known = tree.subtree(prefix, depth) if end > first else EMPTY
            found.append(Cut(Piece(depth, known), first, end))
            continue
        middle = _middle(paths, depth, first, end)
        waiting.append((depth + 1, middle, end))
        waiting.append((depth + 1, first, middle))
    return found


def _middle(paths: list[bytes], depth: int, first: int, end: int) -> int:
    """The first of the sorted paths, equal in their first `depth` bits, whose next bit is set."""
    return bisect_left(paths, 1, first, end, key=lambda path: bit(path, depth))


def outline_root(outline: Sequence[Piece]) -> Digest:
    """The state root that the pieces fold to; raises `BadProof` unless they make one tree."""
    stack: list[tuple[int, bytes]] = []
    for piece in outline:
        depth, value = piece.depth, piece.hash
        while stack and stack[-1][0] == depth and depth > 0:
            left = stack.pop()[1]
            value = hashlib.sha256(b"\x01" + left + value).digest()
            depth -= 1
        if stack and depth <= stack[-1][0]:
            raise BadProof("the pieces are not the parts of one tree")
        stack.append((depth, value))
    if len(stack) != 1 or stack[0][0] != 0:
        raise BadProof("the pieces are not the whole of one tree")
    return Digest(stack[0][1])


def starts(outline: Sequence[Piece]) -> list[int]:
    """Where each piece begins among all 2^256 paths."""
    found, at = [], 0
    for piece in outline:
        found.append(at)
        at += 1 << (PATH_BITS - piece.depth)
    return found


def check_chunk(piece: Piece, start: int, chunk: Chunk) -> None:
    """Raise `BadProof` unless `chunk` is all the rows of `piece`, which begins at `start`.

    A row that is missing, surplus, altered, or of another place changes the hash of the piece.
    """
    leaves: list[tuple[bytes, bytes]] = []
    previous = -1
    for key, row in chunk.rows:
        path = path_of(key)
        at = int.from_bytes(path, "big")
        if at <= previous:
            raise BadProof("rows are not in the order of their paths, or one stands twice")
        if at >> (PATH_BITS - piece.depth) != start >> (PATH_BITS - piece.depth):
            raise BadProof("a row is of another piece")
        previous = at
        leaves.append((path, sha256(row)))
    if StateTree.subtree_of(leaves, piece.depth) != piece.hash:
        raise BadProof("the rows are not those of the piece")
