"""What can go wrong in the network, and whose fault it is."""

from wire.errors import EnvironmentFault, PeerFault


class BadNetworkConfig(EnvironmentFault):
    """An address, a peer id, a topic or the identity's seed is not well formed."""

    code = "NET_BAD_CONFIG"
    remedy = "Correct the [network] table: /ip4/HOST/tcp/PORT, and the base58 ids of `dcn keys`."


class ListenFailed(EnvironmentFault):
    """The node cannot listen on its address, or its network cannot start."""

    code = "NET_LISTEN_FAILED"
    remedy = "Stop what uses the port, or choose another address in the [network] table."


class NetworkStopped(EnvironmentFault):
    """The network is not running."""

    code = "NET_STOPPED"
    remedy = "Start the node; if it was not you who stopped it, its log says why."


class BadFrame(PeerFault):
    """A peer sent a frame or a gossip envelope that no correct peer sends."""

    code = "NET_BAD_FRAME"
    remedy = "Speak /dcn/direct/1 and /meshsub/1.1.0 as documented."


class TruncatedFrame(PeerFault):
    """A peer ended its stream in the middle of a frame."""

    code = "NET_TRUNCATED_FRAME"
    remedy = "Send every frame in full before closing the stream."


class TooManyStreams(PeerFault):
    """A peer holds more streams open than the protocol needs."""

    code = "NET_TOO_MANY_STREAMS"
    remedy = "Keep one direct stream and two gossip streams per connection."
