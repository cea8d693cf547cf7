"""`dcn keys`: the public half of a node's keys, and single keys for oracles and issuers."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import FileUnusable, pairs, print_json

app = typer.Typer(no_args_is_help=True, help="Public keys of a home, and new single keys.")


@app.command()
def show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show a home's public keys and peer id; secrets are never shown.

    With --json this is the file that `dcn genesis compose` takes as `keys_file` of a member.
    """
    from node.home import Home
    from node.identity import as_json as shown
    from node.identity import public_keys_of

    found = shown(public_keys_of(Home(home)))
    if as_json:
        print_json(found)
    else:
        pairs(f"Public keys of {found['lei']}", found)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where the secret goes (32 bytes in hex).")],
    as_json: JsonOption = False,
) -> None:
    """Make one signing key, for an oracle or an issuer that runs no node; print its public half.

    The file is readable by its owner only; an existing file is refused.
    """
    from node.files import replace_file
    from wire.signing import SigningKey

    if file.exists():
        raise FileUnusable(f"{file} exists already")
    seed = secrets.token_bytes(32)
    replace_file(file, seed.hex().encode())
    public = SigningKey(seed).public.hex()
    if as_json:
        print_json({"file": str(file), "public_key": public})
    else:
        typer.echo(public)
