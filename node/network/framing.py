"""Streams of bytes into messages: the two ways in which libp2p protocols delimit them. Pure.

`LengthFrames` reads our direct stream (4-byte big-endian length), `VarintFrames` reads gossipsub
(unsigned varint length, as in protobuf). Both refuse a length above their limit before a byte of
the body is stored, so a peer cannot make a node reserve memory by announcing a large frame.
"""

import struct
from collections.abc import Iterable

from node.network.errors import BadFrame
from wire.errors import Oversize

_LENGTH = struct.Struct(">I")


def encode_frames(messages: Iterable[bytes]) -> bytes:
    """The messages as consecutive length-prefixed frames, for one write."""
    parts = []
    for message in messages:
        parts.append(_LENGTH.pack(len(message)))
        parts.append(message)
    return b"".join(parts)


class _Frames:
    """Collects chunks; `feed` returns the frames completed by the chunk."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._buffer = bytearray()

    @property
    def partial(self) -> bool:
        """True in the middle of a frame: a stream that ends now was cut."""
        return bool(self._buffer)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames completed by `chunk`, in order; raises `Oversize` or `BadFrame`."""
        self._buffer += chunk
        frames = []
        start = 0
        while (header := self._header(start)) is not None:
            begin, size = header
            if size > self._bytes_max:
                raise Oversize(f"frame of {size} bytes, limit {self._bytes_max}")
            if len(self._buffer) < begin + size:
                break
            frames.append(bytes(memoryview(self._buffer)[begin : begin + size]))
            start = begin + size
        del self._buffer[:start]
        return frames

    def _header(self, start: int) -> tuple[int, int] | None:
        """Where the body of the frame at `start` begins and its size; None if not all there."""
        raise NotImplementedError


class LengthFrames(_Frames):
    """Frames of the direct stream."""

    def _header(self, start: int) -> tuple[int, int] | None:
        if len(self._buffer) < start + 4:
            return None
        return start + 4, _LENGTH.unpack_from(self._buffer, start)[0]


class VarintFrames(_Frames):
    """Frames of a gossipsub stream."""

    def _header(self, start: int) -> tuple[int, int] | None:
        size = 0
        for position in range(5):  # 35 bits are enough for every limit
            if len(self._buffer) <= start + position:
                return None
            byte = self._buffer[start + position]
            size |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                return start + position + 1, size
        raise BadFrame("the length of a gossip frame has more than 5 bytes")
