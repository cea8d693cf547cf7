"""Named counts of what the network did, for metrics. Both threads count; a lock keeps it exact."""

import threading
from typing import Final

NAMES: Final[dict[str, str]] = {
    "bytes_in": "payload of direct frames and gossip RPCs received",
    "bytes_out": "payload of direct frames and gossip RPCs written",
    "direct_in": "direct messages handed to the daemon",
    "direct_out": "direct messages written",
    "direct_refused": "`send` that answered False: not connected, or full",
    "direct_lost": "queued messages lost because their link ended",
    "gossip_in": "gossip messages handed to the daemon",
    "gossip_out": "gossip messages published",
    "gossip_in_dropped": "gossip messages dropped: the daemon was too slow",
    "gossip_out_dropped": "gossip messages dropped: a peer was too slow",
    "gossip_from_strangers": "gossip of an author we do not know; neither used nor passed on",
    "links_up": "direct streams opened",
    "links_lost": "direct streams ended",
    "redials": "dials that failed",
    "faults": "what no correct peer sends",
    "bars": "peers kept out for a while because of their faults",
    "strangers_refused": "handshakes by peers that are not in the configuration",
    "barred_refused": "handshakes by peers that are barred",
    "host_restarts": "the libp2p host failed as a whole and was started again",
}
"""Every count, and what it counts."""


class Tally:
    """Counts by name; an unknown name is a bug."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(NAMES, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Add `count` to `name`."""
        with self._lock:
            self._counts[name] += count

    def snapshot(self) -> dict[str, int]:
        """All counts at this moment."""
        with self._lock:
            return dict(self._counts)
