"""Canonical MessagePack: one encoding of a value, and none of what is not the value."""

import hashlib
import unicodedata
from enum import IntEnum
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.actions import Mint
from ledger.transactions import Transaction, decode_transaction
from wire.codec import Record, decode, digest_of, encode, sha256
from wire.errors import MalformedBytes, Oversize


class Colour(IntEnum):
    """An enumeration on the wire."""

    RED = 1
    BLUE = 2


class Leaf(Record, frozen=True, tag=1):
    """A record in a union."""

    text: str
    data: bytes


class Other(Record, frozen=True, tag=2):
    """Another one."""

    number: int


class Sheet(Record, frozen=True):
    """Every shape that messages are made of."""

    number: int
    flag: bool
    text: str
    data: bytes
    maybe: int | None
    colour: Colour
    leaves: tuple[Leaf | Other, ...]
    pairs: tuple[tuple[str, int], ...]


NFC = st.text(max_size=20).map(lambda text: unicodedata.normalize("NFC", text))
INT64 = st.integers(-(2**63), 2**64 - 1)
LEAVES = st.builds(Leaf, text=NFC, data=st.binary(max_size=300)) | st.builds(Other, number=INT64)
SHEETS = st.builds(
    Sheet,
    number=INT64,
    flag=st.booleans(),
    text=NFC,
    data=st.binary(max_size=40),
    maybe=st.none() | INT64,
    colour=st.sampled_from(Colour),
    leaves=st.lists(LEAVES, max_size=20).map(tuple),
    pairs=st.lists(st.tuples(NFC, INT64), max_size=3).map(tuple),
)
SHEET = Sheet(1, True, "é", b"ab", None, Colour.BLUE, (Leaf("t", b""), Other(7)), (("k", 2),))


def _plain(value: object) -> object:
    """A record as the nested lists that any MessagePack library reads."""
    if isinstance(value, Record):
        tag = value.__struct_config__.tag
        fields = [_plain(getattr(value, name)) for name in value.__struct_fields__]
        return fields if tag is None else [tag, *fields]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, IntEnum) else value


@given(SHEETS)
def test_round_trip_and_the_reading_of_an_independent_library(sheet: Sheet) -> None:
    data = encode(sheet)
    assert decode(data, Sheet, 1 << 20) == sheet
    assert msgpack.unpackb(data, strict_map_key=True) == _plain(sheet)
    assert msgpack.packb(_plain(sheet)) == data
    assert digest_of(sheet) == sha256(data) == hashlib.sha256(data).digest()


@given(SHEETS, st.data())
def test_a_changed_byte_is_another_value_or_malformed(sheet: Sheet, draw: st.DataObject) -> None:
    data = bytearray(encode(sheet))
    place = draw.draw(st.integers(0, len(data) - 1))
    data[place] ^= draw.draw(st.integers(1, 255))
    try:
        other = decode(bytes(data), Sheet, 1 << 20)
    except MalformedBytes:
        return
    assert other != sheet
    assert encode(other) == data


@given(st.binary(max_size=200))
def test_random_bytes_are_malformed_or_canonical(data: bytes) -> None:
    for kind in (Sheet, Transaction, tuple[int, ...]):
        try:
            value = decode(data, kind, 100)
        except (MalformedBytes, Oversize):
            continue
        assert encode(value) == data


EITHER: Any = Leaf | Other
GOOD = encode(Other(7))
NOT_CANONICAL: dict[str, bytes] = {
    "an int in two bytes": b"\x92\x02\xcc\x07",
    "an int in three bytes": b"\x92\x02\xcd\x00\x07",
    "an int in nine bytes": b"\x92\x02\xcf" + bytes(7) + b"\x07",
    "a signed long int": b"\x92\x02\xd0\x07",
    "a long tag": b"\x92\xcc\x02\x07",
    "a long array header": b"\xdc\x00\x02\x02\x07",
    "a longer array header": b"\xdd\x00\x00\x00\x02\x02\x07",
    "a trailing byte": GOOD + b"\x00",
    "the value twice": GOOD * 2,
    "one field too many": b"\x93\x02\x07\x07",
    "one field too few": b"\x91\x02",
    "no tag": b"\x91\x07",
    "an unknown tag": b"\x92\x03\x07",
    "cut short": GOOD[:-1],
    "nothing": b"",
    "nil": b"\xc0",
    "nil for an int": b"\x92\x02\xc0",
    "a float for an int": msgpack.packb([2, 7.0]),
    "a short float for an int": b"\x92\x02\xca\x40\xe0\x00\x00",
    "a bool for an int": b"\x92\x02\xc3",
    "a string for an int": b"\x92\x02\xa17",
    "a map for the array": b"\x82\x02\x07\x03\x04",
    "a map for an int": b"\x92\x02\x80",
    "an array for an int": b"\x92\x02\x91\x07",
    "an ext for an int": b"\x92\x02\xd4\x01\x07",
    "a timestamp": b"\x92\x02\xd6\xff\x00\x00\x00\x07",
    "the byte that MessagePack never uses": b"\x92\x02\xc1",
    "a map by names": msgpack.packb({"type": 2, "number": 7}),
}


