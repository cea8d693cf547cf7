"""`dcn api`: what programs need to know of a node's API."""

import json

import typer

from node.cli.options import JsonOption, OutOption
from node.cli.output import print_json, write_file

app = typer.Typer(no_args_is_help=True, help="The HTTP API: its OpenAPI document.")


@app.command()
def openapi(
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the OpenAPI 3.1 document, from which clients in other languages are generated.

    It needs no node: every node of this version has the same, and serves it at
    /v1/openapi.json. Python programs have a client already (docs/API.md).
    """
    from node.observer.app import document

    found = document()
    if out is None:
        print_json(found)
        return
    write_file(out, json.dumps(found, ensure_ascii=False).encode())
    if as_json:
        print_json({"file": str(out), "paths": len(found["paths"])})
    else:
        typer.echo(f"{out}: OpenAPI {found['openapi']}, {len(found['paths'])} paths")
