"""`dcn token`: who may use a node's API, for what, and until when."""

import time
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import FileUnusable, UsageWrong, print_json, read_bytes, table

app = typer.Typer(no_args_is_help=True, help="Tokens of the API: scopes, expiry, revoking.")

DAY_MS = 86_400_000
KINDS = {False: "secret", True: "certificate"}
UNITS_MS = {"d": DAY_MS, "h": 3_600_000, "m": 60_000}


@app.command()
def create(
    home: HomeOption,
    name: Annotated[str, typer.Argument(help="Of the client that is to use it.")],
    scope: Annotated[str, typer.Option(help="read, trade, sign, approve, admin, by commas.")],
    expires: Annotated[str, typer.Option(help="30d, 12h, 90m, or `never`.")] = "30d",
    certificate: Annotated[
        Path | None,
        typer.Option(help="PEM of the client's certificate, which then stands for the token."),
    ] = None,
    person: Annotated[
        str, typer.Option(help="Of an authority: the person who is to look with it.")
    ] = "",
    mandate: Annotated[
        str, typer.Option(help="Of an authority: reference of the mandate to look under.")
    ] = "",
    purpose: Annotated[
        str, typer.Option(help="Of an authority: why the person looks; the member is told.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a token and print it, this once: the home keeps its hash only.

    With --certificate there is no secret: the client is known by the certificate that it shows in
    the TLS handshake (`api.client_ca` of config.toml), whose SHA-256 is printed.

    read: all queries and the events. trade: submit trades and transactions. sign: have the home's
    keys sign, as far as its policy allows (section `policy` of config.toml). approve: be the second
    pair of eyes where the policy wants one. admin: what acts for the operator, as marks in
    precommits. A running node takes it at once.

    A token sees the business of the node's own member and what is public. With --person, --mandate
    and --purpose it is that of a person of the authority that runs the node: it reads what the
    mandate of the ledger names, and each look at a member's data goes on record, on the ledger at
    once as a hash, and in full to the member once the mandate's embargo is over.
    """
    from node.home import Home
    from node.tokens import Looking, Scope, Tokens

    try:
        scopes = tuple(sorted({Scope(part.strip()) for part in scope.split(",")}))
    except ValueError:
        raise UsageWrong(f"--scope is {scope!r}: of {', '.join(Scope)}") from None
    now = time.time_ns() // 1_000_000
    until = _until(expires, now)
    tokens, looking = Tokens(Home(home)), Looking(person, mandate, purpose)
    if certificate is None:
        kind, made = "token", tokens.create(name, scopes, now, until, looking)
    else:
        der = _certificate(certificate)
        kind, made = "sha256", tokens.know_certificate(name, der, scopes, now, until, looking)
    if as_json:
        print_json({"name": name, kind: made, "scopes": list(scopes), "expires_ms": until})
    else:
        typer.echo(made)


@app.command("list")
def list_(home: HomeOption, as_json: JsonOption = False) -> None:
    """List the tokens: names, scopes, when they expire. The home's own api.token is not listed."""
    import msgspec

    from node.home import Home
    from node.tokens import Tokens

    found = Tokens(Home(home)).all()
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    rows = [
        [
            one.name,
            KINDS[one.certificate],
            " ".join(one.scopes),
            _when(one.expires_ms),
            f"{one.person}, {one.mandate}" if one.person else "",
        ]
        for one in found
    ]
    table("Tokens", ["name", "by", "scopes", "expires", "person, mandate"], rows)


@app.command()
def revoke(
    home: HomeOption,
    name: Annotated[str, typer.Argument(help="The token's name.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a token: from now on a running node refuses it."""
    from node.home import Home
    from node.tokens import Tokens

    Tokens(Home(home)).revoke(name)
    if as_json:
        print_json({"revoked": name})
    else:
        typer.echo(f"{name}: revoked")


def _certificate(path: Path) -> bytes:
    """The first certificate of a PEM file, as DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        found = x509.load_pem_x509_certificate(read_bytes(path))
    except ValueError as error:
        raise FileUnusable(f"{path} is no certificate in PEM: {error}") from None
    return found.public_bytes(Encoding.DER)


def _until(text: str, now_ms: int) -> int | None:
    if text == "never":
        return None
    count, unit = text[:-1], UNITS_MS.get(text[-1:])
    if unit is None or not count.isascii() or not count.isdecimal() or not 0 < int(count) < 10_000:
        raise UsageWrong(f"--expires is {text!r}: 30d, 12h, 90m or `never` expected")
    return now_ms + int(count) * unit


def _when(expires_ms: int | None) -> str:
    if expires_ms is None:
        return "never"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(expires_ms // 1_000))
