"""The keyed state tree: a compressed binary Merkle tree over SHA-256(key).

A subtree with no row is `EMPTY`, a subtree with one row is that row's leaf, any other is the hash
of its two halves; the bits of SHA-256(key), first bit first, choose the half. The root therefore
depends on the rows alone, not on their history. Trees are persistent values: an update shares all
untouched nodes with the tree it came from, so an old tree stays valid at no cost.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final, Self

from wire.codec import Digest, Record, sha256
from wire.errors import BadProof

EMPTY: Final = Digest(bytes(32))
"""Hash of a subtree without rows."""

_DEPTH_MAX: Final = 256


class _Leaf:
    __slots__ = ("hash", "path", "value")

    hash: bytes

    def __init__(self, path: bytes, value: bytes) -> None:
        self.path = path
        self.value = value
        self.hash = hashlib.sha256(b"\x00" + path + value).digest()


class _Inner:
    __slots__ = ("hash", "left", "right")

    hash: bytes

    def __init__(self, left: "_Node", right: "_Node") -> None:
        self.left = left
        self.right = right
        self.hash = hashlib.sha256(
            b"\x01"
            + (EMPTY if left is None else left.hash)
            + (EMPTY if right is None else right.hash)
        ).digest()


_Node = _Leaf | _Inner | None
_Change = tuple[bytes, bytes | None]


class StateProof(Record, frozen=True):
    """Proof that `key` has `row` (or, with None, has no row) under a state root."""

    key: bytes
    row: bytes | None
    siblings: tuple[bytes, ...]
    """From the root down, 32 bytes each."""
    other: tuple[bytes, bytes] | None
    """Absence only: (path, row hash) of the leaf that stands where the key would."""


class StateTree:
    """An immutable tree; `updated` gives a new one."""

    __slots__ = ("_top",)

    def __init__(self, top: _Node = None) -> None:
        self._top = top

    @classmethod
    def of(cls, rows: Mapping[bytes, bytes]) -> Self:
        """The tree of all `rows` (key -> encoded row)."""
        return cls().updated(rows.items())

    @property
    def root(self) -> Digest:
        """The state root, 32 bytes."""
        return EMPTY if self._top is None else Digest(self._top.hash)

    @classmethod
    def subtree_of(cls, leaves: list[tuple[bytes, bytes]], depth: int) -> Digest:
        """Hash of the subtree of these leaves, whose paths share their first `depth` bits.

        `leaves`: (path, SHA-256 of the row), sorted, paths distinct.
        """
        return cls(_build(leaves, depth)).root

    def subtree(self, path: bytes, depth: int) -> Digest:
        """Hash of the subtree at `depth` under which `path` stands; what the inner nodes above it
        say. Raises `BadProof` if the tree is not that deep there."""
        node = self._top
        for level in range(depth):
            if not isinstance(node, _Inner):
                raise BadProof(f"no subtree at depth {depth}")
            node = node.right if bit(path, level) else node.left
        return type(self)(node).root

    def updated(self, changes: Iterable[tuple[bytes, bytes | None]]) -> Self:
        """The tree after `changes`: (key, encoded row, or None to delete); keys are distinct."""
        items: list[_Change] = sorted(
            (
                hashlib.sha256(key).digest(),
                None if row is None else hashlib.sha256(row).digest(),
            )
            for key, row in changes
        )
        if not items:
            return self
        return type(self)(_update(self._top, items, 0))

    def prove(self, key: bytes, row: bytes | None) -> StateProof:
        """A proof for `key`, whose row is `row` (the tree itself holds only hashes)."""
        path = sha256(key)
        siblings: list[bytes] = []
        node = self._top
        depth = 0
        while isinstance(node, _Inner):
            near, far = (node.right, node.left) if bit(path, depth) else (node.left, node.right)
            siblings.append(EMPTY if far is None else far.hash)
            node, depth = near, depth + 1
        present = node is not None and node.path == path
        if present != (row is not None) or (present and sha256(row or b"") != node.value):  # type: ignore[union-attr]
            raise BadProof("the row given is not the row of the tree")
        other = None if present or node is None else (node.path, node.value)
        return StateProof(key, row, tuple(siblings), other)


def verify_state(proof: StateProof, expected_root: bytes) -> None:
    """Raise `BadProof` unless the proof's statement holds under `expected_root`."""
    path = sha256(proof.key)
    depth = len(proof.siblings)
    if depth > _DEPTH_MAX:
        raise BadProof("path is too long")
    if proof.row is not None:
        if proof.other is not None:
            raise BadProof("a proof is of membership or of absence, not both")
        result: bytes = _Leaf(path, sha256(proof.row)).hash
    elif proof.other is None:
        result = EMPTY
    else:
        other_path, other_value = proof.other
        if len(other_path) != 32 or len(other_value) != 32 or other_path == path:
            raise BadProof("the other leaf is malformed or is the key itself")
        if _prefix(other_path, depth) != _prefix(path, depth):
            raise BadProof("the other leaf does not stand where the key would")
        result = _Leaf(other_path, other_value).hash
    for level in range(depth - 1, -1, -1):
        sibling = proof.siblings[level]
        if len(sibling) != 32:
            raise BadProof("a sibling is not 32 bytes")
        pair = sibling + result if bit(path, level) else result + sibling
        result = hashlib.sha256(b"\x01" + pair).digest()
    if result != expected_root:
        raise BadProof("path does not lead to the root")


def bit(path: bytes, depth: int) -> int:
    """The bit of `path` that chooses the half at `depth`: 0 left, 1 right."""
    return path[depth >> 3] >> (7 - (depth & 7)) & 1


def _prefix(path: bytes, depth: int) -> int:
    return int.from_bytes(path, "big") >> (_DEPTH_MAX - depth)


def _update(node: _Node, items: list[_Change], depth: int) -> _Node:
    """`node`, whose paths share their first `depth` bits with all `items`, after the changes."""
    if not isinstance(node, _Inner):
        if node is not None and all(path != node.path for path, _ in items):
            items = sorted([*items, (node.path, node.value)])
        kept = [(path, value) for path, value in items if value is not None]
        return _build(kept, depth)
    cut = _cut(items, depth)
    left = _update(node.left, items[:cut], depth + 1) if cut else node.left
    right = _update(node.right, items[cut:], depth + 1) if cut < len(items) else node.right
    return _joined(left, right)


def _build(leaves: list[tuple[bytes, bytes]], depth: int) -> _Node:
    if not leaves:
        return None
    if len(leaves) == 1:
        return _Leaf(*leaves[0])
    cut = _cut(leaves, depth)
    return _Inner(_build(leaves[:cut], depth + 1), _build(leaves[cut:], depth + 1))


def _joined(left: _Node, right: _Node) -> _Node:
    """The two halves as one subtree; a single leaf moves up, so the form is canonical."""
    if left is None and not isinstance(right, _Inner):
        return right
    if right is None and not isinstance(left, _Inner):
        return left
    return _Inner(left, right)


def _cut(items: list[tuple[bytes, bytes]] | list[_Change], depth: int) -> int:
    """Index of the first item whose bit at `depth` is set; items are sorted, and share the bits
    before it: so it is the first at or after those bits and a one."""
    whole, rest = depth >> 3, depth & 7
    path = items[0][0]
    shared = path[whole] & (0xFF00 >> rest)
    return bisect_left(items, (path[:whole] + bytes((shared | 0x80 >> rest,)),))
