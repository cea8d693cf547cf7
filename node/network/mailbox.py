"""The bounded hand-off between the daemon's asyncio loop and the thread that runs libp2p.

Neither class knows asyncio or trio: each is given a function that wakes the other side. Both bound
messages AND bytes, and neither drops in silence: what does not fit is answered with False.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from node.network.events import Event

Wake = Callable[[], None]


class Outbox:
    """Messages waiting to be written to one peer. Filled by the daemon, drained by the link.

    A message taken stays charged until `written`, so that a batch in flight counts as well.
    """

    def __init__(self, messages_max: int, bytes_max: int) -> None:
        self._messages_max, self._bytes_max = messages_max, bytes_max
        self._lock = threading.Lock()
        self._queue: deque[bytes] = deque()
        self._messages = self._bytes = 0  # waiting and in flight
        self._wake: Wake | None = None  # None: not connected

    @property
    def connected(self) -> bool:
        """True while a link drains this box."""
        return self._wake is not None

    def put(self, message: bytes) -> bool:
        """Queue `message`; False if there is no link or no room."""
        with self._lock:
            full = self._messages >= self._messages_max or (
                self._messages > 0 and self._bytes + len(message) > self._bytes_max
            )
            if self._wake is None or full:
                return False
            idle = not self._queue
            self._queue.append(message)
            self._messages += 1
            self._bytes += len(message)
            wake = self._wake
        if idle:
            wake()
        return True

    def open(self, wake: Wake) -> None:
        """A link is up; `wake` is called, from the daemon's thread, when the box is filled."""
        with self._lock:
            self._wake = wake

    def take(self, bytes_max: int) -> list[bytes]:
        """The next messages up to about `bytes_max` bytes, at least one if any waits."""
        batch: list[bytes] = []
        size = 0
        with self._lock:
            while self._queue and (not batch or size + len(self._queue[0]) <= bytes_max):
                batch.append(self._queue.popleft())
                size += len(batch[-1])
        return batch

    def written(self, batch: Sequence[bytes]) -> None:
        """`batch` has left: its room is free again."""
        with self._lock:
            self._messages -= len(batch)
            self._bytes -= sum(map(len, batch))

    def close(self) -> int:
        """The link has ended; returns how many messages are lost, those in flight included."""
        with self._lock:
            lost = self._messages
            self._queue.clear()
            self._messages = self._bytes = 0
            self._wake = None
        return lost


class _Lane:
    """What one source has delivered and the daemon has not taken."""

    __slots__ = ("bytes", "queue", "sized")

    def __init__(self) -> None:
        self.queue: deque[tuple[Event, int]] = deque()
        self.bytes = 0
        self.sized = 0  # events with a size: the others (up, down, faulted) are never refused


class Inbox:
    """Events for the daemon, in one bounded lane per source, taken in turn.

    Turns keep one loud peer from delaying the votes of the others. A source whose lane is full
    waits (`when_room`) and meanwhile reads nothing more from its socket.
    """

    def __init__(self, wake: Wake) -> None:
        """`wake` is called, from the network's thread, when the inbox was empty and is not now."""
        self._wake = wake
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}  # non-empty lanes only, in the order of their turns
        self._waiting: dict[str, Wake] = {}

    def offer(self, lane: str, event: Event, size: int, messages_max: int, bytes_max: int) -> bool:
        """Append `event` of `size` bytes; False if the lane is full. An empty lane takes any."""
        with self._lock:
            held = self._lanes.get(lane)
            if held and held.sized:
                over = held.sized >= messages_max or held.bytes + size > bytes_max
                if over:
                    return False
            idle = not self._lanes
            held = self._lane(lane)
            held.queue.append((event, size))
            held.bytes += size
            held.sized += 1
        if idle:
            self._wake()
        return True

    def note(self, lane: str, event: Event) -> None:
        """Append an event that must not be lost; their number is bounded by the redial pace."""
        with self._lock:
            idle = not self._lanes
            self._lane(lane).queue.append((event, -1))
        if idle:
            self._wake()

    def when_room(self, lane: str, wake: Wake) -> bool:
        """Have `wake` called once `lane` has been emptied; False if it is empty already."""
        with self._lock:
            if lane not in self._lanes:
                return False
            self._waiting[lane] = wake
            return True

    def take(self) -> Event | None:
        """The next event, lanes taking turns; None if there is none."""
        wake = None
        with self._lock:
            if not self._lanes:
                return None
            name = next(iter(self._lanes))
            lane = self._lanes.pop(name)
            event, size = lane.queue.popleft()
            if size >= 0:
                lane.bytes -= size
                lane.sized -= 1
            if lane.queue:
                self._lanes[name] = lane
            else:
                wake = self._waiting.pop(name, None)
        if wake is not None:
            wake()
        return event

    def _lane(self, name: str) -> _Lane:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
        return lane
