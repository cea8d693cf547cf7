"""A peer that belongs to the network sends garbage; one that does not belong tries to get in."""

import asyncio
import random

import pytest

from consensus.messages import Vote, VoteKind, sign_bytes, with_signature
from ledger.actions import RegisterTrade
from ledger.transactions import signed
from node.blocks import Bundle
from node.messages import BUNDLES_TOPIC, BlocksRequest, Hello, encode_message
from node.network import Network, NetworkConfig, PeerUp, peer_id_of
from tests.e2e.network import RealNetwork
from wire.codec import encode

pytestmark = pytest.mark.e2e


def host(network: RealNetwork, seed: bytes) -> Network:
    """A host that dials the members, listening where nobody expects it."""
    place = network.places[-1]
    peers = {
        peer_id_of(who.key("peer").public): f"/ip4/127.0.0.1/tcp/{at.p2p}"
        for who, at in zip(network.founded.members, network.places, strict=False)
    }
    return Network(
        NetworkConfig(
            seed=seed,
            listen=f"/ip4/127.0.0.1/tcp/{place.p2p}",
            peers=peers,
            topics=(BUNDLES_TOPIC,),
        )
    )


async def all_up(hostile: Network, wanted: int) -> None:
    """Until the host is connected to `wanted` members."""
    up: set[str] = set()
    while len(up) < wanted:
        event = await asyncio.wait_for(hostile.receive(), 20)
        if isinstance(event, PeerUp):
            up.add(event.peer)


def test_random_bytes_on_stream_and_topic_leave_every_node_up(network: RealNetwork) -> None:
    observer = network.founded.observers[-1]
    draw = random.Random(3)

    async def attack() -> None:
        hostile = host(network, observer.peer)
        await hostile.start()
        try:
            await all_up(hostile, len(network.founded.members))
            for peer in sorted(hostile.connected()):
                hostile.send(peer, draw.randbytes(draw.randint(1, 2_000)))
                vote = Vote(VoteKind.PREVOTE, 1, 0, None, 0, bytes(32), bytes(64))
                hostile.send(peer, encode_message(vote))
            await hostile.publish(BUNDLES_TOPIC, draw.randbytes(5_000))
            await asyncio.sleep(1)
        finally:
            await hostile.stop()

    heights = [network.status(place)["height"] for place in network.running]
    asyncio.run(attack())
    network.until(
        lambda: all(
            network.status(place)["height"] > before + 1
            for place, before in zip(network.running, heights, strict=True)
        ),
        30,
    )
    assert all(network.status(place)["evidence"] == 0 for place in network.running)


def test_votes_and_bundles_of_an_observer_change_nothing(network: RealNetwork) -> None:
    """The observer's node would pass on a good trade, and vote: neither counts."""
    observer = network.founded.observers[-1]
    one, other = network.founded.members[:2]
    trade = network.trade()
    tx = signed(network.tx(RegisterTrade(trade)), one.key("trade"), other.key("trade"))

    async def attack() -> None:
        hostile = host(network, observer.peer)
        await hostile.start()
        try:
            await all_up(hostile, len(network.founded.members))
            key = observer.key("consensus")
            height = network.status(network.places[0])["height"] + 1
            vote = Vote(VoteKind.PRECOMMIT, height, 0, bytes(32), 10**12, key.public, b"")
            good = with_signature(vote, key.sign(sign_bytes(network.chain_id, vote)))
            assert isinstance(good, Vote)
            hello = Hello(1, "another-chain", bytes(32), 0, "hostile")
            for peer in sorted(hostile.connected()):
                hostile.send(peer, encode_message(good))
                hostile.send(peer, encode_message(BlocksRequest(1, 64)))
                hostile.send(peer, encode_message(hello))
            await hostile.publish(BUNDLES_TOPIC, encode(Bundle((tx,))))
            await asyncio.sleep(1.5)
        finally:
            await hostile.stop()

    asyncio.run(attack())
    network.until(network.all_equal, 30)
    answer = network.client(network.places[0]).get(f"/v1/trades/{trade.uti}")
    assert answer.status_code == 404


def test_a_peer_that_is_not_a_member_is_let_in_by_nobody(network: RealNetwork) -> None:
    async def attack() -> int:
        hostile = host(network, b"stranger" + bytes(24))
        await hostile.start()
        try:
            await asyncio.sleep(4)
            return len(hostile.connected())
        finally:
            await hostile.stop()

    assert asyncio.run(attack()) == 0
    assert all(network.status(place) is not None for place in network.running)