@pytest.mark.parametrize("why", NOT_CANONICAL)
def test_every_other_form_of_a_value_is_malformed(why: str) -> None:
    assert decode(GOOD, EITHER, 100) == Other(7)
    with pytest.raises(MalformedBytes):
        decode(NOT_CANONICAL[why], EITHER, 100)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (bytes, b"\xc5\x00\x01a"),
        (bytes, b"\xc6\x00\x00\x00\x01a"),
        (bytes, b"\xa1a"),
        (bytes, b"\xa4YWI="),
        (str, b"\xd9\x01a"),
        (str, b"\xda\x00\x01a"),
        (str, b"\xc4\x01a"),
        (str, b"\xa1\xff"),
        (str, b"\xa3\xed\xa0\x80"),  # a lone surrogate
        (str, b"\xa2\xc0\x80"),  # an overlong NUL
        (bool, b"\x01"),
        (int, b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff"),
        (Colour, b"\x03"),
        (Colour, b"\xa3RED"),
        (tuple[int, ...], b"\xdc\x00\x01\x01"),
        (tuple[int, ...], b"\xdd\xff\xff\xff\xff"),
        (tuple[bytes, ...], b"\xdc\xff\xff"),
    ],
)
def test_long_headers_and_wrong_kinds_are_malformed(kind: Any, data: bytes) -> None:
    with pytest.raises(MalformedBytes):
        decode(data, kind, 1 << 10)


def _sheet(text: str, leaf: str, pair: str) -> Sheet:
    return Sheet(1, True, text, b"", None, Colour.RED, (Leaf(leaf, b""),), ((pair, 1),))


def test_text_that_is_not_nfc_is_malformed_wherever_it_stands() -> None:
    composed, decomposed = "é", "e\u0301"
    ohm, omega = "\u2126", "\u03a9"
    for bad, good in ((decomposed, composed), (ohm, omega)):
        for texts in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
            fine, wrong = (_sheet(*[text * n for n in texts]) for text in (good, bad))
            assert decode(encode(fine), Sheet, 200) == fine
            with pytest.raises(MalformedBytes, match="not NFC"):
                decode(encode(wrong), Sheet, 200)


def test_bytes_that_look_like_text_that_is_not_nfc_are_just_bytes() -> None:
    leaf = Leaf("", "e\u0301".encode())
    assert decode(encode(leaf), Leaf, 100) == leaf


def test_deep_nesting_is_malformed_not_a_crash() -> None:
    for depth in (1_000, 100_000):
        with pytest.raises(MalformedBytes):
            decode(b"\x91" * depth + b"\xc0", tuple, 1 << 20)
        with pytest.raises(MalformedBytes):
            decode(b"\x91" * depth, Transaction, 1 << 20)


def test_the_size_is_capped_before_anything_is_read() -> None:
    data = encode(SHEET)
    assert decode(data, Sheet, len(data)) == SHEET
    with pytest.raises(Oversize, match=f"has {len(data)} bytes, at most {len(data) - 1} allowed"):
        decode(data, Sheet, len(data) - 1)
    with pytest.raises(Oversize):
        decode(b"\xc1" * 101, Sheet, 100)


def test_ints_that_no_wire_can_carry_do_not_encode() -> None:
    for number in (2**64, -(2**63) - 1):
        with pytest.raises(OverflowError):
            encode(Other(number))


def test_the_message_of_a_refusal_stays_short() -> None:
    with pytest.raises(MalformedBytes) as caught:
        decode(msgpack.packb(["x" * 5_000]), Mint, 1 << 20)
    assert len(str(caught.value)) < 300
    with pytest.raises(MalformedBytes):
        decode_transaction(b"")
