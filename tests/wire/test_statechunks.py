"""The state in pieces: every chunk is proved by its piece, the pieces by the root, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.codec import sha256
from wire.errors import BadProof
from wire.statechunks import Chunk, Cut, Piece, check_chunk, cut, outline_root, path_of, starts
from wire.statetree import EMPTY, StateTree

Rows = dict[bytes, bytes]
ROWS = st.dictionaries(st.binary(min_size=1, max_size=8), st.binary(max_size=40), max_size=60)
LIMITS = st.integers(1, 400)


def pieces(rows: Rows, limit: int) -> tuple[StateTree, list[bytes], list[Cut]]:
    """The tree of `rows`, their keys in order of path, and the cuts."""
    tree = StateTree.of(rows)
    keys = sorted(rows, key=path_of)
    sized = [(path_of(key), len(key) + len(rows[key])) for key in keys]
    return tree, keys, cut(sized, tree, limit)


def chunk_of(rows: Rows, keys: list[bytes], one: Cut) -> Chunk:
    return Chunk(tuple((key, rows[key]) for key in keys[one.first : one.end]))


@given(ROWS, LIMITS)
def test_the_pieces_fold_to_the_root_and_every_chunk_to_its_piece(rows: Rows, limit: int) -> None:
    tree, keys, cuts = pieces(rows, limit)
    outline = [one.piece for one in cuts]
    assert outline_root(outline) == tree.root
    for start, one in zip(starts(outline), cuts, strict=True):
        chunk = chunk_of(rows, keys, one)
        check_chunk(one.piece, start, chunk)
        size = sum(len(key) + len(row) for key, row in chunk.rows)
        assert size <= limit or len(chunk.rows) == 1
    assert [key for one in cuts for key, _ in chunk_of(rows, keys, one).rows] == keys


@given(ROWS, LIMITS)
def test_the_same_rows_are_cut_alike_whatever_their_history(rows: Rows, limit: int) -> None:
    tree, _, cuts = pieces(rows, limit)
    other = StateTree()
    for key in rows:
        other = other.updated([(key, b"before")]).updated([(key, rows[key])])
    assert other.root == tree.root
    sized = sorted((path_of(key), len(key) + len(row)) for key, row in rows.items())
    assert cut(sized, other, limit) == cuts


@given(ROWS.filter(lambda rows: len(rows) > 1), LIMITS, st.data())
def test_a_chunk_with_anything_changed_is_refused(
    rows: Rows, limit: int, data: st.DataObject
) -> None:
    _, keys, cuts = pieces(rows, limit)
    outline = [one.piece for one in cuts]
    number = data.draw(st.sampled_from([n for n, c in enumerate(cuts) if c.end > c.first]))
    one, start = cuts[number], starts(outline)[number]
    good = list(chunk_of(rows, keys, one).rows)
    at = data.draw(st.integers(0, len(good) - 1))
    key, row = good[at]
    other = data.draw(st.binary(min_size=1, max_size=9).filter(lambda k: k not in rows))
    changed = {
        "missing": good[:at] + good[at + 1 :],
        "altered": [*good[:at], (key, row + b"x"), *good[at + 1 :]],
        "twice": [*good[: at + 1], *good[at:]],
        "another key": [*good[:at], (other, row), *good[at + 1 :]],
        "surplus": sorted([*good, (other, b"")], key=lambda pair: path_of(pair[0])),
        "reordered": good[::-1] if len(good) > 1 else good[:0],
        "none": [],
    }
    what = data.draw(st.sampled_from(sorted(changed)))
    with pytest.raises(BadProof):
        check_chunk(one.piece, start, Chunk(tuple(changed[what])))


@given(ROWS.filter(lambda rows: len(rows) > 3), st.data())
def test_a_chunk_of_another_place_is_refused(rows: Rows, data: st.DataObject) -> None:
    _, keys, cuts = pieces(rows, 1)
    outline = [one.piece for one in cuts]
    filled = [n for n, one in enumerate(cuts) if one.end > one.first]
    one, other = data.draw(st.permutations(filled))[:2]
    with pytest.raises(BadProof):
        check_chunk(outline[one], starts(outline)[one], chunk_of(rows, keys, cuts[other]))


@given(ROWS.filter(lambda rows: len(rows) > 3), LIMITS, st.data())
def test_an_outline_with_anything_changed_does_not_give_the_root(
    rows: Rows, limit: int, data: st.DataObject
) -> None:
    tree, _, cuts = pieces(rows, limit)
    good = [one.piece for one in cuts]
    at = data.draw(st.integers(0, len(good) - 1))
    piece = good[at]
    changed = {
        "missing": good[:at] + good[at + 1 :],
        "twice": [*good[: at + 1], *good[at:]],
        "deeper": [*good[:at], Piece(piece.depth + 1, piece.hash), *good[at + 1 :]],
        "altered": [*good[:at], Piece(piece.depth, sha256(piece.hash)), *good[at + 1 :]],
    }
    what = data.draw(st.sampled_from(sorted(changed)))
    try:
        found = outline_root(changed[what])
    except BadProof:
        return
    assert found != tree.root


def test_an_empty_state_is_one_empty_piece() -> None:
    _, _, cuts = pieces({}, 100)
    assert cuts == [Cut(Piece(0, EMPTY), 0, 0)]
    check_chunk(cuts[0].piece, 0, Chunk(()))
    with pytest.raises(BadProof):
        check_chunk(cuts[0].piece, 0, Chunk(((b"k", b"v"),)))


def test_an_outline_of_nothing_or_of_half_a_tree_is_refused() -> None:
    half = Piece(1, bytes(32))
    for outline in ([], [half], [half, half, half], [Piece(2, bytes(32)), half]):
        with pytest.raises(BadProof):
            outline_root(outline)


def test_a_row_larger_than_a_chunk_has_a_piece_of_its_own() -> None:
    rows = {bytes([n]): b"small" for n in range(50)} | {b"large": bytes(1_000)}
    _, keys, cuts = pieces(rows, 100)
    alone = [keys[one.first : one.end] for one in cuts if b"large" in keys[one.first : one.end]]
    assert alone == [[b"large"]]
