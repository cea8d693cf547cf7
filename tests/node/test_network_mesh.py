"""Honest nodes, each in a process of its own: messages, restarts, memberships that change."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from node.network import (
    GOSSIP_DATA_BYTES_MAX,
    BadNetworkConfig,
    ListenFailed,
    Network,
    NetworkConfig,
    NetworkStopped,
    PeerDown,
    PeerUp,
)
from tests.node.network_driver import TOPIC, Identity, PeerProcess
from wire.errors import Oversize
from wire.limits import FRAME_BYTES_MAX

if TYPE_CHECKING:
    from node.network.host import Host

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[PeerProcess]]:
    """Three nodes that all know each other."""
    logs: Path = tmp_path_factory.mktemp("network")
    people = [Identity(n) for n in (31, 32, 33)]
    with ExitStack() as stack:
        nodes = [
            PeerProcess(me, [peer for peer in people if peer is not me], logs / me.id)
            for me in people
        ]
        for node in nodes:
            stack.enter_context(node)
        for node in nodes:
            for peer in people:
                if peer is not node.me:
                    node.event("PeerUp", peer=peer.id)
        yield nodes
        for node in nodes:
            assert node.stop() == 0
            assert "Traceback" not in node.log.read_text()


def test_messages_arrive_whole_and_in_order(three: list[PeerProcess]) -> None:
    a, b, _ = three
    for number in range(50):
        a.order(do="send", peer=b.me.id, data=f"{number:04x}")
    assert [b.event("Direct", peer=a.me.id)["data"] for _ in range(50)] == [
        f"{number:04x}" for number in range(50)
    ]


def test_the_largest_frame_and_the_largest_gossip_pass(three: list[PeerProcess]) -> None:
    a, b, c = three
    a.ask(do="send", peer=b.me.id, data="ab", repeat=FRAME_BYTES_MAX)
    assert b.event("Direct", peer=a.me.id)["size"] == FRAME_BYTES_MAX
    a.ask(do="publish", topic=TOPIC, data="cd", repeat=GOSSIP_DATA_BYTES_MAX)
    for node in (b, c):
        assert node.event("Gossip", author=a.me.id)["size"] == GOSSIP_DATA_BYTES_MAX


def test_a_burst_of_gossip_is_not_lost(three: list[PeerProcess]) -> None:
    a, b, c = three
    for number in range(200):
        a.order(do="publish", topic=TOPIC, data=f"{number:04x}")
    for node in (b, c):
        got = {node.event("Gossip", author=a.me.id)["data"] for _ in range(200)}
        assert got == {f"{number:04x}" for number in range(200)}


def test_a_slow_daemon_stops_its_peers_instead_of_growing(three: list[PeerProcess]) -> None:
    a, b, _ = three
    before = b.memory_mb()
    b.ask(do="consume", on=False)
    queued = a.ask(do="send", peer=b.me.id, data="00", repeat=1 << 20, times=64)
    assert 16 <= queued < 64, "a's queue takes 16 MB and the rest is refused"
    # What b has not consumed by now is in its inbox (8 MB) and its window (1 MB), no more.
    assert b.counters()["direct_in"] < 80
    assert b.memory_mb() - before < 60
    b.ask(do="consume", on=True)
    sizes = [b.event("Direct", peer=a.me.id)["size"] for _ in range(queued)]
    assert sizes == [1 << 20] * queued


def test_a_killed_node_is_back_a_second_after_its_restart(three: list[PeerProcess]) -> None:
    a, b, c = three
    c.kill()
    for node in (a, b):
        node.event("PeerDown", peer=c.me.id, within_s=5)
    assert a.ask(do="send", peer=c.me.id, data="00") == 0
    refused = a.counters()["direct_refused"]
    assert refused > 0
    with PeerProcess(c.me, [a.me, b.me], c.log) as again:
        listening = time.monotonic()
        for node in (a, b):
            node.event("PeerUp", peer=c.me.id, within_s=5)
        assert time.monotonic() - listening < 2.5
        again.event("PeerUp", peer=a.me.id)
        assert a.ask(do="send", peer=c.me.id, data="77") == 1
        again.event("Direct", peer=a.me.id, data="77")
        # Gossip too: its numbering starts anew and must not look like a repetition.
        again.ask(do="publish", topic=TOPIC, data="88")
        a.event("Gossip", author=c.me.id, data="88")
        b.ask(do="publish", topic=TOPIC, data="99")
        again.event("Gossip", author=b.me.id, data="99")
        assert again.stop() == 0
        a.event("PeerDown", peer=c.me.id, within_s=5)
        b.event("PeerDown", peer=c.me.id, within_s=5)
    three[2] = PeerProcess(c.me, [a.me, b.me], c.log)
    with_third = three[2].__enter__()
    for node in (a, b):
        node.event("PeerUp", peer=c.me.id, within_s=5)
        with_third.event("PeerUp", peer=node.me.id, within_s=5)


def test_a_removed_peer_is_disconnected_and_an_added_one_dialled(three: list[PeerProcess]) -> None:
    a, b, c = three
    only_b = {b.me.id: b.me.address}
    a.ask(do="peers", peers=only_b)
    a.event("PeerDown", peer=c.me.id, reason="no longer a peer")
    c.event("PeerDown", peer=a.me.id, within_s=5)
    assert a.connected() == [b.me.id]
    assert a.ask(do="send", peer=c.me.id, data="00") == 0
    # c still has a in its configuration; when it gossips through b, a does not listen to it.
    c.ask(do="publish", topic=TOPIC, data="abcd")
    b.event("Gossip", author=c.me.id, data="abcd")
    b.ask(do="publish", topic=TOPIC, data="ef01")
    assert a.event("Gossip")["author"] == b.me.id
    a.ask(do="peers", peers={**only_b, c.me.id: c.me.address})
    a.event("PeerUp", peer=c.me.id, within_s=5)
    c.event("PeerUp", peer=a.me.id, within_s=5)
    assert a.ask(do="send", peer=c.me.id, data="55") == 1
    c.event("Direct", peer=a.me.id, data="55")


def config(me: Identity, *peers: Identity) -> NetworkConfig:
    """A configuration for a network inside the test's own process."""
    return NetworkConfig(me.seed, me.address, {p.id: p.address for p in peers}, (TOPIC,))


