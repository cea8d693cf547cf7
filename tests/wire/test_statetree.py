"""The keyed state tree against its definition, and proofs that nobody can bend."""

import hashlib
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.codec import decode, encode
from wire.errors import BadProof
from wire.statetree import EMPTY, StateProof, StateTree, verify_state

KEYS = st.integers(0, 40).map(lambda n: bytes([n]))
ROWS = st.dictionaries(KEYS, st.binary(max_size=3), max_size=30)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _naive(rows: Mapping[str, tuple[bytes, bytes]]) -> bytes:
    """`rows`: remaining path bits -> (path, row). The definition, word for word."""
    if not rows:
        return bytes(32)
    if len(rows) == 1:
        ((path, row),) = rows.values()
        return _sha(b"\x00" + path + _sha(row))
    halves = [
        _naive({bits[1:]: leaf for bits, leaf in rows.items() if bits[0] == bit}) for bit in "01"
    ]
    return _sha(b"\x01" + b"".join(halves))


def naive_root(rows: Mapping[bytes, bytes]) -> bytes:
    """The root by the definition."""
    leaves = {}
    for key, row in rows.items():
        path = _sha(key)
        leaves[f"{int.from_bytes(path, 'big'):0256b}"] = (path, row)
    return _naive(leaves)


@given(ROWS)
def test_the_root_is_that_of_the_definition(rows: dict[bytes, bytes]) -> None:
    assert StateTree.of(rows).root == naive_root(rows)


@given(ROWS, st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=3)), max_size=40))
def test_updates_in_any_steps_lead_to_the_tree_built_anew(
    rows: dict[bytes, bytes], changes: list[tuple[bytes, bytes | None]]
) -> None:
    before = StateTree.of(rows)
    tree, now = before, dict(rows)
    for key, row in changes:
        tree = tree.updated([(key, row)])
        if row is None:
            now.pop(key, None)
        else:
            now[key] = row
        assert tree.root == naive_root(now)
    assert before.updated(dict(changes).items()).root == tree.root
    assert before.root == naive_root(rows)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: dict[bytes, bytes], random: object) -> None:
    items = list(rows.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert StateTree.of(dict(items)).root == StateTree.of(rows).root


@given(ROWS, KEYS)
def test_every_key_has_a_proof_of_its_row_or_of_its_absence(
    rows: dict[bytes, bytes], key: bytes
) -> None:
    tree = StateTree.of(rows)
    proof = tree.prove(key, rows.get(key))
    verify_state(proof, tree.root)
    assert decode(encode(proof), StateProof, 1 << 14) == proof
    assert (proof.key, proof.row) == (key, rows.get(key))


@given(ROWS, KEYS, st.binary(max_size=3))
def test_no_proof_serves_another_statement(
    rows: dict[bytes, bytes], key: bytes, other: bytes
) -> None:
    tree = StateTree.of(rows)
    proof = tree.prove(key, rows.get(key))
    path = _sha(key)
    lies = [
        msgspec.structs.replace(proof, row=None if proof.row is not None else other),
        msgspec.structs.replace(proof, key=key + b"x"),
        msgspec.structs.replace(proof, siblings=(*proof.siblings, EMPTY)),
        msgspec.structs.replace(proof, siblings=(*proof.siblings, bytes(31))),
        msgspec.structs.replace(proof, siblings=(EMPTY,) * 257),
        msgspec.structs.replace(proof, row=None, other=(path, _sha(other))),
        msgspec.structs.replace(proof, row=None, other=(path[:31], _sha(other))),
        msgspec.structs.replace(proof, row=b"row", other=(_sha(b"o"), bytes(32))),
    ]
    if proof.siblings:
        lies += [
            msgspec.structs.replace(proof, siblings=proof.siblings[:-1]),
            msgspec.structs.replace(proof, siblings=proof.siblings[1:]),
            msgspec.structs.replace(proof, siblings=(_sha(other), *proof.siblings[1:])),
            msgspec.structs.replace(proof, siblings=(b"", *proof.siblings[1:])),
        ]
    if proof.row is not None and proof.row != other:
        lies.append(msgspec.structs.replace(proof, row=other))
    for lie in lies:
        if lie.key != key and lie.row is None and rows.get(lie.key) is None:
            continue  # may be true of the other key as well
        with pytest.raises(BadProof):
            verify_state(lie, tree.root)
    with pytest.raises(BadProof):
        verify_state(proof, _sha(tree.root))


def test_a_present_key_cannot_be_shown_absent_by_any_leaf_or_depth() -> None:
    rows = {bytes([n]): b"row" for n in range(64)}
    tree = StateTree.of(rows)
    for key in (b"\x05", b"\x21"):
        honest = tree.prove(key, b"row")
        for depth in range(len(honest.siblings) + 1):
            cut = honest.siblings[:depth]
            for other in [None, *[(_sha(k), _sha(b"row")) for k in rows if k != key]]:
                lie = StateProof(key, None, cut, other)
                with pytest.raises(BadProof):
                    verify_state(lie, tree.root)


def test_an_absent_key_cannot_be_shown_present_by_swapping_a_leaf() -> None:
    rows = {bytes([n]): b"row" for n in range(8)}
    tree = StateTree.of(rows)
    absent = b"absent"
    honest = tree.prove(absent, None)
    for key in rows:
        with pytest.raises(BadProof):
            verify_state(
                StateProof(absent, b"row", tree.prove(key, b"row").siblings, None), tree.root
            )
    with pytest.raises(BadProof):
        verify_state(StateProof(absent, b"row", honest.siblings, None), tree.root)


def test_a_wrong_row_cannot_even_be_asked_for() -> None:
    tree = StateTree.of({b"a": b"1"})
    for key, row in ((b"a", None), (b"a", b"2"), (b"b", b"1")):
        with pytest.raises(BadProof, match="not the row of the tree"):
            tree.prove(key, row)


def test_the_empty_tree() -> None:
    tree = StateTree()
    assert tree.root == EMPTY == bytes(32)
    verify_state(tree.prove(b"a", None), tree.root)
    assert tree.updated([]) is tree
    one = tree.updated([(b"a", b"1")])
    assert one.updated([(b"a", None)]).root == EMPTY
    assert one.updated([(b"b", None)]).root == one.root


def test_a_row_of_nothing_is_a_row() -> None:
    tree = StateTree.of({b"a": b""})
    assert tree.root != EMPTY
    verify_state(tree.prove(b"a", b""), tree.root)
