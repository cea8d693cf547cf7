"""How long a misbehaving peer is kept out. Pure: the time is an argument, in seconds.

A peer may err `TOLERATED` times within `FORGIVEN_S`; the next fault bars it, for a time that
doubles with every bar until it has behaved for `FORGOTTEN_S`. A barred member is only kept away
from the wire: what it signed still counts, as consensus must not lose votes to a bad connection.
"""

from dataclasses import dataclass, field
from typing import Final

TOLERATED: Final = 2
FORGIVEN_S: Final = 60.0
FORGOTTEN_S: Final = 1_800.0
BAR_S_FIRST: Final = 2.0
BAR_S_MAX: Final = 300.0


@dataclass(slots=True)
class _Record:
    faults: list[float] = field(default_factory=list)
    bars: int = 0
    barred_until: float = float("-inf")


class FaultBook:
    """The faults of every peer, and until when each is barred."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def record(self, peer: str, now: float) -> float:
        """Count one fault; returns for how many seconds `peer` is now barred, 0 if it is not."""
        record = self._records.setdefault(peer, _Record())
        if now - record.barred_until > FORGOTTEN_S:
            record.bars = 0
        record.faults = [t for t in record.faults if now - t < FORGIVEN_S]
        record.faults.append(now)
        if len(record.faults) <= TOLERATED:
            return 0.0
        bar = min(BAR_S_FIRST * 2.0**record.bars, BAR_S_MAX)
        record.bars = min(record.bars + 1, 32)
        record.barred_until = now + bar
        record.faults.clear()
        return bar

    def barred_for(self, peer: str, now: float) -> float:
        """Seconds for which `peer` is still barred; 0 if it is welcome."""
        record = self._records.get(peer)
        return max(0.0, record.barred_until - now) if record else 0.0

    def forget(self, peer: str) -> None:
        """Drop the record of a peer that is no longer one."""
        self._records.pop(peer, None)
