"""The network as the daemon sees it: asyncio in front, one thread with a libp2p host behind."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import structlog

from node.network.config import (
    GOSSIP_DATA_BYTES_MAX,
    NetworkConfig,
    check_peers,
    tcp_endpoint,
)
from node.network.errors import BadNetworkConfig, ListenFailed, NetworkStopped
from node.network.events import Event
from node.network.mailbox import Inbox, Outbox
from node.network.peer_id import peer_id_of_seed
from node.network.quiet import no_import_warnings, tame_logging
from node.network.tally import Tally
from wire.errors import Oversize, PeerFault
from wire.limits import FRAME_BYTES_MAX

if TYPE_CHECKING:
    from node.network.host import Host

log = structlog.get_logger("network")

STOP_S_MAX: Final = 2.0
TURN: Final = 64
"""Events after which `receive` lets the rest of the daemon run, however many wait."""


class Network:
    """Direct messages and gossip between this node and its peers. One consumer calls `receive`."""

    def __init__(self, config: NetworkConfig) -> None:
        self._config = config
        self.peer_id: Final = peer_id_of_seed(config.seed)
        """The identity that our peers must have in their configuration."""
        if self.peer_id in config.peers:
            raise BadNetworkConfig(f"{self.peer_id} is this node itself")
        self._tally = Tally()
        self._outboxes = {peer: self._outbox() for peer in config.peers}
        self._host: Host | None = None
        self._thread: threading.Thread | None = None
        self._streak = 0

    # ------------------------------------------------------------------ life
    async def start(self) -> None:
        """Listen and dial; returns when listening. Raises `ListenFailed`."""
        _probe(self._config.listen)
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._inbox = Inbox(lambda: self._post(self._arrived.set))
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()
        await asyncio.wait([self._ready, self._done], return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            self._ready.cancel()
            error = self._done.exception()
            raise ListenFailed(f"{self._config.listen}: {error!r}") from error
        log.info("listening", address=self._config.listen, peer_id=self.peer_id)

    async def stop(self) -> None:
        """Close every connection and end the thread, within two seconds."""
        if self._thread is None:
            return
        self._soon(lambda host: host.stop())
        done, _ = await asyncio.wait([self._done], timeout=STOP_S_MAX)
        if done:
            self._thread.join(timeout=STOP_S_MAX)
        else:
            log.warning("network did not stop in time", seconds=STOP_S_MAX)
            self._done.cancel()
        self._thread = None

    # ------------------------------------------------------------------ messages
    def send(self, peer: str, message: bytes) -> bool:
        """Queue a direct message; False, and counted, if `peer` is not connected or its queue full.

        True means queued, not delivered: the protocol above asks again. Raises `Oversize`.
        """
        if not 0 < len(message) <= FRAME_BYTES_MAX:
            raise Oversize(f"direct message of {len(message)} bytes, limit {FRAME_BYTES_MAX}")
        outbox = self._outboxes.get(peer)
        if outbox is None or not outbox.put(message):
            self._tally.add("direct_refused")
            return False
        return True

    async def publish(self, topic: str, data: bytes) -> None:
        """Gossip `data`; returns when it is queued for the peers. Raises `Oversize`."""
        if len(data) > GOSSIP_DATA_BYTES_MAX:
            raise Oversize(f"gossip of {len(data)} bytes, limit {GOSSIP_DATA_BYTES_MAX}")
        if topic not in self._config.topics:
            raise BadNetworkConfig(f"topic {topic!r} is not one of {self._config.topics}")
        queued: asyncio.Future[None] = self._loop.create_future()

        def done() -> None:
            if not queued.done():
                queued.set_result(None)

        self._soon(lambda host: host.publish(topic, data, lambda: self._post(done)))
        await asyncio.wait([queued, self._done], return_when=asyncio.FIRST_COMPLETED)
        if not queued.done():
            raise NetworkStopped("publish")

    async def receive(self) -> Event:
        """The next event; raises `NetworkStopped` when the network has ended and none is left."""
        self._streak += 1
        if self._streak >= TURN:
            self._streak = 0
            await asyncio.sleep(0)
        while (event := self._inbox.take()) is None:
            if self._done.done():
                raise NetworkStopped("receive")
            self._arrived.clear()
            await self._arrived.wait()
        return event

    def fault(self, peer: str, fault: PeerFault) -> None:
        """Count against `peer` what it sent and no correct peer would; it may be kept out."""
        self._soon(lambda host: host.fault(peer, fault))

    # ------------------------------------------------------------------ peers
    def set_peers(self, peers: Mapping[str, str]) -> None:
        """Peers from now on (id to multiaddr): new ones are dialled, others disconnected."""
        check_peers(peers)
        chosen = {peer: address for peer, address in peers.items() if peer != self.peer_id}
        self._outboxes = {peer: self._outboxes.get(peer) or self._outbox() for peer in chosen}
        boxes = dict(self._outboxes)
        self._soon(lambda host: host.set_peers(chosen, boxes))

    def connected(self) -> frozenset[str]:
        """Peers whose direct stream is open."""
        return frozenset(peer for peer, outbox in self._outboxes.items() if outbox.connected)

    def counters(self) -> dict[str, int]:
        """What happened so far, by name (see `node.network.tally`), and `peers_connected`."""
        return {**self._tally.snapshot(), "peers_connected": len(self.connected())}

    # ------------------------------------------------------------------ the thread
    def _outbox(self) -> Outbox:
        limits = self._config.limits
        return Outbox(limits.outbox_messages_max, limits.outbox_bytes_max)

    def _soon(self, call: "Callable[[Host], None]") -> None:
        """Call with the host in its thread; raises `NetworkStopped` if there is none."""
        host = self._host
        if host is None:
            raise NetworkStopped("not started")
        host.soon(lambda: call(host))

    def _post(self, call: Callable[[], object]) -> None:
        """Call in the daemon's loop, from the host's thread; nothing if the loop is closed."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            with no_import_warnings():
                import trio

                from node.network.host import Host
            tame_logging()  # after the import, which sets up logging of its own
            self._host = host = Host(self._config, self._inbox, self._tally, self._outboxes)
            trio.run(host.run, lambda: self._post(lambda: self._ready.set_result(None)))
        except BaseException as failure:  # the daemon must hear of it, whatever it is
            error = failure
        self._post(lambda: self._ended(error))

    def _ended(self, error: BaseException | None) -> None:
        if self._ready.done() and error is not None:
            log.error("network ended", error=repr(error)[:500])
        if not self._done.done():
            if error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error)
                self._done.exception()  # retrieved: asyncio need not complain
        self._arrived.set()


def _probe(listen: str) -> None:
    """Raise `ListenFailed` unless the address is free.

    libp2p listens with SO_REUSEPORT: two nodes on one port would silently share its connections.
    """
    host, port = tcp_endpoint(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise ListenFailed(f"{listen}: {error.strerror or error}") from None
