"""Serves the API inside the daemon's loop; signals stay the daemon's."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from litestar import Litestar

from node.config import ApiSection
from node.daemon import Daemon
from wire.errors import EnvironmentFault


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ApiTlsUnusable(EnvironmentFault):
    """A certificate or key that the API is to be served with cannot be read or does not fit."""

    code = "API_TLS_UNUSABLE"
    remedy = "Check `api.tls_cert`, `api.tls_key` and `api.client_ca` of config.toml: PEM files."


async def serve(daemon: Daemon, app: Litestar) -> None:
    """Serve an application until cancelled; raises `ApiTlsUnusable`."""
    api = daemon.config.api
    config = uvicorn.Config(
        app, host=api.host, port=api.port, log_level="warning", access_log=False,
        lifespan="off", timeout_graceful_shutdown=1,
    )  # fmt: skip
    if api.tls_cert:
        config.load()
        config.ssl = tls_of(daemon.home.path, api)
    await _Server(config).serve()


def tls_of(home: Path, api: ApiSection) -> ssl.SSLContext:
    """TLS 1.3 with the configured certificate; with `client_ca` clients must show one too.

    Raises `ApiTlsUnusable`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(home / api.tls_cert, home / api.tls_key)
        if api.client_ca:
            context.load_verify_locations(home / api.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        raise ApiTlsUnusable(f"{api.tls_cert}: {error}") from None
    return context
