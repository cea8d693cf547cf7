"""What a node's network is told at start: its identity, its address, its peers and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from node.network.errors import BadNetworkConfig
from node.network.peer_id import public_key_of
from wire.limits import FRAME_BYTES_MAX, GOSSIP_BYTES_MAX

DIRECT_PROTOCOL: Final = "/dcn/direct/1"
"""The direct stream, version 1: frames of a 4-byte big-endian length and that many bytes."""

GOSSIP_ENVELOPE_BYTES: Final = 1 << 10
"""What gossipsub adds to a message: author, sequence number, topic, signature, framing."""

GOSSIP_DATA_BYTES_MAX: Final = GOSSIP_BYTES_MAX - GOSSIP_ENVELOPE_BYTES
"""The longest `publish`: a longer one would be dropped by gossipsub without a word."""


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """Bounds on memory and patience; bytes and counts are per peer unless said otherwise."""

    outbox_messages_max: int = 4_096
    """Messages waiting to be written to one peer."""
    outbox_bytes_max: int = 4 * FRAME_BYTES_MAX
    """Bytes waiting to be written to one peer: four of the largest frames."""
    inbox_messages_max: int = 4_096
    """Messages of one peer that the daemon has not taken yet; above it nothing more is read."""
    inbox_bytes_max: int = 2 * FRAME_BYTES_MAX
    """The same in bytes."""
    gossip_inbox_messages_max: int = 8_192
    """Gossip messages of all peers that the daemon has not taken yet; further ones are dropped."""
    gossip_inbox_bytes_max: int = 32 * GOSSIP_BYTES_MAX
    """The same in bytes."""
    flush_bytes: int = 256 << 10
    """Messages queued together leave in one write, up to about so many bytes."""
    keepalive_s: float = 10.0
    """An empty frame is sent after so long a silence of ours."""
    silence_s_max: float = 35.0
    """A peer that says nothing for so long, keep-alives included, is taken for dead."""
    redial_s_max: float = 1.0
    """The longest pause between two dials of a peer that does not answer."""
    streams_max: int = 16
    """Streams one peer may hold open: three are in use."""
    connections_max: int = 512
    """Inbound connections of all peers, strangers in their handshake included."""
    handshake_s_max: float = 5.0
    """A stranger that does not finish its handshake in this time is cut off."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Identity, address, peers and topics of one host; raises `BadNetworkConfig` on nonsense."""

    seed: bytes = field(repr=False)
    """32 bytes: the Ed25519 seed of the peer identity."""
    listen: str
    """The multiaddr to listen on, e.g. `/ip4/127.0.0.1/tcp/7001`."""
    peers: Mapping[str, str]
    """Peer id to multiaddr, of everybody this node talks to; empty: it is welcome, and dials.
    Nobody else gets in."""
    topics: tuple[str, ...]
    """Gossip topics, a version in each name. No other topic is carried."""
    limits: NetworkLimits = NetworkLimits()

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise BadNetworkConfig(f"the peer identity's seed has {len(self.seed)} bytes, not 32")
        tcp_endpoint(self.listen)
        check_peers(self.peers)
        if len(set(self.topics)) != len(self.topics) or not all(self.topics):
            raise BadNetworkConfig(f"topics {self.topics}: each once, none empty")


def check_peers(peers: Mapping[str, str]) -> None:
    """Raise `BadNetworkConfig` unless every peer id and address is well formed."""
    for peer, address in peers.items():
        try:
            public_key_of(peer)
        except ValueError as error:
            raise BadNetworkConfig(str(error)) from None
        if address:
            tcp_endpoint(address)


def tcp_endpoint(multiaddr: str) -> tuple[str, int]:
    """Host and port of `/ip4|ip6|dns.../HOST/tcp/PORT`; raises `BadNetworkConfig`."""
    parts = multiaddr.split("/")
    if len(parts) == 5 and parts[0] == "" and parts[3] == "tcp" and parts[2]:
        kinds = ("ip4", "ip6", "dns", "dns4", "dns6")
        if parts[1] in kinds and parts[4].isdecimal() and 0 < int(parts[4]) < 65_536:
            return parts[2], int(parts[4])
    raise BadNetworkConfig(f"address {multiaddr!r}: /ip4/HOST/tcp/PORT expected")
