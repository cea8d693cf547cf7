"""Off the loopback only with TLS; clients are known by secrets or by their certificates."""

import asyncio
import datetime
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from node.api.server import ApiTlsUnusable, tls_of
from node.cli.main import app as command
from node.client import NodeClient, calls
from node.client.errors import NodeUnreachable
from node.config import ApiNeedsTls, ApiSection, BadConfig, load_config
from node.daemon import Daemon
from node.home import Home
from node.tokens import Scope, TokenExists, Tokens
from tests.api.served import Authority, Issued, served

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

NOW = 1_900_000_000_000


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_certificate_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    for name in ("a.pem", "a.key"):
        if content is not None:
            (tmp_path / name).write_text(content)
    api = ApiSection(host="0.0.0.0", tls_cert="a.pem", tls_key="a.key")
    with pytest.raises(ApiTlsUnusable, match=r"a\.pem"):
        tls_of(tmp_path, api)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    authority.issue("one", server=True)
    authority.issue("other", server=True)
    api = ApiSection(tls_cert="one.pem", tls_key="other.key")
    with pytest.raises(ApiTlsUnusable, match="KEY_VALUES_MISMATCH"):
        tls_of(tmp_path, api)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "node.example", "::"])
def test_off_the_loopback_the_configuration_needs_tls(daemon: Daemon, host: str) -> None:
    file = daemon.home.config_file
    text = file.read_text()
    file.write_text(f'{text}\n[api]\nhost = "{host}"\n')
    with pytest.raises(ApiNeedsTls, match=host):
        load_config(file, {})
    file.write_text(f'{text}\n[api]\nhost = "{host}"\ntls_cert = "a.pem"\ntls_key = "a.key"\n')
    assert load_config(file, {}).api.host == host
    file.write_text(f'{text}\n[api]\nhost = "{host}"\ntls_cert = "a.pem"\n')
    with pytest.raises(BadConfig, match="go together"):
        load_config(file, {})


@pytest.fixture
def authority(daemon: Daemon) -> Authority:
    made = Authority(daemon.home.path, "ca")
    made.issue("server", server=True)
    return made


SERVER = {"tls_cert": "server.pem", "tls_key": "server.key"}


def trusting(authority: Authority, mine: Issued | None = None) -> ssl.SSLContext:
    """What a client brings to the handshake."""
    context = ssl.create_default_context(cafile=str(authority.pem))
    if mine is not None:
        context.load_cert_chain(mine.cert, mine.key)
    return context


async def ask(
    at: str, tls: ssl.SSLContext, token: str | None = None, **arguments: Any
) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    wanted = {"method": "GET", "url": f"https://{at}/v1/status"} | arguments
    async with httpx.AsyncClient(verify=tls, headers=headers, trust_env=False) as client:
        return await client.request(**wanted)


async def test_a_client_checks_the_servers_certificate_and_the_server_speaks_tls_only(
    daemon: Daemon, authority: Authority
) -> None:
    async with served(daemon, **SERVER) as at:
        answer = await ask(at, trusting(authority), daemon.home.token())
        assert answer.status_code == 200, answer.text
        assert (await ask(at, trusting(authority))).status_code == 401
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(at, ssl.create_default_context())
        old = trusting(authority)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(httpx.ConnectError):
            await ask(at, old)
        async with httpx.AsyncClient() as plain:
            with pytest.raises(httpx.TransportError):
                await plain.get(f"http://{at}/v1/health")


async def test_the_homes_own_client_finds_its_way_through_mutual_tls(
    daemon: Daemon, authority: Authority
) -> None:
    authority.issue("own", server=False)
    mutual = SERVER | {"client_ca": "ca.pem", "client_cert": "own.pem", "client_key": "own.key"}
    # A self-signed authority stands in the server's file, as a chain does.
    file = daemon.home.path / "server.pem"
    file.write_bytes(file.read_bytes() + authority.pem.read_bytes())
    async with served(daemon, **mutual) as at:
        port = at.split(":")[1]
        lines = [f'{key} = "{value}"' for key, value in mutual.items()]
        with daemon.home.config_file.open("a") as config:
            config.write("\n[api]\nport = " + port + "\n" + "\n".join(lines) + "\n")
        with NodeClient.of_home(daemon.home.path) as client:
            found = await asyncio.to_thread(client, calls.status())
        assert found.height == daemon.shell.tip.height


