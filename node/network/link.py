"""The direct stream to one peer: frames out in batches, frames in one by one, silence noticed.

Works on anything with trio-style `read(n)` and `write(data)`; it knows nothing of libp2p.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import trio

from node.network.config import NetworkLimits
from node.network.framing import LengthFrames, encode_frames
from node.network.mailbox import Outbox
from node.network.tally import Tally
from wire.limits import FRAME_BYTES_MAX

READ_BYTES: Final = 128 << 10
"""One read: two of yamux's largest frames."""

_KEEPALIVE: Final = (b"",)
"""An empty frame: says that we live, carries nothing, reaches nobody."""


class Stream(Protocol):
    """A libp2p stream, as far as a link needs it."""

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; empty or an exception at the end."""

    async def write(self, data: bytes) -> None:
        """Write all of `data`, waiting for the peer's window."""


class LinkEnded(Exception):
    """The peer closed its side of the stream."""


class Link:
    """Runs one direct stream until it fails; `run` never returns, it raises why it ended."""

    def __init__(
        self,
        stream: Stream,
        outbox: Outbox,
        deliver: Callable[[bytes], Awaitable[None]],
        tally: Tally,
        limits: NetworkLimits,
    ) -> None:
        """`deliver` takes one message and returns when there is room for the next."""
        self._stream, self._outbox, self._deliver = stream, outbox, deliver
        self._tally, self._limits = tally, limits
        self._filled = trio.Event()
        self._frames = LengthFrames(FRAME_BYTES_MAX)

    def wake(self) -> None:
        """The outbox has something to write."""
        self._filled.set()

    async def run(self) -> None:
        """Read and write until either fails; raises the first failure, unwrapped."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read()
        except BaseExceptionGroup as group:
            # Both directions fail together when a connection breaks: the first says why.
            _, others = group.split(trio.Cancelled)
            while isinstance(others, BaseExceptionGroup):
                others = others.exceptions[0]
            if others is None:
                raise
            raise others from None

    async def _read(self) -> None:
        while True:
            with trio.fail_after(self._limits.silence_s_max):
                chunk = await self._read_chunk()
            self._tally.add("bytes_in", len(chunk))
            for message in self._frames.feed(chunk):
                if message:
                    await self._deliver(message)

    async def _read_chunk(self) -> bytes:
        chunk = await self._stream.read(READ_BYTES)
        if not chunk:
            raise LinkEnded
        return chunk

    @property
    def cut(self) -> bool:
        """True if what was read ends in the middle of a frame."""
        return self._frames.partial

    async def _write(self) -> None:
        while True:
            batch = self._outbox.take(self._limits.flush_bytes)
            if not batch:
                self._filled = trio.Event()
                batch = self._outbox.take(self._limits.flush_bytes)
            if batch:
                await self._flush(batch)
                continue
            with trio.move_on_after(self._limits.keepalive_s) as idle:
                await self._filled.wait()
            if idle.cancelled_caught:
                await self._stream.write(encode_frames(_KEEPALIVE))

    async def _flush(self, batch: list[bytes]) -> None:
        data = encode_frames(batch)
        await self._stream.write(data)
        self._outbox.written(batch)
        self._tally.add("direct_out", len(batch))
        self._tally.add("bytes_out", len(data))
