"""What happens between an accepted socket and a protocol's handler, made safe and free of leaks."""

from collections.abc import Callable
from typing import Any

import structlog
import trio
from libp2p.io.exceptions import IOException
from libp2p.network.exceptions import SwarmException
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator

from node.network.config import NetworkLimits
from node.network.errors import BadFrame, TooManyStreams
from wire.errors import PeerFault

log = structlog.get_logger("network")

_UNWANTED = ("/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0")
"""Let a peer rewrite its addresses in our store, or make us work for nothing."""


_IDENTIFIER = "_IdentifyNotifee"
"""Asks every new peer who it is: our configuration knows."""


class Doorkeeper:
    """Wraps the entrances of one host; `install` before it runs."""

    def __init__(
        self, host: Any, limits: NetworkLimits, fault: Callable[[str, PeerFault], None]
    ) -> None:
        self._host, self._network = host, host.get_network()
        self._limits, self._fault = limits, fault
        self._open: list[Any] = []

    def install(self) -> None:
        """Replace the entrances."""
        network = self._network
        self._upgrade_inbound = network.upgrade_inbound_raw_conn
        self._upgrade_muxer = network.upgrader.upgrade_connection
        network.upgrade_inbound_raw_conn = self._serve_inbound
        network.upgrader.upgrade_connection = self._upgrade
        network._inbound_limiter = trio.CapacityLimiter(self._limits.connections_max)
        network.set_stream_handler(self._on_stream)
        network.notifees[:] = [n for n in network.notifees if type(n).__name__ != _IDENTIFIER]
        for protocol in _UNWANTED:
            self._host.get_mux().handlers.pop(protocol, None)

    async def _serve_inbound(self, raw: Any, address: Any) -> None:
        """Upgrade an inbound connection and stay with it to its end.

        The library's caller then waits for the whole host to end, and keeps an inbound slot and a
        task until then; it is told by an exception that the connection is over.
        """
        muxed = await self._upgrade_inbound(raw, address)
        await muxed.event_closed.wait()
        raise SwarmException("connection closed")

    async def _upgrade(self, secured: Any, peer: Any) -> Any:
        muxed = await self._upgrade_muxer(secured, peer)
        muxed.report = lambda fault: self._fault(str(peer), fault)
        self._open = [other for other in self._open if not other.event_closed.is_set()]
        self._open.append(muxed)
        return muxed

    async def close(self) -> None:
        """Close every socket that is still open, whatever state the library has it in."""
        for muxed in self._open:
            await muxed.secured_conn.close()

    async def _on_stream(self, stream: Any) -> None:
        """Serve one inbound stream; nothing that happens in it leaves this function."""
        peer = str(stream.muxed_conn.peer_id)
        try:
            if len(stream.muxed_conn.streams) > self._limits.streams_max:
                raise TooManyStreams(f"more than {self._limits.streams_max}")
            handler = await self._negotiate(stream)
            if handler is not None:
                await handler(stream)
        except PeerFault as fault:
            self._fault(peer, fault)
            await stream.reset()
        except Exception as error:
            log.debug("stream failed", peer=peer, error=repr(error)[:200])
            await stream.reset()

    async def _negotiate(self, stream: Any) -> Any:
        """The handler of the protocol that the peer asks for; None if it leaves without one."""
        try:
            protocol, handler = await self._host.get_mux().negotiate(
                MultiselectCommunicator(stream), int(self._limits.handshake_s_max)
            )
        except Exception as error:
            await stream.reset()
            if _connection_ended(error) or "timeout" in str(error):
                return None
            raise BadFrame("no multistream negotiation") from error
        stream.set_protocol(protocol)
        return handler


def _connection_ended(error: BaseException | None) -> bool:
    """True if the cause of `error` is that there is nothing more to read or write."""
    while error is not None:
        if isinstance(error, IOException):
            return True
        error = error.__cause__
    return False
