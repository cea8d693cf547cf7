"""Canonical MessagePack: cap the size, decode, encode again, compare; only then hash or verify.

msgspec's decoder accepts bytes that are not canonical (long ints, long headers, omitted
defaults), so the one accepted encoding of a value is what `encode` makes of it.
"""

import hashlib
import unicodedata
from collections.abc import Hashable
from functools import cache
from typing import Any, NewType, TypeVar, cast

import msgspec

from wire.errors import MalformedBytes, Oversize

Digest = NewType("Digest", bytes)
"""A SHA-256 digest, 32 bytes."""

T = TypeVar("T")

_ENCODER = msgspec.msgpack.Encoder()


class Record(
    msgspec.Struct,
    array_like=True,
    frozen=True,
    forbid_unknown_fields=True,
):
    """Base of everything on the wire: an array of fields, no maps, no defaults, no floats.

    Constructors validate nothing: trust only values that `decode` returned or a factory built.
    Types that stand in a union give `tag=<int>`.
    """


def encode(value: object) -> bytes:
    """The one canonical encoding of `value`."""
    return _ENCODER.encode(value)


@cache
def _decoder(kind: Hashable) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(cast("type[Any]", kind))


def decode(data: bytes, kind: type[T], size_max: int) -> T:
    """The value that `data` is the canonical encoding of.

    Raises `Oversize` above `size_max` bytes and `MalformedBytes` for anything else: wrong type,
    unknown field, a non-canonical form, text that is not NFC.
    """
    if len(data) > size_max:
        raise Oversize(f"has {len(data)} bytes, at most {size_max} allowed")
    try:
        value: T = _decoder(cast(Hashable, kind)).decode(data)
        again = _ENCODER.encode(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise MalformedBytes(str(error)[:200]) from None
    if again != data:
        raise MalformedBytes("not the canonical encoding")
    if not data.isascii():
        _require_nfc(value)
    return value


def _require_nfc(value: object) -> None:
    """Text must be NFC: two spellings of one name would be two keys."""
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise MalformedBytes(f"text is not NFC: {value[:40]!r}")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _require_nfc(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            _require_nfc(item)


def sha256(data: bytes) -> Digest:
    """SHA-256 of `data`."""
    return Digest(hashlib.sha256(data).digest())


def digest_of(value: object) -> Digest:
    """SHA-256 of the canonical encoding."""
    return Digest(hashlib.sha256(_ENCODER.encode(value)).digest())
