"""Where a signer listens, and how node and signer make sure of each other there.

A Unix socket belongs to one user: mode 0600, and both sides ask the kernel whose process the other
is. Over TCP it is TLS 1.3 in which both show a certificate of the same private authority.
"""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from node.signing.errors import BadSignerAddress, SignerCertificates, SignerProtocolFault

SOCKET_PATH_BYTES_MAX: Final = 100
"""The kernel's limit is 108."""

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_CREDENTIALS: Final = struct.Struct("3i")

CERTIFICATE_FILES: Final = ("ca.pem", "cert.pem", "key.pem")
"""In a folder of `dcn signer certs`: the authority, this side's certificate and its key."""


class UnixAddress(msgspec.Struct, frozen=True):
    """A socket in the file system."""

    path: Path


class TlsAddress(msgspec.Struct, frozen=True):
    """A TCP port, and the folder with ca.pem, cert.pem and key.pem of this side."""

    host: str
    port: int
    certificates: Path


Address = UnixAddress | TlsAddress


def read_address(text: str, certificates: Path | None) -> Address:
    """The address in a configuration; raises `BadSignerAddress`."""
    kind, separator, rest = text.partition(":")
    if kind == "unix" and separator and rest.startswith("/"):
        if len(os.fsencode(rest)) > SOCKET_PATH_BYTES_MAX:
            raise BadSignerAddress(f"{rest[:60]}...: more than {SOCKET_PATH_BYTES_MAX} bytes")
        return UnixAddress(Path(rest))
    host, separator, port = rest.removeprefix("//").rpartition(":")
    good = kind == "tls" and rest.startswith("//") and host and port.isascii() and port.isdecimal()
    if not good or not 0 < int(port) < 65_536:
        raise BadSignerAddress(text[:80] or "empty")
    if certificates is None:
        raise BadSignerAddress(f"{text[:80]} needs certificates")
    return TlsAddress(host.strip("[]"), int(port), certificates)


async def connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the signer at `address`. Raises `OSError`, `SignerCertificates`,
    `SignerProtocolFault` if another user's process listens there."""
    if isinstance(address, UnixAddress):
        reader, writer = await asyncio.open_unix_connection(address.path)
        try:
            require_same_user(writer)
        except SignerProtocolFault:
            writer.close()
            raise
        return reader, writer
    context = _context(address, ssl.PROTOCOL_TLS_CLIENT)
    return await asyncio.open_connection(address.host, address.port, ssl=context)


async def listen(address: Address, accept: Accept) -> asyncio.Server:
    """A server at `address`. Raises `OSError`, `SignerCertificates`."""
    if isinstance(address, UnixAddress):
        before = os.umask(0o177)  # the socket is never wider open, not even for a moment
        try:
            return await asyncio.start_unix_server(accept, address.path)
        finally:
            os.umask(before)
    context = _context(address, ssl.PROTOCOL_TLS_SERVER)
    return await asyncio.start_server(accept, address.host, address.port, ssl=context)


def require_same_user(writer: asyncio.StreamWriter) -> None:
    """Raise `SignerProtocolFault` unless the process at the other end of a Unix socket is of this
    process's user; says nothing of other sockets."""
    other: socket.socket = writer.get_extra_info("socket")
    if other.family != socket.AF_UNIX:
        return
    raw = other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    if user != os.geteuid():
        raise SignerProtocolFault(f"a process of user {user} is at the other end")


def _context(address: TlsAddress, side: ssl._SSLMethod) -> ssl.SSLContext:
    """TLS 1.3 only; the other side must show a certificate of our own authority."""
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    folder = address.certificates
    try:
        authority, own, key = (folder / name for name in CERTIFICATE_FILES)
        context.load_verify_locations(authority)
        context.load_cert_chain(own, key)
    except (OSError, ssl.SSLError) as error:
        raise SignerCertificates(f"{folder}: {error}") from None
    return context
