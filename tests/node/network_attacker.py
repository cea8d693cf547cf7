"""A stock libp2p host that misbehaves: python network_attacker.py ATTACK SEED ADDRESS PEER TOPIC.

Nothing of the project's network code runs here: this is what the wire brings.
"""

import os
import struct
import sys
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import trio
    from libp2p import new_host
    from libp2p.crypto.ed25519 import create_new_key_pair
    from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519
    from libp2p.peer.id import ID
    from libp2p.peer.peerinfo import PeerInfo
    from libp2p.pubsub.pb import rpc_pb2
    from libp2p.pubsub.pubsub import PUBSUB_SIGNING_PREFIX
    from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
    from libp2p.security.noise.transport import PROTOCOL_ID as NOISE_ID
    from libp2p.security.noise.transport import Transport as Noise
    from libp2p.utils import encode_varint_prefixed
    from multiaddr import Multiaddr

DIRECT, MESHSUB = "/dcn/direct/1", "/meshsub/1.1.0"
Attack = Callable[["Attacker"], Awaitable[None]]


class Attacker:
    """The host, its victim and what an attack needs of both."""

    def __init__(self, host: Any, key_pair: Any, victim: Any, topic: str) -> None:
        self.host, self.key_pair, self.victim, self.topic = host, key_pair, victim, topic

    async def open(self, protocol: str) -> Any:
        """A stream of the victim's protocol."""
        return await self.host.new_stream(self.victim.peer_id, [protocol])

    async def write(self, protocol: str, data: bytes, close: bool = False) -> None:
        """Open a stream, write, and perhaps close our side."""
        stream = await self.open(protocol)
        await stream.write(data)
        if close:
            await stream.close()

    async def gossip(self, rpc: Any) -> None:
        """Write one RPC."""
        await self.write(MESHSUB, encode_varint_prefixed(rpc.SerializeToString()))

    def message(self, data: bytes, topic: str, sign: bool = True) -> Any:
        """A gossip message of ours."""
        message = rpc_pb2.Message(
            data=data,
            topicIDs=[topic],
            from_id=self.host.get_id().to_bytes(),
            seqno=os.urandom(8),
        )
        signed = PUBSUB_SIGNING_PREFIX.encode() + message.SerializeToString()
        message.signature = self.key_pair.private_key.sign(signed) if sign else bytes(64)
        return message


async def malformed_rpc(a: Attacker) -> None:
    """Six bytes that end a stock host."""
    await a.write(MESHSUB, b"\x05\x0a\xff\xff\xff\xff")


async def random_direct(a: Attacker) -> None:
    """Noise where a frame's length should be."""
    await a.write(DIRECT, b"\xff" + os.urandom(4_095))


async def truncated_direct(a: Attacker) -> None:
    """A frame of 1,000 bytes that ends after ten."""
    await a.write(DIRECT, struct.pack(">I", 1_000) + bytes(10), close=True)


async def oversize_direct(a: Attacker) -> None:
    """One byte more than a frame may have."""
    await a.write(DIRECT, struct.pack(">I", (4 << 20) + 1))


async def oversize_gossip(a: Attacker) -> None:
    """An RPC that announces 512 MB."""
    await a.write(MESHSUB, b"\x80\x80\x80\x80\x02" + bytes(100))


async def endless_varint(a: Attacker) -> None:
    """A length that never ends."""
    await a.write(MESHSUB, b"\xff" * 64)


async def random_negotiation(a: Attacker) -> None:
    """Noise where multistream-select should be."""
    stream = await a.host.get_network().new_stream(a.victim.peer_id)
    await stream.write(b"\x20" + os.urandom(400))


async def forged_gossip(a: Attacker) -> None:
    """A message whose signature is not one."""
    await a.gossip(rpc_pb2.RPC(publish=[a.message(b"forged", a.topic, sign=False)]))


async def foreign_topic(a: Attacker) -> None:
    """A message on a topic that the network does not have."""
    await a.gossip(rpc_pb2.RPC(publish=[a.message(b"elsewhere", "other/1")]))


async def odd_control(a: Attacker) -> None:
    """Control messages about things that do not exist; a correct host ignores or refuses them."""
    rpc = rpc_pb2.RPC()
    rpc.control.ihave.add(topicID=a.topic, messageIDs=[os.urandom(8) for _ in range(5_000)])
    rpc.control.iwant.add(messageIDs=[b"", b"(1, 2)", b"[" * 500, bytes(100_000)])
    rpc.control.graft.add(topicID="nowhere")
    rpc.control.prune.add(topicID=a.topic, backoff=1 << 40)
    rpc.senderRecord = os.urandom(40)
    await a.gossip(rpc)


async def many_streams(a: Attacker) -> None:
    """Streams that are opened and say nothing."""
    for _ in range(60):
        await a.host.get_network().new_stream(a.victim.peer_id)


async def window_overrun(a: Attacker) -> None:
    """Data far beyond what the victim has allowed on a stream that nobody reads."""
    stream = await a.host.get_network().new_stream(a.victim.peer_id)
    muxed = stream.muxed_stream
    body = bytes(60_000)
    header = struct.pack("!BBHII", 0, 0, 0, muxed.stream_id, len(body))
    for _ in range(2_000):
        await muxed.conn._write_frame(header + body)


async def never_reads(a: Attacker) -> None:
    """A direct stream that is opened and never read."""
    await a.open(DIRECT)


async def again_and_again(a: Attacker) -> None:
    """One bad frame after another, on new streams and, if need be, new connections."""
    while True:
        try:
            await a.host.connect(a.victim)
            await random_direct(a)
        except Exception:
            a.host.get_network().unblock_peer(a.victim.peer_id)
        await trio.sleep(0.05)


async def polite(a: Attacker) -> None:
    """Nothing bad: the direct stream and a frame, for peers that should not even get so far."""
    await a.write(DIRECT, struct.pack(">I", 5) + b"hello")


async def main(attack: str, seed: str, address: str, peer: str, topic: str) -> None:
    """Connect, attack, say so, and stay until killed."""
    key_pair = create_new_key_pair(bytes.fromhex(seed))
    noise = Noise(key_pair, noise_privkey=create_new_x25519().private_key)
    security = {NOISE_ID: noise}
    if attack == "plaintext":
        security, attack = {PLAINTEXT_PROTOCOL_ID: InsecureTransport(key_pair)}, "polite"
    host = new_host(key_pair=key_pair, sec_opt=security)
    victim = PeerInfo(ID.from_base58(peer), [Multiaddr(address)])
    async with host.run(listen_addrs=[]):
        try:
            with trio.fail_after(10):
                await host.connect(victim)
        except Exception:
            print("refused", flush=True)
            return
        try:
            await globals()[attack](Attacker(host, key_pair, victim, topic))
        except Exception as error:
            print("cut off", repr(error)[:100].replace("\n", " "), flush=True)
        else:
            print("done", flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