async def test_a_port_in_use_is_said_at_once() -> None:
    me = Identity(41)
    network = Network(config(me))
    await network.start()
    with pytest.raises(ListenFailed, match="in use"):
        await Network(config(me)).start()
    await network.stop()


async def test_stopping_ends_the_thread_and_wakes_the_receiver() -> None:
    network = Network(config(Identity(42), Identity(43)))
    await network.start()
    receiving = asyncio.create_task(network.receive())
    began = time.monotonic()
    await network.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(NetworkStopped):
        await receiving
    with pytest.raises(NetworkStopped):
        await network.publish(TOPIC, b"late")
    assert not network.send(Identity(43).id, b"late")


async def test_what_is_too_long_is_refused_before_it_is_queued() -> None:
    network = Network(config(Identity(44), Identity(45)))
    with pytest.raises(Oversize):
        network.send(Identity(45).id, bytes(FRAME_BYTES_MAX + 1))
    with pytest.raises(Oversize):
        await network.publish(TOPIC, bytes(GOSSIP_DATA_BYTES_MAX + 1))
    with pytest.raises(BadNetworkConfig):
        await network.publish("nowhere", b"x")
    assert not network.send(Identity(45).id, b"not connected")
    assert network.counters()["direct_refused"] == 1


async def test_a_host_that_fails_as_a_whole_is_started_again() -> None:
    left, right = Identity(46), Identity(47)
    networks = [Network(config(left, right)), Network(config(right, left))]
    for network in networks:
        await network.start()
    assert await networks[1].receive() == PeerUp(left.id)

    async def fail() -> None:
        raise RuntimeError("a bug in the library")

    def break_host(host: "Host") -> None:
        host._peers._nursery.start_soon(fail)

    networks[0]._soon(break_host)
    async with asyncio.timeout(10):
        assert isinstance(await networks[1].receive(), PeerDown)
        assert await networks[1].receive() == PeerUp(left.id)
    assert networks[0].counters()["host_restarts"] == 1
    for network in networks:
        await network.stop()
