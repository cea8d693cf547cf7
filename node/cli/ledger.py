"""`dcn ledger`: any table of the ledger, as the node holds it."""

from typing import Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json, table


def ledger(
    home: HomeOption,
    name: Annotated[
        str, typer.Argument(help="E.g. call, csa, dispute, netting_set, obligation; empty: names.")
    ] = "",
    about: Annotated[
        str, typer.Option(help="Only rows that speak of this member, trade or code.")
    ] = "",
    limit: Annotated[int, typer.Option(help="At most so many rows.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Show the rows of a table of the ledger: margin calls, terms, disputes, debts, anything.

    Each answer says of which height it is. `dcn prove` proves a row against a block's header.
    """
    from node.cli.client import Client

    client = Client(home)
    if not name:
        names = client.get("/v1/tables")
        if as_json:
            print_json(names)
        else:
            typer.echo("\n".join(names))
        return
    found = client.get(f"/v1/tables/{name}", limit=limit, about=about)
    if as_json:
        print_json(found)
        return
    rows = [[_short(entry["key"]), _short(entry["row"])] for entry in found["items"]]
    more = ", and more (--limit)" if found["next"] else ""
    table(f"{name}, height {found['as_of_height']}{more}", ["key", "row"], rows)


def _short(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_short(item)}" for name, item in value.items())
        case list():
            return "[" + "; ".join(_short(item) for item in value) + "]"
        case None:
            return "-"
        case str() if len(value) == 64:
            return value[:16]
        case _:
            return str(value)
