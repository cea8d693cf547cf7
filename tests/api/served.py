"""The API as it is served: over real sockets, with real certificates."""

import asyncio
import contextlib
import datetime
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.api.server import serve
from node.cli.testnet.ports import free_ports
from node.daemon import Daemon
from node.observer.app import observed

LIFETIME = datetime.timedelta(days=1)


@contextlib.asynccontextmanager
async def served(daemon: Daemon, **api: Any) -> AsyncIterator[str]:
    """`HOST:PORT` of the API of a node, as its configuration says with `api` changed."""
    port = api.setdefault("port", free_ports(1)[0])
    section = msgspec.structs.replace(daemon.config.api, **api)
    daemon.config = msgspec.structs.replace(daemon.config, api=section)
    with observed(daemon) as (app, feed):
        task = asyncio.create_task(serve(daemon, app))
        try:
            while not (task.done() or feed.height == daemon.shell.tip.height):
                await feed.reached().wait()
            while True:
                if task.done():
                    task.result()
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.01)
            yield f"127.0.0.1:{port}"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Issued(NamedTuple):
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path

    @property
    def der(self) -> bytes:
        found = x509.load_pem_x509_certificate(self.cert.read_bytes())
        return found.public_bytes(serialization.Encoding.DER)


class Authority:
    """A certificate authority of a test."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.pem = folder / f"{name}.pem"
        made = (
            _builder(self._name, self._name, self._key.public_key(), LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        name: str,
        *,
        server: bool,
        lifetime: datetime.timedelta = LIFETIME,
        at: str = "127.0.0.1",
    ) -> Issued:
        """A certificate for a server at an address, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(_name(name), self._name, key.public_key(), lifetime)
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=True)
        if server:
            address = x509.IPAddress(ipaddress.ip_address(at))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        found = Issued(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        found.cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        found.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return found


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    lifetime: datetime.timedelta,
) -> x509.CertificateBuilder:
    end = datetime.datetime.now(datetime.UTC) + lifetime
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=9))
        .not_valid_after(end)
    )
