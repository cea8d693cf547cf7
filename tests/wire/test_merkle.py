"""RFC 6962 lists against the recursive definition, and proofs that nobody can bend."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import BadProof
from wire.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# Inputs and roots of the certificate-transparency test suite (merkle_tree_test).
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _naive(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, word for word."""
    n = len(entries)
    if n == 0:
        return _sha(b"")
    if n == 1:
        return _sha(b"\x00" + entries[0])
    k = 1
    while k * 2 < n:
        k *= 2
    return _sha(b"\x01" + _naive(entries[:k]) + _naive(entries[k:]))


def _path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 2.1.1, word for word."""
    n = len(entries)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*_path(m, entries[:k]), _naive(entries[k:])]
    return [*_path(m - k, entries[k:]), _naive(entries[:k])]


def _subproof(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 2.1.2, word for word."""
    n = len(entries)
    if m == n:
        return [] if whole else [_naive(entries)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*_subproof(m, entries[:k], whole), _naive(entries[k:])]
    return [*_subproof(m - k, entries[k:], False), _naive(entries[:k])]


ENTRIES = st.lists(st.binary(max_size=5), min_size=1, max_size=33)


def test_the_known_roots_of_certificate_transparency() -> None:
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for size, expected in enumerate(CT_ROOTS, 1):
        assert root(CT_LEAVES[:size]).hex() == expected


def test_the_known_paths_of_certificate_transparency() -> None:
    path = inclusion_proof(CT_LEAVES, 5)
    assert [node.hex()[:16] for node in path] == [
        "bc1a0643b12e4d2d",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]
    path = consistency_proof(CT_LEAVES, 6)
    assert [node.hex()[:16] for node in path] == [
        "0ebc5d3437fbe2db",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]


@given(ENTRIES, st.data())
def test_roots_and_paths_are_those_of_the_definition(
    entries: list[bytes], draw: st.DataObject
) -> None:
    assert root(entries) == _naive(entries)
    index = draw.draw(st.integers(0, len(entries) - 1))
    path = inclusion_proof(entries, index)
    assert list(path) == _path(index, entries)
    verify_inclusion(entries[index], index, len(entries), path, root(entries))
    old = draw.draw(st.integers(1, len(entries)))
    proof = consistency_proof(entries, old)
    assert list(proof) == _subproof(old, entries, True)
    verify_consistency(old, root(entries[:old]), len(entries), root(entries), proof)


def test_every_index_and_size_up_to_seventy() -> None:
    entries = [bytes([n]) for n in range(70)]
    roots = [root(entries[:n]) for n in range(71)]
    for size in range(1, 71):
        for index in range(0, size, 3):
            path = inclusion_proof(entries[:size], index)
            verify_inclusion(entries[index], index, size, path, roots[size])
        for old in range(1, size + 1, 4):
            proof = consistency_proof(entries[:size], old)
            verify_consistency(old, roots[old], size, roots[size], proof)


@given(ENTRIES, st.data())
def test_a_bent_inclusion_proof_fails(entries: list[bytes], draw: st.DataObject) -> None:
    size = len(entries)
    index = draw.draw(st.integers(0, size - 1))
    path: list[bytes] = [*inclusion_proof(entries, index)]
    top: bytes = root(entries)
    entry = entries[index]
    bent: list[tuple[bytes, int, int, list[bytes], bytes]] = [
        (entry + b"x", index, size, [*path], top),
        (entry, index, size, [*path, bytes(32)], top),
        (entry, index, size, [*path], bytes(32)),
        (entry, size, size, [*path], top),
        (entry, -1, size, [*path], top),
    ]
    if path:
        place = draw.draw(st.integers(0, len(path) - 1))
        flipped = bytes([path[place][0] ^ 1]) + path[place][1:]
        bent += [
            (entry, index, size, [*path[:place], flipped, *path[place + 1 :]], top),
            (entry, index, size, path[:-1], top),
            (entry, index, size, path[1:], top),
            (entry, index, size, [*path[:place], path[place] + b"x", *path[place + 1 :]], top),
        ]
    for case in bent:
        with pytest.raises(BadProof):
            verify_inclusion(*case)


@given(ENTRIES, st.data())
def test_an_entry_is_proved_at_no_other_place(entries: list[bytes], draw: st.DataObject) -> None:
    size = len(entries)
    index, other = (draw.draw(st.integers(0, size - 1)) for _ in range(2))
    path, top = inclusion_proof(entries, index), root(entries)
    if entries[index] != entries[other]:
        with pytest.raises(BadProof):
            verify_inclusion(entries[index], other, size, path, top)


@given(ENTRIES, st.data())
def test_a_bent_consistency_proof_fails(entries: list[bytes], draw: st.DataObject) -> None:
    size = len(entries)
    old = draw.draw(st.integers(1, size))
    proof: list[bytes] = [*consistency_proof(entries, old)]
    before: bytes = root(entries[:old])
    after: bytes = root(entries)
    bent: list[tuple[int, bytes, int, bytes, list[bytes]]] = [
        (old, bytes(32), size, after, proof),
        (old, before, size, bytes(32), proof),
        (old, before, size, after, [*proof, bytes(32)]),
        (0, before, size, after, proof),
        (size + 1, before, size, after, proof),
    ]
    if proof:
        bent += [
            (old, before, size, after, proof[:-1]),
            (old, before, size, after, []),
            (old, before, size, after, [bytes(32), *proof[1:]]),
            (old, before, size, after, [*proof[:-1], proof[-1] + b"x"]),
            (old, before, size, after, [*proof[:-1], bytes(31)]),
        ]
    for case in bent:
        with pytest.raises(BadProof):
            verify_consistency(*case)


def test_history_cannot_be_rewritten() -> None:
    old = [b"a", b"b", b"c"]
    new = [b"a", b"X", b"c", b"d", b"e"]
    with pytest.raises(BadProof):
        verify_consistency(3, root(old), 5, root(new), consistency_proof(new, 3))


def test_places_outside_the_list_have_no_proof() -> None:
    for index in (-1, 2):
        with pytest.raises(BadProof):
            inclusion_proof([b"a", b"b"], index)
    for size in (0, 3):
        with pytest.raises(BadProof):
            consistency_proof([b"a", b"b"], size)


def test_an_inner_node_cannot_pass_for_a_leaf() -> None:
    entries = [b"a", b"b"]
    inner = leaf_hash(b"a") + leaf_hash(b"b")
    with pytest.raises(BadProof):
        verify_inclusion(inner, 0, 1, (), root(entries))
