"""Peer ids and configuration: computed without libp2p, and equal to what libp2p computes."""

import subprocess
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.network import (
    BadNetworkConfig,
    Network,
    NetworkConfig,
    peer_id_of,
    peer_id_of_seed,
    public_key_of,
)
from node.network.config import check_peers, tcp_endpoint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # libp2p's modules warn while they are imported
    from libp2p.crypto.ed25519 import create_new_key_pair
    from libp2p.peer import id as peer

keys = st.binary(min_size=32, max_size=32)
SEED, ID, LISTEN = bytes(32), peer_id_of_seed(bytes(32)), "/ip4/127.0.0.1/tcp/7001"
OTHER = peer_id_of_seed(b"\1" * 32)


@given(keys)
def test_a_peer_id_is_that_of_libp2p(seed: bytes) -> None:
    assert peer_id_of_seed(seed) == str(peer.ID.from_pubkey(create_new_key_pair(seed).public_key))


@given(keys)
def test_a_peer_id_contains_its_key(key: bytes) -> None:
    assert public_key_of(peer_id_of(key)) == key


@given(st.text(max_size=70))
def test_other_text_is_no_peer_id(text: str) -> None:
    with pytest.raises(ValueError, match="peer id"):
        public_key_of(text)


def test_a_changed_prefix_length_or_digit_is_no_peer_id() -> None:
    for wrong in (ID + "1", "1" + ID, ID[:-1], ID[:5] + "l" + ID[6:], ID * 9):
        with pytest.raises(ValueError, match="peer id"):
            public_key_of(wrong)
    with pytest.raises(ValueError, match="31"):
        peer_id_of(bytes(31))


def test_naming_peers_needs_neither_libp2p_nor_trio() -> None:
    check = (
        "import sys; from node.network import Network, NetworkConfig, peer_id_of;"
        f"peer_id_of(bytes(32)); Network(NetworkConfig(bytes(32), {LISTEN!r}, {{}}, ()));"
        "sys.exit(any(m.partition('.')[0] in ('libp2p', 'trio') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:7001",
        "/ip4/127.0.0.1/udp/7001",
        "/ip4/127.0.0.1/tcp/0",
        "/ip4/127.0.0.1/tcp/65536",
        "/ip4/127.0.0.1/tcp/x",
        "/ip4//tcp/7001",
        "/ip4/127.0.0.1/tcp/7001/ws",
        "/onion/x/tcp/1",
    ],
)
def test_an_address_that_is_not_tcp_is_refused(address: str) -> None:
    with pytest.raises(BadNetworkConfig, match="NET_BAD_CONFIG"):
        NetworkConfig(SEED, address, {}, ())
    with pytest.raises(BadNetworkConfig):
        check_peers({OTHER: address})


def test_a_configuration_that_makes_no_sense_is_refused() -> None:
    assert tcp_endpoint("/dns4/node.example/tcp/1") == ("node.example", 1)
    for seed, peers, topics in (
        (bytes(31), {}, ()),
        (SEED, {"QmNotAKey": LISTEN}, ()),
        (SEED, {}, ("a/1", "a/1")),
        (SEED, {}, ("",)),
    ):
        with pytest.raises(BadNetworkConfig):
            NetworkConfig(seed, LISTEN, peers, topics)
    with pytest.raises(BadNetworkConfig, match="itself"):
        Network(NetworkConfig(SEED, LISTEN, {ID: LISTEN}, ()))
    assert SEED.hex() not in repr(NetworkConfig(SEED, LISTEN, {}, ())).replace("\\x", "")
