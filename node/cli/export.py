"""`dcn export`: what the ledger holds as a table, for spreadsheets and databases."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json, write_file
from wire.errors import EnvironmentFault

if TYPE_CHECKING:
    from node.cli.client import Client


class What(StrEnum):
    """What can be exported."""

    TRADES = "trades"
    BALANCES = "balances"
    EVENTS = "events"


class Form(StrEnum):
    """Of the file."""

    CSV = "csv"
    PARQUET = "parquet"


class ParquetUnavailable(EnvironmentFault):
    """Parquet is written by DuckDB, which is not installed."""

    code = "EXPORT_NO_DUCKDB"
    remedy = "Install `dcn[export]`, or use --format csv."


def export(
    home: HomeOption,
    what: Annotated[What, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    form: Annotated[Form, typer.Option("--format", help="csv or parquet.")] = Form.CSV,
    as_json: JsonOption = False,
) -> None:
    """Export the ledger's trades, all balances, or all events that the node keeps.

    One row each, amounts as integers in minor units. Nested values are JSON text. The file is
    written whole or not at all.
    """
    from node.cli.client import Client

    rows = list(ROWS[what](Client(home)))
    write_file(out, _csv(rows) if form is Form.CSV else _parquet(rows))
    if as_json:
        print_json({"file": str(out), "rows": len(rows)})
    else:
        typer.echo(f"{out}: {len(rows)} rows")


Row = dict[str, Any]


def _trades(client: "Client") -> Iterator[Row]:
    from node.client import calls

    for line in client.pages(calls.trades):
        yield _flat(line.plain())


def _balances(client: "Client") -> Iterator[Row]:
    from node.client import calls

    for member in client.pages(calls.accounts):
        found = client(calls.account(member.record.lei))
        for line in found.balances:
            beside = {"as_of_height": found.as_of_height, "lei": member.record.lei}
            yield beside | _flat(line.plain())


def _events(client: "Client") -> Iterator[Row]:
    from node.client import calls
    from node.plain import plain

    for line in client.pages(calls.events):
        content = json.dumps(plain(line.event.record), ensure_ascii=False)
        yield {"id": line.id, "height": line.height, "type": line.type, "event": content}


ROWS: Final[dict[What, Callable[["Client"], Iterable[Row]]]] = {
    What.TRADES: _trades,
    What.BALANCES: _balances,
    What.EVENTS: _events,
}


def _flat(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: list[Row]) -> bytes:
    """By DuckDB, which takes the types from JSON; raises `ParquetUnavailable`."""
    try:
        import duckdb
    except ImportError:
        raise ParquetUnavailable("") from None
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "rows.json", Path(folder) / "rows.parquet"
        source.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
        columns = {name: _sql_type(rows, name) for name in (rows[0] if rows else {"empty": 0})}
        with duckdb.connect() as db:
            # Types are given, not guessed: a UTI of digits stays text.
            db.read_json(str(source), columns=columns, format="newline_delimited").write_parquet(
                str(made)
            )
        return made.read_bytes()


def _sql_type(rows: list[Row], name: str) -> str:
    return "HUGEINT" if rows and isinstance(rows[0][name], int) else "VARCHAR"
