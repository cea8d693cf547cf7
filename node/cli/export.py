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


class Form(StrEnum):
    """Of the file."""

    CSV = "csv"
    PARQUET = "parquet"


class ParquetUnavailable(EnvironmentFault):
    """Parquet is written by DuckDB, which is not installed."""

    code = "EXPORT_NO_DUCKDB"
    remedy = "Install `dcn[export]`, or use --format csv."


Row = dict[str, Any]


def export(
    home: HomeOption,
    what: Annotated[
        str,
        typer.Argument(help="trades, balances, events, blocks, or a table of the ledger."),
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    form: Annotated[Form, typer.Option("--format", help="csv or parquet.")] = Form.CSV,
    as_json: JsonOption = False,
) -> None:
    """Export what the ledger holds, and what the node keeps of its past.

    trades: with their states. balances: of all members. events, blocks: all that the node keeps.
    Any table of the ledger by its name, as in `dcn ledger`: call, round, obligation, netting_set,
    default_case ... One row each, amounts as integers in minor units. Nested values are JSON text.
    The file is written whole or not at all. In CSV an apostrophe goes before text that a
    spreadsheet would take for a formula.
    """
    from rich.console import Console

    from node.cli.client import Client

    with Client(home) as client, Console(stderr=True).status(f"exporting {what}"):
        rows = list(ROWS[what](client) if what in ROWS else _table(client, what))
    write_file(out, _csv(rows) if form is Form.CSV else parquet(rows))
    if as_json:
        print_json({"file": str(out), "rows": len(rows)})
    else:
        typer.echo(f"{out}: {len(rows)} rows")


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


def _blocks(client: "Client") -> Iterator[Row]:
    from node.client import calls

    status = client(calls.status())
    for height in range(max(1, status.oldest_block), status.height + 1):
        found = client(calls.block(height))
        beside = {
            "id": found.id,
            "transactions": len(found.transactions),
            "certificates": len(found.certificates),
            "commit_round": found.commit.round,
            "signers": json.dumps(found.commit.signers),
        }
        yield _flat(found.header.plain()) | beside


def _table(client: "Client", name: str) -> Iterator[Row]:
    """The rows of a table: the parts of the key, then the fields."""
    from node.client import calls

    for line in client.pages(lambda after: calls.rows(name, after)):
        fields = line.row.fields if isinstance(line.row.fields, dict) else {"row": line.row.fields}
        yield {"key": " ".join(map(str, line.key))} | _flat(fields)


ROWS: Final[dict[str, Callable[["Client"], Iterable[Row]]]] = {
    "trades": _trades,
    "balances": _balances,
    "events": _events,
    "blocks": _blocks,
}


def _flat(row: Row) -> Row:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in row.items()
    }


def _columns(rows: list[Row]) -> list[str]:
    """All columns, in the order in which they first come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _csv(rows: list[Row]) -> bytes:
    from node.spreadsheet import cell

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _columns(rows))
    writer.writeheader()
    for row in rows:
        shown = {name: cell(x) if isinstance(x, str) else x for name, x in row.items()}
        writer.writerow(shown)
    return text.getvalue().encode()


def parquet(rows: list[Row]) -> bytes:
    """By DuckDB, which takes the types from `_sql_type`; raises `ParquetUnavailable`."""
    try:
        import duckdb
    except ImportError:
        raise ParquetUnavailable("") from None
    import tempfile

    # Types are given, not guessed: a UTI of digits stays text.
    columns = {name: _sql_type(rows, name) for name in _columns(rows)} or {"empty": "VARCHAR"}
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "rows.json", Path(folder) / "rows.parquet"
        source.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
        with duckdb.connect() as db:
            db.read_json(str(source), columns=columns, format="newline_delimited").write_parquet(
                str(made)
            )
        return made.read_bytes()


def _sql_type(rows: list[Row], name: str) -> str:
    kinds = {type(row[name]) for row in rows if row.get(name) is not None}
    return {frozenset({int}): "HUGEINT", frozenset({bool}): "BOOLEAN"}.get(
        frozenset(kinds), "VARCHAR"
    )
