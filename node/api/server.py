"""Serves the API inside the daemon's loop; signals stay the daemon's."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import h11
import msgspec
import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.h11_impl import H11Protocol

from node.api.access import CERTIFICATE
from node.api.errors import BadRequest
from node.apitypes.answers import ErrorAnswer
from node.config import ApiSection
from node.daemon import Daemon
from wire.errors import EnvironmentFault

PATIENCE_SECONDS: Final = 1.0
"""For requests under way when the node stops."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Connection(H11Protocol):
    """Tells the application which certificate the client has shown, if any."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if tls is not None:  # verified in the handshake; None where none is asked for
            self.app_state = {**self.app_state, CERTIFICATE: tls.getpeercert(binary_form=True)}

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP at all is answered in the one form of errors, too."""
        error = BadRequest(msg)
        answer = ErrorAnswer(code=error.code, detail=error.detail, remedy=error.remedy)
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers),
            h11.Data(data=msgspec.json.encode(answer)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class ApiTlsUnusable(EnvironmentFault):
    """A certificate or key that the API is to be served with cannot be read or does not fit."""

    code = "API_TLS_UNUSABLE"
    remedy = "Check `api.tls_cert`, `api.tls_key` and `api.client_ca` of config.toml: PEM files."


async def serve(daemon: Daemon, app: Litestar) -> None:
    """Serve an application until cancelled; raises `ApiTlsUnusable`."""
    api = daemon.config.api
    config = _config(app, host=api.host, port=api.port)
    if api.tls_cert:
        config.load()
        config.ssl = tls_of(daemon.home.path, api)
    await _serve(config)


async def serve_on(listening: socket.socket, app: Litestar) -> None:
    """Serve an application on a socket that listens, until cancelled; without TLS, so it is one of
    the loopback."""
    await _serve(_config(app), [listening])


def _config(app: Litestar, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", proxy_headers=False,
        http=_Connection, timeout_graceful_shutdown=1, **more,
    )  # fmt: skip


async def _serve(config: uvicorn.Config, sockets: list[socket.socket] | None = None) -> None:
    server = _Server(config)
    try:
        await server.serve(sockets)
    finally:
        await _hang_up(server)


async def _hang_up(server: uvicorn.Server) -> None:
    """Close what is open: those who follow events would stay for ever."""
    for listening in server.servers if server.started else ():
        listening.close()
    for connection in list(server.server_state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)  # in which the loop lets them go, and tells those who serve them
    tasks = list(server.server_state.tasks)
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
        for task in late:
            task.cancel()


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
