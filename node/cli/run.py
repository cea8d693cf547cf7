"""`dcn run`: run a node until it is told to stop."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from wire.errors import CodedError

if TYPE_CHECKING:
    from node.daemon import Daemon

from node.cli.options import HomeOption, JsonOption


def run(home: HomeOption, as_json: JsonOption = False) -> None:
    """Run the node of a home directory.

    The node checks its files, joins its peers, catches up, and then takes part: a validator votes,
    a member submits, an observer follows. SIGTERM stops it in order;
    SIGHUP reads the log level and the peers' addresses again. With --json the log is JSON,
    whatever the configuration says.
    """
    from node.daemon import Daemon
    from node.home import Home
    from node.lock import HomeLock
    from node.logs import configure_logs

    found = Home(home)
    config = found.config()
    configure_logs(config.log.level, "json" if as_json else config.log.format)
    with HomeLock(found.lock):
        asyncio.run(_run(Daemon, home))


async def _run(kind: "type[Daemon]", home: Path) -> None:
    from node.api.server import serve
    from node.observer.app import served

    daemon = await kind.open(home)
    daemon.heed_signals()
    with served(daemon) as app:
        api = asyncio.create_task(serve(daemon, app), name="api")
        api.add_done_callback(lambda _: daemon.stop())
        try:
            await daemon.run()
        finally:
            api.cancel()
            (ended,) = await asyncio.gather(api, return_exceptions=True)
    if isinstance(ended, CodedError):  # the API's end has stopped the node
        raise ended
