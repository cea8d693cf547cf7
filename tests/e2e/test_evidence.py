"""A validator of a real network votes twice at one place: a block holds it, its power is gone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from consensus.messages import Vote, VoteKind, sign_bytes, with_signature
from ledger.actions import Transfer
from node.founding import CURRENCY
from node.messages import BUNDLES_TOPIC, Hello, encode_message
from node.network import Network, NetworkConfig, peer_id_of
from tests.e2e.network import RealNetwork
from tests.e2e.test_hostile_peers import all_up
from wire.version import PROTOCOL_VERSION

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[RealNetwork]:
    made = RealNetwork(tmp_path / "net", members=4, observers=1, idle=0, seed=9)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _copy_of(network: RealNetwork, number: int) -> Network:
    """A host with a member's identity, at its address."""
    members = zip(network.founded.members, network.places, strict=False)
    peers = {
        peer_id_of(who.key("peer").public): f"/ip4/127.0.0.1/tcp/{at.p2p}"
        for n, (who, at) in enumerate(members)
        if n != number
    }
    listen = f"/ip4/127.0.0.1/tcp/{network.places[number].p2p}"
    seed = network.founded.members[number].peer
    return Network(NetworkConfig(seed=seed, listen=listen, peers=peers, topics=(BUNDLES_TOPIC,)))


def test_an_equivocator_loses_its_power_the_others_go_on_and_supervisors_see_it(
    network: RealNetwork,
) -> None:
    twin, place = network.founded.members[3], network.places[3]
    network.processes.kill(place.name)
    network.running.remove(place)
    key = twin.key("consensus")

    async def sign_twice() -> None:
        """As a copy of the node on another machine would: with its keys, and no signer's state."""
        hostile = _copy_of(network, 3)
        await hostile.start()
        try:
            await all_up(hostile, 3)
            here = network.get(network.places[0], "/v1/status")
            genesis = network.genesis_hash
            hello = Hello(PROTOCOL_VERSION, network.chain_id, genesis, here["height"], "twin")
            for peer in sorted(hostile.connected()):
                hostile.send(peer, encode_message(hello))
            for _ in range(40):
                height = network.get(network.places[0], "/v1/status")["height"] + 1
                for block in (b"\x01" * 32, b"\x02" * 32):
                    vote = Vote(VoteKind.PREVOTE, height, 0, block, 10**12, key.public, b"")
                    made = with_signature(vote, key.sign(sign_bytes(network.chain_id, vote)))
                    assert isinstance(made, Vote)
                    for peer in sorted(hostile.connected()):
                        hostile.send(peer, encode_message(made))
                await asyncio.sleep(0.25)
                if network.get(network.places[0], "/v1/offences")["items"]:
                    return
        finally:
            await hostile.stop()

    asyncio.run(sign_twice())
    for seen_by in network.running:
        network.until(lambda p=seen_by: network.get(p, "/v1/offences")["items"] != [], 20)  # type: ignore[misc]
        offences = network.get(seen_by, "/v1/offences")["items"]  # perhaps of several heights
        assert {(one["member"], one["kind"]) for one in offences} == {(twin.lei, "DOUBLE_VOTE")}
    network.until(lambda: network.get(network.places[0], "/v1/status")["validators"] == 3, 20)
    one, other = network.founded.members[:2]
    pay = network.tx(Transfer(CURRENCY, one.lei, other.lei, 1, ""))
    assert network.submit(pay, "treasury", one).status_code == 201
    height = network.status(network.places[0])["height"]
    network.until(lambda: network.status(network.places[0])["height"] > height, 20)
    network.processes.start(place.name)
    network.running.append(place)
    network.until(network.all_equal, 40)
    assert network.get(place, "/v1/status")["votes"] is False
    observer = next(p for p in network.running if p.role == "observer")
    log = (Path(observer.home) / "node.log").read_text()
    assert "validator_suspended" in log
