"""One libp2p host, in trio: how it is built, how long it lives, what it gossips.

Runs in the network's own thread. What the daemon asks for arrives through the plain methods of
`Host`, called in this thread by way of `soon`; what it is told goes through the inbox.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE_ID
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX_ID
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from node.network import gossip, hardening
from node.network.accept import Doorkeeper
from node.network.config import DIRECT_PROTOCOL, NetworkConfig
from node.network.errors import ListenFailed
from node.network.events import Gossip
from node.network.mailbox import Inbox, Outbox
from node.network.peers import CLOSE_S_MAX, Peers
from node.network.quiet import Pace
from node.network.tally import Tally
from wire.errors import PeerFault

log = structlog.get_logger("network")

RESTART_S: Final = 1.0
"""Pause before a host that failed as a whole is started again."""

_Publication = tuple[str, bytes, Callable[[], None]]


class Host:
    """The host of one node; `run` it in trio, once."""

    def __init__(
        self, config: NetworkConfig, inbox: Inbox, tally: Tally, outboxes: Mapping[str, Outbox]
    ) -> None:
        self._config, self._inbox, self._tally = config, inbox, tally
        self._peers = Peers(config.limits, inbox, tally)
        self._peers.choose(config.peers, outboxes)
        self._peers_count = len(config.peers)
        self._key_pair = create_new_key_pair(config.seed)
        self._scope = trio.CancelScope()
        self._serving = self._stopped = False
        self._pace = Pace()
        # Unbounded, and bounded all the same by its callers, each of whom waits for its turn.
        self._to_publish, self._publications = trio.open_memory_channel[_Publication](math.inf)
        hardening.install()
        gossip.install()

    # ------------------------------------------------------------------ called by the daemon
    def soon(self, call: Callable[[], object]) -> None:
        """Call in this thread, from any; nothing if the thread has ended."""
        try:
            self._token.run_sync_soon(call)
        except trio.RunFinishedError:
            log.debug("host has ended")

    def stop(self) -> None:
        """End `run`."""
        self._stopped = True
        self._scope.cancel()

    def publish(self, topic: str, data: bytes, done: Callable[[], None]) -> None:
        """Gossip `data`; `done` is called once it is in the peers' queues."""
        self._to_publish.send_nowait((topic, data, done))

    def set_peers(self, peers: Mapping[str, str], outboxes: Mapping[str, Outbox]) -> None:
        """From now on these are the peers, and nobody else."""
        self._peers_count = len(peers)
        if self._serving:
            self._peers.change(peers, outboxes)
            self._router.fit(len(peers))
        else:
            self._peers.choose(peers, outboxes)

    def fault(self, peer: str, fault: PeerFault) -> None:
        """`peer` sent what no correct peer sends."""
        if self._serving:
            self._peers.fault(peer, fault)

    # ------------------------------------------------------------------ the life of the host
    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until `stop`; `ready` is called once, when listening. Raises `ListenFailed`.

        The library has more ways to fail as a whole than are closed here. A host that fails after
        it was up is started again, with an error in the log: the node must not stay deaf.
        """
        self._token = trio.lowlevel.current_trio_token()
        up = False

        def on_ready() -> None:
            nonlocal up
            if not up:
                up = True
                ready()

        while not self._stopped:
            with trio.CancelScope() as self._scope:
                try:
                    await self._session(on_ready)
                except Exception as error:
                    if not up:
                        raise
                    self._tally.add("host_restarts")
                    log.error("host failed", error=repr(error)[:500])  # noqa: TRY400
                await trio.sleep(RESTART_S)

    async def _session(self, ready: Callable[[], None]) -> None:
        """One host from its start to its failure, or to the cancellation of `run`."""
        self._build()
        async with (
            self._host.run(listen_addrs=[Multiaddr(self._config.listen)]),
            background_trio_service(self._router),
            background_trio_service(self._pubsub),
        ):
            if not self._network.listeners:
                raise ListenFailed(self._config.listen)
            await self._pubsub.wait_until_ready()
            for topic in self._config.topics:
                await self._pubsub.subscribe(topic)
            await self._serve(ready)

    async def _serve(self, ready: Callable[[], None]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._peers.enter(self._host, nursery, self.soon)
                self._serving = True
                nursery.start_soon(self._publish_all)
                ready()
        finally:
            self._serving = False
            with trio.move_on_after(CLOSE_S_MAX) as patience:
                patience.shield = True
                await self._close()

    async def _close(self) -> None:
        """Close every connection, at once: what is not closed stays on the other side."""
        async with trio.open_nursery() as nursery:
            for connection in self._network.get_connections():
                nursery.start_soon(connection.close)
        await self._host.close()
        await self._door.close()

    def _build(self) -> None:
        noise_key = create_new_x25519().private_key
        noise = hardening.GatedNoise(self._key_pair, noise_key, self._peers.refusal)
        limits = self._config.limits
        self._host: Any = new_host(
            key_pair=self._key_pair,
            sec_opt={NOISE_ID: noise},  # the default also offers plaintext
            muxer_opt={YAMUX_ID: Yamux},  # the default also offers mplex
            listen_addrs=[Multiaddr(self._config.listen)],
            connection_config=ConnectionConfig(
                min_connections=0,  # with low_watermark: no automatic dialler
                low_watermark=0,
                inbound_upgrade_timeout=limits.handshake_s_max,
            ),
            disable_identify_address_discovery=True,
        )
        self._network: Any = self._host.get_network()
        self._network.retry_config = RetryConfig(max_retries=0)  # we redial ourselves
        self._network.set_resource_manager(None)
        self._door = Doorkeeper(self._host, limits, self._peers.fault)
        self._door.install()
        self._host.set_stream_handler(DIRECT_PROTOCOL, self._peers.on_direct_stream)
        self._router: Any = gossip.MeshRouter(self._peers_count)
        self._pubsub: Any = gossip.GuardedPubsub(
            self._host,
            self._router,
            topics=self._config.topics,
            sink=gossip.Sink(
                self._peers.name_of, self._on_gossip, self._peers.fault, self._peers.drop
            ),
            tally=self._tally,
            flush_bytes=limits.flush_bytes,
        )

    # ------------------------------------------------------------------ gossip
    def _on_gossip(self, topic: str, author: str, data: bytes) -> None:
        """Hand a gossip message to the daemon, or count it if the daemon is too slow."""
        limits = self._config.limits
        bounds = (limits.gossip_inbox_messages_max, limits.gossip_inbox_bytes_max)
        event = Gossip(topic, author, data)
        if self._inbox.offer(f"gossip {topic}", event, len(data), *bounds):
            self._tally.add("gossip_in")
            return
        self._tally.add("gossip_in_dropped")
        if self._pace.due(topic):
            log.warning("gossip dropped, the daemon is too slow", topic=topic, size=len(data))

    async def _publish_all(self) -> None:
        async for topic, data, done in self._publications:
            try:
                await self._pubsub.publish_when_room(topic, data)
                self._tally.add("gossip_out")
            finally:
                done()
