"""Gossipsub (meshsub 1.1) that survives its peers: every RPC judged, every loss counted.

The library lets one malformed RPC end the host, drops what a slow subscriber or peer does not take,
and verifies a signed address record with every message. Here a bad RPC is its sender's fault and
resets one stream, queues are bounded in bytes and count what they refuse, and no records travel.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import trio
from libp2p.io.exceptions import IOException
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.pubsub import pubsub as library
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.pubsub.validators import signature_validator
from libp2p.utils import encode_varint_prefixed

from node.network.config import GOSSIP_DATA_BYTES_MAX
from node.network.errors import BadFrame, TruncatedFrame
from node.network.framing import VarintFrames
from node.network.link import READ_BYTES
from node.network.tally import Tally
from wire.errors import BadSignature, Oversize, PeerFault
from wire.limits import GOSSIP_BYTES_MAX

MESH_MAX: Final = 8
"""Peers a message is pushed to; in a smaller network, everybody."""

OUTBOX_MESSAGES_MAX: Final = 1_024
"""Gossip RPCs waiting to be written to one peer (in the library 32, then silent loss)."""

OUTBOX_BYTES_MAX: Final = 8 * GOSSIP_BYTES_MAX
"""The same in bytes."""


PUBLISH_PATIENCE_S: Final = 0.5
"""How long `publish` waits, once, for a peer whose queue is half full."""


@dataclass(frozen=True, slots=True)
class Sink:
    """What the gossip layer tells and asks its host."""

    name_of: Callable[[bytes], str | None]
    """The peer id of a known author, from its bytes; None for a stranger."""
    deliver: Callable[[str, str, bytes], None]
    """A message for the daemon: topic, author, data."""
    fault: Callable[[str, PeerFault], None]
    """A peer did what no correct peer does."""
    drop: Callable[[str, str], None]
    """The connection to a peer is of no more use, and why."""


class MeshRouter(GossipSub):  # type: ignore[misc]  # libp2p is untyped here
    """Meshsub 1.1, the cheapest version, sized to the network."""

    def __init__(self, peers: int) -> None:
        super().__init__(
            [PROTOCOL_ID_V11],
            degree=1,
            degree_low=1,
            degree_high=MESH_MAX + 4,
            heartbeat_interval=1,
            spam_protection_enabled=False,  # ten messages a second, then silent loss
            eclipse_protection_enabled=False,  # by IP address; our peers are members
            adaptive_gossip_enabled=False,
        )
        self.fit(peers)

    def fit(self, peers: int) -> None:
        """Choose the degrees of the mesh for a network of so many peers."""
        self.degree = max(1, min(peers, MESH_MAX))
        self.degree_low = self.adaptive_degree_low = max(1, min(peers, MESH_MAX - 2))

    async def publish(self, msg_forwarder: Any, pubsub_msg: Any) -> None:
        """Pass a checked message on. Late subscribers get it from the message cache."""
        self.mcache.put(pubsub_msg)
        rpc = rpc_pb2.RPC(publish=[pubsub_msg])
        for peer in self._get_peers_to_send(
            pubsub_msg.topicIDs, msg_forwarder, ID(pubsub_msg.from_id)
        ):
            if peer in self.pubsub.peers:
                self.send_rpc(peer, rpc)


class BoundedQueue(RpcQueue):  # type: ignore[misc]  # libp2p is untyped here
    """RPCs waiting for one peer, bounded in number and bytes; refusals of messages are counted."""

    tally: Tally | None = None

    def __init__(self) -> None:
        super().__init__(max_size=OUTBOX_MESSAGES_MAX)
        self._bytes = 0
        self._relief = trio.Event()
        self._lagging = False

    async def room(self) -> None:
        """Wait until half of the queue is free; a peer that takes too long is not waited for."""
        if self._lagging:
            return
        with trio.move_on_after(PUBLISH_PATIENCE_S) as patience:
            while not self.closed and (
                self._bytes > OUTBOX_BYTES_MAX // 2 or len(self) > OUTBOX_MESSAGES_MAX // 2
            ):
                self._relief = trio.Event()
                await self._relief.wait()
        self._lagging = patience.cancelled_caught

    def push(self, rpc: Any, priority: bool = False) -> bool:
        """Queue `rpc`; False, and counted if it carries messages, when there is no room."""
        size = rpc.ByteSize()
        room = not self._bytes or self._bytes + size <= OUTBOX_BYTES_MAX
        if room and super().push(rpc, priority):
            self._bytes += size
            return True
        if self.tally is not None and rpc.publish:
            self.tally.add("gossip_out_dropped", len(rpc.publish))
        return False

    async def take(self, bytes_max: int) -> bytes:
        """The waiting RPCs, up to about `bytes_max`, framed for one write; empty when closed."""
        rpc = await self.pop()
        parts, size = [], 0
        while rpc is not None:
            raw = rpc.SerializeToString()
            self._bytes -= len(raw)
            parts.append(encode_varint_prefixed(raw))
            size += len(raw)
            rpc = self._queue.pop() if size < bytes_max else None
        self._lagging = False
        self._relief.set()
        return b"".join(parts)


class GuardedPubsub(library.Pubsub):  # type: ignore[misc]  # libp2p is untyped here
    """The library's pubsub with its reading, judging and writing replaced."""

    def __init__(
        self,
        host: Any,
        router: MeshRouter,
        *,
        topics: Iterable[str],
        sink: Sink,
        tally: Tally,
        flush_bytes: int,
    ) -> None:
        self._topics = frozenset(topics)
        super().__init__(host, router, seen_ttl=600, allowed_topics=self._topics)
        self._sink, self._tally, self._flush_bytes = sink, tally, flush_bytes
        # The library starts at the time in seconds: after a restart the numbers of a busy hour
        # would come again, and our messages would be taken for repetitions.
        self.counter = time.time_ns()

    async def publish_when_room(self, topic: str, data: bytes) -> None:
        """Publish at the pace at which the peers take it."""
        for queue in tuple(self.peer_queues.values()):
            await queue.room()
        await self.publish(topic, data)

    async def stream_handler(self, stream: Any) -> None:
        """Serve one inbound gossip stream to its end; a fault resets it and is reported."""
        peer = stream.muxed_conn.peer_id
        try:
            await self.continuously_read_stream(stream)
        except (StreamError, IOException):
            return  # the connection ended
        except PeerFault as error:
            fault = error
        except Exception as error:  # a decoder or the router choked on the bytes
            fault = BadFrame(f"gossip: {error!r}"[:200])
        self._sink.fault(str(peer), fault)
        self._handle_dead_peer(peer)
        await stream.reset()

    async def continuously_read_stream(self, stream: Any) -> None:
        """Read and judge RPCs one after another; raises why the stream ended."""
        frames = VarintFrames(GOSSIP_BYTES_MAX)
        while True:
            try:
                chunk = await stream.read(READ_BYTES)
            except library.StreamEOF:
                if frames.partial and not stream.muxed_conn.event_shutting_down.is_set():
                    raise TruncatedFrame("gossip stream") from None
                raise
            self._tally.add("bytes_in", len(chunk))
            for raw in frames.feed(chunk):
                rpc = rpc_pb2.RPC()
                rpc.ParseFromString(raw)
                await self._on_rpc(stream.muxed_conn.peer_id, rpc)

    async def _on_rpc(self, peer: Any, rpc: Any) -> None:
        for message in rpc.publish:
            await self.push_msg(peer, message)
        for subscription in rpc.subscriptions[: len(self._topics) * 2]:
            self.handle_subscription(peer, subscription)
        if rpc.HasField("control"):
            rpc.ClearField("senderRecord")
            await self.router.handle_rpc(rpc, peer)

    async def push_msg(self, msg_forwarder: Any, msg: Any) -> None:
        """Judge a message, hand it to the daemon and pass it on; raises `PeerFault`."""
        if msg_forwarder == self.my_id:
            self._mark_msg_seen(msg)
            await self.router.publish(msg_forwarder, msg)
            return
        if self._is_msg_seen(msg) or msg.from_id == self.my_id.to_bytes():
            return
        author = self._judge(msg)
        if author is None:
            self._tally.add("gossip_from_strangers")
            return
        self._mark_msg_seen(msg)
        self._sink.deliver(msg.topicIDs[0], author, msg.data)
        await self.router.publish(msg_forwarder, msg)

    def _judge(self, msg: Any) -> str | None:
        """The author, None if it is a stranger; raises what no correct peer would pass on."""
        if len(msg.topicIDs) != 1 or msg.topicIDs[0] not in self._topics:
            raise BadFrame("gossip on no topic of ours")
        if len(msg.data) > GOSSIP_DATA_BYTES_MAX:
            raise Oversize(f"gossip of {len(msg.data)} bytes, limit {GOSSIP_DATA_BYTES_MAX}")
        author = self._sink.name_of(msg.from_id)
        # A stranger is nobody's fault: memberships change at different moments on different nodes.
        if author is not None and not signature_validator(msg):
            raise BadSignature("gossip envelope")
        return author

    async def write_msg(self, stream: Any, rpc_msg: Any) -> bool:
        """Queue what the library would write past the queue: two writers tear frames apart."""
        self.router.send_rpc(stream.muxed_conn.peer_id, rpc_msg)
        return True

    async def handle_sending_messages(self, peer_id: Any, stream: Any, queue: Any) -> None:
        """Write what waits for a peer, as much as there is in one write."""
        queue.tally = self._tally
        try:
            while data := await queue.take(self._flush_bytes):
                await stream.write(data)
                self._tally.add("bytes_out", len(data))
        except (StreamError, IOException) as error:
            # Forgetting the stream alone would forget what the peer subscribed to as well, and it
            # would not say so again: only a new connection starts afresh on both sides.
            self._sink.drop(str(peer_id), f"gossip stream: {error!r}")


def install() -> None:
    """Put the bounded queue where the library looks it up; idempotent."""
    library.RpcQueue = BoundedQueue
