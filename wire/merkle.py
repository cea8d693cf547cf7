"""RFC 6962 Merkle lists: root, inclusion proofs, consistency proofs.

Hashes are SHA-256; a leaf is hashed with the prefix 0x00 and an inner node with 0x01
(RFC 6962 section 2.1), so that neither can pass for the other.
"""

import hashlib
from collections.abc import Sequence

from wire.codec import Digest, sha256
from wire.errors import BadProof


def leaf_hash(data: bytes) -> Digest:
    """Hash of one list entry (RFC 6962 2.1)."""
    return Digest(hashlib.sha256(b"\x00" + data).digest())


def _node(left: bytes, right: bytes) -> Digest:
    return Digest(hashlib.sha256(b"\x01" + left + right).digest())


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (RFC 6962 2.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def _fold(hashes: Sequence[Digest]) -> Digest:
    """Root over leaf hashes, level by level; the same tree as the recursive definition."""
    level = list(hashes)
    while len(level) > 1:
        pairs = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = [*pairs, level[-1]] if len(level) % 2 else pairs
    return level[0]


def root(entries: Sequence[bytes]) -> Digest:
    """Merkle tree head of `entries`; of the empty list, SHA-256 of nothing (RFC 6962 2.1)."""
    if not entries:
        return sha256(b"")
    return _fold([leaf_hash(entry) for entry in entries])


def inclusion_proof(entries: Sequence[bytes], index: int) -> tuple[Digest, ...]:
    """The audit path of entry `index`, nearest sibling first (RFC 6962 2.1.1)."""
    return inclusion_proofs(entries, (index,))[0]


def inclusion_proofs(entries: Sequence[bytes], indexes: Sequence[int]) -> list[tuple[Digest, ...]]:
    """As `inclusion_proof`, of several entries; the tree is built once."""
    for index in indexes:
        if not 0 <= index < len(entries):
            raise BadProof(f"entry {index} of {len(entries)}")
    level = [leaf_hash(entry) for entry in entries]
    places, paths = list(indexes), [list[Digest]() for _ in indexes]
    while len(level) > 1:
        for path, place in zip(paths, places, strict=True):
            if place ^ 1 < len(level):
                path.append(level[place ^ 1])
        pairs = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = [*pairs, level[-1]] if len(level) % 2 else pairs
        places = [place >> 1 for place in places]
    return [tuple(path) for path in paths]


def verify_inclusion(
    entry: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes
) -> None:
    """Raise `BadProof` unless `entry` is number `index` of `size` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        raise BadProof(f"entry {index} of {size}")
    fn, sn = index, size - 1
    result: bytes = leaf_hash(entry)
    for sibling in path:
        if sn == 0:
            raise BadProof("path is too long")
        if len(sibling) != 32:
            raise BadProof("a sibling is not 32 bytes")
        if fn & 1 or fn == sn:
            result = _node(sibling, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = _node(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise BadProof("path is too short")
    if result != expected_root:
        raise BadProof("path does not lead to the root")


def consistency_proof(entries: Sequence[bytes], old_size: int) -> tuple[Digest, ...]:
    """Proof that the first `old_size` entries are a prefix of `entries` (RFC 6962 2.1.2)."""
    if not 0 < old_size <= len(entries):
        raise BadProof(f"old size {old_size} of {len(entries)}")
    hashes = [leaf_hash(entry) for entry in entries]

    def subproof(m: int, low: int, high: int, whole: bool) -> list[Digest]:
        if m == high - low:
            return [] if whole else [_fold(hashes[low:high])]
        k = _split(high - low)
        if m <= k:
            return [*subproof(m, low, low + k, whole), _fold(hashes[low + k : high])]
        return [*subproof(m - k, low + k, high, False), _fold(hashes[low : low + k])]

    return tuple(subproof(old_size, 0, len(hashes), True))


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Raise `BadProof` unless the old tree is a prefix of the new one (RFC 9162 2.1.4.2)."""
    if not 0 < old_size <= new_size:
        raise BadProof(f"old size {old_size} of {new_size}")
    if old_size == new_size:
        if path or old_root != new_root:
            raise BadProof("trees of one size differ")
        return
    nodes = list(path)
    if old_size & (old_size - 1) == 0:
        nodes.insert(0, Digest(old_root))
    if not nodes:
        raise BadProof("path is too short")
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr: bytes = nodes[0]
    sr: bytes = nodes[0]
    for node in nodes[1:]:
        if sn == 0 or len(node) != 32:
            raise BadProof("path is too long or malformed")
        if fn & 1 or fn == sn:
            fr, sr = _node(node, fr), _node(node, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _node(sr, node)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or fr != old_root or sr != new_root:
        raise BadProof("path does not lead to both roots")
