"""Peers over py-libp2p, hosted in an asyncio daemon: the only package that knows libp2p or trio.

One thread runs trio; `mailbox` hands messages over in both directions, bounded. Peers come from
the ledger (and the configuration before sync); nobody else gets past the handshake. Votes, blocks
and sync travel on one long-lived stream per peer (`link`), bundles of trades by gossip (`gossip`).
"""

from node.network.config import GOSSIP_DATA_BYTES_MAX, NetworkConfig, NetworkLimits
from node.network.errors import BadNetworkConfig, ListenFailed, NetworkStopped
from node.network.events import Direct, Event, Gossip, PeerDown, PeerFaulted, PeerUp
from node.network.peer_id import peer_id_of, peer_id_of_seed, public_key_of
from node.network.service import Network

__all__ = [
    "GOSSIP_DATA_BYTES_MAX",
    "BadNetworkConfig",
    "Direct",
    "Event",
    "Gossip",
    "ListenFailed",
    "Network",
    "NetworkConfig",
    "NetworkLimits",
    "NetworkStopped",
    "PeerDown",
    "PeerFaulted",
    "PeerUp",
    "peer_id_of",
    "peer_id_of_seed",
    "public_key_of",
]
