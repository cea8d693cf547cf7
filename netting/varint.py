"""Integers as bytes: LEB128 of zigzag values, whole arrays at a time, one encoding per value."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netting.graph import Ints

Bytes: TypeAlias = NDArray[np.uint8]

VARINT_BYTES_MAX: Final = 9
"""Nine bytes carry 63 bits: more than any range a certificate needs."""


def zigzag(values: Ints) -> Ints:
    """Signed to unsigned: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return (values << 1) ^ (values >> 63)


def unzigzag(values: Ints) -> Ints:
    """The inverse of `zigzag`."""
    return (values >> 1) ^ -(values & 1)


def pack(values: Ints) -> bytes:
    """LEB128 of each value; values lie in 0 .. 2^63 - 1."""
    sizes = np.ones(len(values), np.int64)
    for k in range(1, VARINT_BYTES_MAX):
        sizes += values >= (1 << (7 * k))
    ends = np.cumsum(sizes)
    starts = ends - sizes
    out = np.zeros(int(sizes.sum()), np.uint8)
    for k in range(int(sizes.max(initial=0))):
        here = np.flatnonzero(sizes > k)
        more = (sizes[here] > k + 1).astype(np.int64) << 7
        out[starts[here] + k] = ((values[here] >> (7 * k)) & 0x7F) | more
    return out.tobytes()


def unpack(data: Bytes, count: int) -> tuple[Ints, int] | None:
    """The first `count` values of `data` and the bytes they took.

    None if they are cut short, longer than nine bytes, or not in their shortest form.
    """
    if count == 0:
        return np.empty(0, np.int64), 0
    ends = np.flatnonzero(data < 0x80)[:count]
    if len(ends) < count:
        return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    sizes = ends - starts + 1
    if sizes.max() > VARINT_BYTES_MAX or ((sizes > 1) & (data[ends] == 0)).any():
        return None
    values = np.zeros(count, np.int64)
    for k in range(int(sizes.max())):
        here = np.flatnonzero(sizes > k)
        values[here] |= (data[starts[here] + k].astype(np.int64) & 0x7F) << (7 * k)
    return values, int(ends[-1]) + 1
