"""py-libp2p 0.8.1, made fit to face malicious members. Pinned: read again at an upgrade.

What is replaced, and why:

* `GatedNoise`: the library gates by IP address only; here a peer id must be a member's.
* `StrictYamux`: the library warns about a peer that overruns its window, and buffers on; a frame
  that raises may end the whole host. Here the connection ends.
* `FrugalStream`: the library writes a WINDOW_UPDATE after almost every read, which is most of the
  cost of small messages. Here one per half window, as in hashicorp/yamux. The window is fixed.
"""

from collections.abc import Callable
from typing import Any, Final

import trio
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer import muxer_multistream
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamReset
from libp2p.stream_muxer.yamux import yamux

from node.network.errors import BadFrame
from wire.errors import PeerFault

WINDOW_BYTES: Final = 1 << 20
"""What a peer may send on one stream before we have read it."""

BUFFER_BYTES_MAX: Final = 8 * WINDOW_BYTES
"""Unread bytes of all streams of a connection; a peer that keeps to its windows stays below."""

NOISE_BYTES_MAX: Final = 65_519
"""Plaintext of one Noise message: a longer yamux frame would cost a second, tiny one."""

Verdict = Callable[[str], str | None]
"""Why a peer is refused, or None if it is welcome."""


class GatedNoise(Noise):  # type: ignore[misc]  # libp2p is untyped here
    """Noise that ends the connection of whoever is not welcome, before it can say anything more."""

    def __init__(self, key_pair: Any, noise_key: Any, verdict: Verdict) -> None:
        super().__init__(key_pair, noise_privkey=noise_key)
        self._verdict = verdict

    async def secure_inbound(self, conn: Any) -> Any:
        """The secured inbound connection; raises `HandshakeFailure` if the peer is refused."""
        return await self._admit(await super().secure_inbound(conn))

    async def secure_outbound(self, conn: Any, peer_id: Any) -> Any:
        """The secured outbound connection; raises `HandshakeFailure` if the peer is refused."""
        return await self._admit(await super().secure_outbound(conn, peer_id))

    async def _admit(self, secured: Any) -> Any:
        reason = self._verdict(str(secured.get_remote_peer()))
        if reason is not None:
            await secured.close()
            raise HandshakeFailure(reason)
        return secured


class StrictYamux(yamux.Yamux):  # type: ignore[misc]  # libp2p is untyped here
    """Yamux that bounds what it buffers, and whose failures end one connection, not the host."""

    report: Callable[[PeerFault], None] | None = None
    """Set by the host: whom to tell about a violation."""

    async def start(self) -> None:
        """Serve the connection until it ends."""
        try:
            await super().start()
        except Exception as error:
            self._tell(BadFrame(f"muxer failed: {error!r}"))
            self._established = True  # else whoever waits for the start would wait for ever
            self.event_started.set()
            await self._cleanup_on_error()

    async def _read_data_body(self, length: int) -> bytes:
        if sum(map(len, self.stream_buffers.values())) + length > BUFFER_BYTES_MAX:
            self._tell(BadFrame("overran its windows"))
            raise trio.TooSlowError  # the one exception on which the library closes the connection
        body: bytes = await super()._read_data_body(length)
        return body

    async def _write_frame(self, data: bytes) -> None:
        """As in the library, without composing a debug line for every frame."""
        async with self._write_lock:
            await self.secured_conn.write(data)

    def _tell(self, fault: PeerFault) -> None:
        if self.report is not None:
            self.report(fault)


class FrugalStream(yamux.YamuxStream):  # type: ignore[misc]  # libp2p is untyped here
    """A yamux stream with a fixed window, acknowledged by halves, and a read without locks."""

    async def _auto_tune_and_send_window_update(self, *, bytes_read: int = 0) -> None:
        buffered = len(self.conn.stream_buffers.get(self.stream_id, b""))
        grow = WINDOW_BYTES - self.recv_window - buffered
        if grow >= WINDOW_BYTES // 2:
            self.recv_window += grow
            await self.send_window_update(grow)

    async def read(self, n: int | None = -1) -> bytes:
        """Up to `n` bytes, all there is if `n` is None or -1; raises at the end or on reset."""
        conn, key = self.conn, self.stream_id
        while True:
            buffer = conn.stream_buffers.get(key)
            if buffer:
                take = len(buffer) if n is None or n < 0 else n
                data = bytes(memoryview(buffer)[:take])
                del buffer[:take]
                if self.closed and not buffer:
                    await conn._finalize_stream(self, fully_closed=True)
                await self._auto_tune_and_send_window_update(bytes_read=len(data))
                return data
            if self.reset_received:
                raise MuxedStreamReset("stream was reset")
            event = conn.stream_events.get(key)
            if self.recv_closed or self.closed or event is None:
                raise MuxedStreamEOF("stream is closed for reading")
            await event.wait()
            if key in conn.stream_events:
                conn.stream_events[key] = trio.Event()


def install() -> None:
    """Put the replacements where the library looks its classes up; idempotent."""
    muxer_multistream.Yamux = StrictYamux
    yamux.YamuxStream = FrugalStream
    yamux.MAX_MESSAGE_SIZE = NOISE_BYTES_MAX
