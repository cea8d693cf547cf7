"""`dcn blotter`: the member's own book, which counterparties' trades are compared with."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json, table

app = typer.Typer(no_args_is_help=True, help="The own book, for affirmation.")

CHUNK: Final = 500


@app.command()
def load(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(help="CSV with a header line; see `dcn blotter list`.")],
    as_json: JsonOption = False,
) -> None:
    """Enter trades of a CSV file into the node's book; an entry with the same UTI is replaced.

    Columns: uti,buyer,seller,instrument,quantity,price,trade_date,source,reference. A file with a
    wrong line is refused whole, and the line named.
    """
    from node.blotter import fields_of, read_blotter
    from node.cli.client import Client

    trades = [fields_of(trade) for trade in read_blotter(file)]
    client = Client(home)
    entered = 0
    for start in range(0, len(trades), CHUNK):
        answer = client.post("/v1/blotter", {"trades": trades[start : start + CHUNK]})
        entered += int(answer["entered"])
    if as_json:
        print_json({"entered": entered})
    else:
        typer.echo(f"entered {entered} trades")


@app.command("list")
def list_(
    home: HomeOption,
    after: Annotated[str, typer.Option(help="Begin behind this UTI.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many (1 to 500).")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List the node's own book in order of UTI."""
    from node.blotter import COLUMNS
    from node.cli.client import Client

    found: dict[str, Any] = Client(home).get("/v1/blotter", after=after, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [[entry[name] for name in COLUMNS] for entry in found["items"]]
    table("Blotter", list(COLUMNS), rows)
    if found["next"]:
        typer.echo(f"More: dcn blotter list --after {found['next']}")
