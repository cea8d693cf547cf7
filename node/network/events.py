"""What the network tells the daemon."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PeerUp:
    """The direct stream to `peer` is open in both directions."""

    peer: str


@dataclass(frozen=True, slots=True)
class PeerDown:
    """The direct stream to `peer` has ended; what was queued for it is lost."""

    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerFaulted:
    """`peer` sent what no correct peer sends. Enough of these and it is kept out for a while."""

    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Direct:
    """A message of `peer`. It may come twice, or never, around a reconnect."""

    peer: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Gossip:
    """A message that `author` published on `topic`; its signature holds, its bytes are unread."""

    topic: str
    author: str
    data: bytes


Event = PeerUp | PeerDown | PeerFaulted | Direct | Gossip
