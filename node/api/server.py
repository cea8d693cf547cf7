"""Serves the API inside the daemon's loop; signals stay the daemon's."""

import contextlib
from collections.abc import Iterator

import uvicorn

from node.api.app import make_app
from node.daemon import Daemon


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(daemon: Daemon) -> None:
    """Serve until cancelled."""
    api = daemon.config.api
    config = uvicorn.Config(
        make_app(daemon), host=api.host, port=api.port, log_level="warning", access_log=False,
        lifespan="off", timeout_graceful_shutdown=1,
    )  # fmt: skip
    await _Server(config).serve()