@pytest.mark.parametrize("header", ["", "-----BEGIN TRUSTED CERTIFICATE-----\n"])
def test_a_client_of_a_home_without_a_certificate_trusts_nobody(
    daemon: Daemon, header: str
) -> None:
    """Least of all whom the system trusts: the names in certificates are not looked at here."""
    (daemon.home.path / "server.pem").write_text(header)
    lines = "".join(f'{key} = "{value}"\n' for key, value in SERVER.items())
    with daemon.home.config_file.open("a") as config:
        config.write("\n[api]\n" + lines)
    with pytest.raises(NodeUnreachable, match=r"server\.pem"):
        NodeClient.of_home(daemon.home.path)


@pytest.mark.parametrize("foreign", [False, True])
async def test_the_homes_own_client_takes_the_homes_certificate_and_no_other(
    daemon: Daemon, authority: Authority, foreign: bool
) -> None:
    """Whatever address the certificate is for: it is that by which others reach the node."""
    authority.issue("server", server=True, at="192.0.2.1")
    file, config = daemon.home.path / "server.pem", daemon.home.config_file
    file.write_bytes(file.read_bytes() + authority.pem.read_bytes())
    async with served(daemon, **SERVER, host="0.0.0.0") as at:
        api = f'[api]\nhost = "0.0.0.0"\nport = {at.split(":")[1]}\n'
        tls = "".join(f'{key} = "{value}"\n' for key, value in SERVER.items())
        config.write_text(config.read_text() + api + tls)
        if foreign:  # what listens there has not this certificate, but one of the same authority
            authority.issue("server", server=True)
        with NodeClient.of_home(daemon.home.path) as client:
            if foreign:
                with pytest.raises(NodeUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
                    await asyncio.to_thread(client, calls.status())
            else:
                await asyncio.to_thread(client, calls.status())


async def test_a_certificate_has_the_scopes_it_was_given_and_no_others(
    daemon: Daemon, authority: Authority
) -> None:
    reader, unknown = authority.issue("reader", server=False), authority.issue("x", server=False)
    home = str(daemon.home.path)
    done = CliRunner().invoke(
        command,
        ["token", "create", "reader", "--scope", "read", "--certificate", str(reader.cert),
         "--home", home],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    async with served(daemon, **SERVER, client_ca="ca.pem") as at:
        tls = trusting(authority, reader)
        assert (await ask(at, tls)).status_code == 200
        submit = await ask(at, tls, method="POST", url=f"https://{at}/v1/transactions", json={})
        assert (submit.status_code, submit.json()["code"]) == (403, "API_OUT_OF_SCOPE")
        # A secret that is sent wins over the certificate, and a wrong one is not forgiven for it.
        assert (await ask(at, tls, "wrong")).status_code == 401
        assert (await ask(at, tls, daemon.home.token())).status_code == 200
        # A certificate that the authority has signed and nobody has entered opens nothing.
        assert (await ask(at, trusting(authority, unknown))).status_code == 401
        Tokens(daemon.home).revoke("reader")
        assert (await ask(at, tls)).status_code == 401


async def test_without_a_certificate_of_the_authority_there_is_no_connection(
    daemon: Daemon, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "strange", "ca").issue("stranger", server=False)
    lapsed = authority.issue("lapsed", server=False, lifetime=datetime.timedelta(days=-1))
    async with served(daemon, **SERVER, client_ca="ca.pem") as at:
        for mine in (None, stranger, lapsed):
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await ask(at, trusting(authority, mine), daemon.home.token())


async def test_a_certificate_is_public_and_so_no_secret(
    daemon: Daemon, authority: Authority
) -> None:
    tokens, issued = Tokens(daemon.home), authority.issue("a", server=False)
    tokens.know_certificate("a", issued.der, (Scope.ADMIN,), NOW, NOW + 5)
    assert tokens.of_certificate(issued.der, NOW) is not None
    assert tokens.of_certificate(issued.der, NOW + 5) is None
    assert tokens.find(issued.der.decode("utf-8", "surrogateescape"), NOW) is None
    assert tokens.of_certificate(daemon.home.token().encode(), NOW) is None
    with pytest.raises(TokenExists):
        tokens.know_certificate("b", issued.der, (Scope.READ,), NOW, None)
    with pytest.raises(TokenExists):
        tokens.create("api.token", (Scope.READ,), NOW, None)


def test_what_is_no_certificate_is_refused(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    arguments = ["--scope", "read", "--certificate", str(tmp_path / "x.pem")]
    home = Home(daemon.home.path)
    done = CliRunner().invoke(
        command, ["token", "create", "x", *arguments, "--home", str(home.path)]
    )
    assert done.exit_code != 0
    assert Tokens(home).all() == []
