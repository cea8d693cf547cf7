"""`dcn signer`: the consensus key in a process of its own."""

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json

app = typer.Typer(
    no_args_is_help=True,
    help="Keep the consensus key, and what it has signed, in a process of its own: on the same "
    "machine behind a Unix socket, or on another behind mutual TLS. See docs/SIGNER.md.",
)

SignerHomeOption = Annotated[
    Path,
    typer.Option("--signer-home", envvar="DCN_SIGNER_HOME", help="The signer's directory."),
]


@app.command()
def take(home: HomeOption, signer_home: SignerHomeOption, as_json: JsonOption = False) -> None:
    """Move a node's consensus key, with its signer state, to a signer's directory.

    The node must not run. Afterwards its home holds the public half only: name the signer's
    address in its config.toml, section `signer`. There is no second copy: back it up as you would
    a key, and never the state alone.
    """
    from node.admin_log import record
    from node.home import Home
    from node.lock import HomeLock
    from node.signing.home import SignerHome

    where = Home(home)
    with HomeLock(where.lock):
        public = SignerHome(signer_home).take_from(where)
        record(where.data, "signer take", consensus_key=public.hex(), to=str(signer_home))
    if as_json:
        print_json({"consensus_key": public.hex(), "signer_home": str(signer_home)})
        return
    typer.echo(f"The key {public.hex()} is now in {signer_home}.")
    typer.echo("Name the signer in the node's config.toml:")
    typer.echo('  [signer]\n  address = "unix:/run/dcn/signer.sock"')


@app.command()
def certs(
    out: Annotated[Path, typer.Option("--out", help="Folder for `signer` and `node`.")],
    host: Annotated[str, typer.Option(help="Name or address at which the node finds the signer.")],
    as_json: JsonOption = False,
) -> None:
    """Make certificates for TLS between one node and its signer.

    Two folders: `signer` goes to the signer's machine, `node` to the node's. The authority that
    signs both is made for this and its key is not kept, so there is never a third.
    """
    from node.signing.certificates import make_certificates

    places = make_certificates(out, host)
    if as_json:
        print_json({"folders": [str(place) for place in places]})
        return
    for place in places:
        typer.echo(f"{place}: ca.pem, cert.pem, key.pem")


@app.command()
def run(
    signer_home: SignerHomeOption,
    listen: Annotated[str, typer.Option(help="unix:/path/of/socket, or tls://host:port.")],
    certificates: Annotated[
        Path | None, typer.Option(help="The `signer` folder of `dcn signer certs`; for tls.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign for one node until told to stop.

    It refuses any height, round or step before the last one it has signed, and a second message at
    one place, whatever the node asks: its own state decides. Kill it at any moment: what it has
    signed is on the disk before the signature is out. A lost state signs nothing until the node
    has seen that it is safe.
    """
    from node.lock import HomeLock
    from node.logs import configure_logs
    from node.signing.address import read_address
    from node.signing.home import SignerHome

    configure_logs("info", "json" if as_json else "console")
    address = read_address(listen, certificates)
    where = SignerHome(signer_home)

    async def serve() -> None:
        from node.signing.server import SignerServer

        running = asyncio.create_task(SignerServer(where.signer()).run(address))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running

    with HomeLock(where.lock):
        asyncio.run(serve())
