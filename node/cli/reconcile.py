"""`dcn reconcile`: a member's own book against the ledger."""

from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, print_json, table


def reconcile(
    home: HomeOption,
    book: Annotated[Path, typer.Argument(help="CSV with the columns of a blotter.")],
    as_json: JsonOption = False,
) -> int:
    """Compare a book with the ledger, trade by trade and field by field, and explain each break.

    Trades that the book has and the ledger has not, the other way round, fields that differ, and
    trades that are not live any more. Exit code 0: no break; 1: there are breaks.
    """
    from node.blotter import read_blotter
    from node.cli.client import Client
    from node.client import calls
    from node.reconcile import reconcile as compare

    own = read_blotter(book)
    client = Client(home)
    ledger = [(line.record, line.extra.state) for line in client.pages(calls.trades)]
    breaks = compare(client.lei, own, ledger)
    if as_json:
        shown = [
            {"uti": x.uti, "kind": x.kind, "field": x.field, "book": x.book, "ledger": x.ledger}
            | {"explained": x.explained}
            for x in breaks
        ]
        print_json({"lei": client.lei, "book_trades": len(own), "breaks": shown})
    elif breaks:
        rows = [[x.uti, x.kind, x.field, x.book, x.ledger] for x in breaks]
        table("Breaks", ["uti", "break", "field", "book", "ledger"], rows)
        for kind in sorted({x.kind for x in breaks}):
            typer.echo(f"{kind}: {next(x.explained for x in breaks if x.kind == kind)}.")
    else:
        typer.echo(f"{len(own)} trades of the book and the ledger agree.")
    return int(Exit.VERDICT if breaks else Exit.OK)
