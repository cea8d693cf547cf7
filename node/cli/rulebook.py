"""`dcn rulebook`: the rules in force, as a text."""

from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json, write_file


def rulebook(
    home: HomeOption,
    version: Annotated[int, typer.Option(help="A version that was in force; 0: the present.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the text to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rulebook in force: its clauses, with the parameters filled in (Markdown).

    `dcn governance propose rulebook` amends it; every decision's event names clause and version.
    """
    from node.cli.client import Client
    from node.rulebook_form import amended
    from node.rulebook_page import page

    place = f"/v1/rulebook/{version}" if version else "/v1/rulebook"
    found = Client(home).get(place)
    if as_json:
        print_json(found)
        return
    plain = found["rulebook"]
    text = page(amended(plain, {}, int(plain["version"])))
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_file(out, text.encode())
        typer.echo(f"{out}: version {plain['version']}")
