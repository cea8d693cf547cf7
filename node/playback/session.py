"""A replay from its beginning until it is told to end: files, thread and server, in order."""

import asyncio
import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

import msgspec

from ledger.genesis import genesis_hash
from node.api.server import serve_on
from node.home import Home
from node.observer.sight import Replayed
from node.observer.store import FILE, Writer
from node.operations.sockets import listening
from node.playback.app import replay_app
from node.playback.player import Player
from node.playback.reel import Progress, cut
from node.playback.sight import PlayedSight
from node.playback.span import Wanted
from node.storage.errors import no_room

HOST: Final = "127.0.0.1"
"""A replay is for who sits at the machine: it has no TLS, and is served to nobody else."""


class How(msgspec.Struct, frozen=True):
    """How a replay is shown."""

    speed: float
    paused: bool
    port: int
    """0: a free one."""


class Told(msgspec.Struct, frozen=True):
    """Who is told what."""

    prepared: Progress
    ready: Callable[[str, Replayed], None]
    """The page's address."""
    at: Callable[[Replayed], None]
    """At every change."""


class _Ended(Exception):
    """Ends the preparation."""


async def replay(home: Home, wanted: Wanted, how: How, told: Told) -> None:
    """Replay what is wanted of a home until SIGINT or SIGTERM.

    The folder that it works in holds terms in clear; it is this user's only, and gone at the end.
    Raises `PortTaken`, `NotInHistory`, `NothingToReplay`, `BadMoment`, `StoreMissing`,
    `StoreDamaged`, `DiskFull`, and what a home that is not whole raises.
    """
    ended = threading.Event()
    stop = asyncio.Event()

    def end() -> None:
        ended.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        with ExitStack() as open_files, suppress(_Ended):
            await _replay(home, wanted, how, told, (ended, stop), open_files)
    except OSError as error:
        raise no_room(error) or error from None


async def _replay(
    home: Home,
    wanted: Wanted,
    how: How,
    told: Told,
    ends: tuple[threading.Event, asyncio.Event],
    open_files: ExitStack,
) -> None:
    ended, stop = ends

    def prepared(done: int, of: int) -> None:
        if ended.is_set():
            raise _Ended
        told.prepared(done, of)

    at = open_files.enter_context(closing(listening(HOST, how.port)))
    folder = Path(open_files.enter_context(tempfile.TemporaryDirectory(prefix="dcn-replay-")))
    store = Writer(folder / FILE, genesis_hash(home.genesis()).hex())
    open_files.callback(store.close)
    reel = await asyncio.to_thread(cut, home, wanted, folder, store, prepared)
    player = Player(reel, store, folder, how.speed, lei=home.config().lei)
    sight = PlayedSight(store.path, player)
    open_files.callback(sight.close)
    port = at.getsockname()[1]
    app = replay_app(home, player, sight, f"dcn_replay_{port}")
    player.start()
    open_files.callback(player.stop)
    told.ready(f"http://{HOST}:{port}/", player.position())
    if not how.paused:
        player.play()
    tasks = [
        asyncio.create_task(one) for one in (serve_on(at, app), _tell(player, told), stop.wait())
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()  # what has gone wrong is said


async def _tell(player: Player, told: Told) -> None:
    said = ""
    while True:
        reached = player.reached()  # before looking: what comes meanwhile is not missed
        if player.beside != said:
            said = player.beside
            told.at(msgspec.json.decode(said, type=Replayed))
        await reached.wait()
