"""`dcn confirm`: the confirmation of a registered trade."""

from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption, OutOption
from node.cli.output import json_bytes, pairs, print_json, write_file


def confirm(
    home: HomeOption,
    uti: Annotated[str, typer.Argument(help="The trade's UTI.")],
    out: OutOption = None,
    pdf: Annotated[Path | None, typer.Option(help="Write it here as a PDF, for people.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm a registered trade: its terms, those of its instrument, its fees, where it stands.

    The JSON (--out, --json) is the record; the PDF shows it on paper, and the same content always
    makes the same file. `dcn prove trade UTI` makes a proof of it that needs no node.
    """
    from node.cli.client import Client
    from node.client import calls
    from node.statements.pdf import confirmation_pdf

    with Client(home) as client:
        found = client(calls.confirmation(uti))
    content = found.plain()
    if out is not None:
        write_file(out, json_bytes(content))
    if pdf is not None:
        write_file(pdf, confirmation_pdf(found.record))
    if as_json:
        print_json(content)
    elif out is None and pdf is None:
        beside = ("trade", "instrument")
        pairs(uti, {name: value for name, value in content.items() if name not in beside})
        for name in beside:
            pairs(name.capitalize(), content[name])
    else:
        typer.echo(", ".join(str(path) for path in (out, pdf) if path is not None))
