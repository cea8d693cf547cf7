"""When which block is shown: play, pause, step, speed and jump, as on a tape deck. Holds no clock.

The network's time runs `speed` times as fast as that of who looks, from where it was last set; a
block is due when the network's time reaches that of its header. Speed 0 knows no time: every block
is due at once. All `now_s` are seconds of one clock that never goes back.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

WAIT_SECONDS_MAX: Final = 86_400.0
"""Then it is asked again: at the slowest speeds a block is due after the end of all clocks."""


class Deck:
    """Where a replay is, and what it was told to do."""

    def __init__(self, first: int, times: Sequence[int], speed: float) -> None:
        """`times`: header times (ms) of block `first` and of those after it."""
        self.first = first
        self.last = first + len(times) - 1
        self.height = first
        """The block that is shown."""
        self.target: int | None = None
        """Where a jump leads."""
        self.speed = speed
        self.playing = False
        self._times = times
        self._at_ms = float(times[0])
        """The network's time at `_since_s`."""
        self._since_s = 0.0

    def time_ms(self, height: int) -> int:
        """Of a block's header."""
        return self._times[height - self.first]

    # ---------------------------------------------------------------- what it is told
    def play(self, now_s: float) -> None:
        """Go on; at the end there is nothing to go on with."""
        self._hold(now_s)
        self.playing = (self.height if self.target is None else self.target) < self.last

    def pause(self, now_s: float) -> None:
        """Stand still; a jump under way ends where it is."""
        self._hold(now_s)
        self.playing, self.target = False, None

    def step(self, now_s: float) -> None:
        """Show the next block, and stand still."""
        self.pause(now_s)
        self.target = min(self.height + 1, self.last)

    def set_speed(self, now_s: float, speed: float) -> None:
        """From now on; the way to the next block that is behind stays behind."""
        self._hold(now_s)
        self.speed = speed

    def jump(self, height: int) -> None:
        """Go to a block, back or forth; play goes on from there."""
        assert self.first <= height <= self.last, (self.first, height, self.last)
        self.target = height

    def shown(self, now_s: float, height: int) -> None:
        """A block is shown now; one that a jump or a step led to sets the network's time."""
        self.height = height
        if self.target is not None or not self.playing or self.speed == 0:
            self._at_ms, self._since_s = float(self.time_ms(height)), now_s
        if self.target == height:
            self.target = None
        if height == self.last:
            self.playing = False

    # ---------------------------------------------------------------- what is to be done
    def wanted(self, now_s: float) -> int:
        """The block that is to be shown now; `height`, if it is."""
        if self.target is not None:
            return self.target
        if not self.playing:
            return self.height
        if self.speed == 0:
            return self.last
        due = self.first - 1 + bisect_right(self._times, self._network_ms(now_s))
        return min(self.last, max(due, self.height))

    def wait_s(self, now_s: float) -> float | None:
        """Until there is something to show, or to ask again; None: until it is told to."""
        if self.wanted(now_s) != self.height:
            return 0.0
        if not self.playing or self.height == self.last:
            return None
        left_ms = self.time_ms(self.height + 1) - self._network_ms(now_s)
        return min(left_ms / 1_000 / self.speed, WAIT_SECONDS_MAX)

    def _network_ms(self, now_s: float) -> float:
        if not self.playing or self.target is not None or self.speed == 0:
            return self._at_ms
        return self._at_ms + (now_s - self._since_s) * 1_000 * self.speed

    def _hold(self, now_s: float) -> None:
        self._at_ms, self._since_s = self._network_ms(now_s), now_s
