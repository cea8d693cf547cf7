"""`/v1/replay`: where the replay stands, and what it can be told. The page's buttons use these."""

from typing import Annotated, Any, Final

import msgspec
from litestar import get, post

from node.observer.sight import Replayed
from node.playback.errors import BadMoment
from node.playback.marks import Kind, Mark
from node.playback.player import Player
from node.playback.span import Kept, height_at
from node.tokens import Scope

SPEED_MAX: Final = 1_000_000

CONTROL: Final = {"scope": Scope.READ, "of_page": True}
"""Who may look may also wind: it changes nothing but what this page shows."""


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast to play."""

    speed: Annotated[float, msgspec.Meta(ge=0, le=SPEED_MAX)]
    """The network's time to yours; 0: as fast as it goes."""


class Jump(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to go: one of the two."""

    to: str = ""
    """A height, or a time in UTC as 2008-09-15T14:30:00: the last block up to then."""
    next: Kind | None = None
    """The next mark of this kind."""


def replay_routes(player: Player) -> list[Any]:
    """The route handlers."""

    @get("/", sync_to_thread=False)
    def position() -> Replayed:
        """Where the replay stands."""
        return player.position()

    @get("/marks", sync_to_thread=False)
    def marks() -> list[Mark]:
        """What there is to jump to: steps of cases, late payers, netting rounds, closed dates."""
        return list(player.reel.marks)

    @post("/play", opt=CONTROL, status_code=200, sync_to_thread=False)
    def play() -> Replayed:
        """Go on, from wherever it is."""
        player.play()
        return player.position()

    @post("/pause", opt=CONTROL, status_code=200, sync_to_thread=False)
    def pause() -> Replayed:
        """Stand still."""
        player.pause()
        return player.position()

    @post("/step", opt=CONTROL, status_code=200, sync_to_thread=False)
    def step() -> Replayed:
        """Show the next block, and stand still."""
        player.step()
        return player.position()

    @post("/speed", opt=CONTROL, status_code=200, sync_to_thread=False)
    def speed(data: Speed) -> Replayed:
        """Play at another speed."""
        player.set_speed(data.speed)
        return player.position()

    @post("/jump", opt=CONTROL, status_code=200, sync_to_thread=False)
    def jump(data: Jump) -> Replayed:
        """Go to a block, back or forth. It is there when `jumping_to` is null again."""
        if bool(data.to) == (data.next is not None):
            raise BadMoment("give `to` or `next`")
        if data.next is not None:
            player.jump_to_next(data.next)
        else:
            player.jump(_height(player, data.to))
        return player.position()

    return [position, marks, play, pause, step, speed, jump]


def _height(player: Player, text: str) -> int:
    """A height, or the last block up to a time; a time before all is the beginning."""
    reel = player.reel
    return height_at(text, Kept(reel.first, reel.last, lambda h: reel.times[h - reel.first]))
