"""`dcn import`: trades from other systems' files, with a report of every line."""

import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, UsageWrong, print_json, read_bytes, read_text, table
from node.imports.read import Format
from wire.errors import CodedError

if TYPE_CHECKING:
    from node.cli.client import Client
    from node.imports.entries import Entry
    from node.imports.listing import Listing

app = typer.Typer(no_args_is_help=True, help="Trades from CSV, FIX and FpML files.")


class Into(StrEnum):
    """Where imported trades go."""

    NOTHING = "nothing"
    BLOTTER = "blotter"
    AFFIRMATION = "affirmation"


@app.command()
def trades(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(help="The file.")],
    form: Annotated[Format, typer.Option("--format", help="csv, fix or fpml.")],
    into: Annotated[
        Into,
        typer.Option(
            help="blotter: the own book, by which counterparties' trades are affirmed. "
            "affirmation: signed, and proposed to the counterparties. nothing: report only."
        ),
    ] = Into.NOTHING,
    names: Annotated[
        Path | None,
        typer.Option("--map", help='TOML: other names of instruments: "MSFT UW" = "FWD-MSFT".'),
    ] = None,
    source: Annotated[
        str, typer.Option(help="OTC, RFQ or BOOK, where the file does not say.")
    ] = "OTC",
    some: Annotated[
        bool, typer.Option("--some", help="Take the good lines even if there are bad ones.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read trades from a file, report on every line, and hand the good ones to the node.

    Each trade is checked as the ledger would: instrument, maturity, currency, scale, parties,
    limits. Prices and quantities that are not whole in the instrument's scale are refused, never
    rounded. If a line is refused nothing is taken, unless --some says so. Exit code 0: all lines
    are good; 4: some are refused.

    csv: the columns of `dcn blotter list`, integers in the instrument's scale. fix:
    TradeCaptureReport (AE) of FIX 4.4 and 5.0, SOH between fields. fpml: FpML 5 equityForward and
    fxSingleLeg. Which fields are read: docs/API.md.
    """
    from node.cli.client import Client

    with Client(home) as client:
        entries = _entries(client, read_bytes(file), form, _names(names), source)
        good = [one for one in entries if one.trade is not None]
        taken = good if some or len(good) == len(entries) else []
        if taken and into is not Into.NOTHING:
            _hand_over(client, taken, into)
    _report(entries, len(taken) if into is not Into.NOTHING else 0, into, as_json)
    raise SystemExit(int(Exit.OK if len(good) == len(entries) else Exit.REJECTED))


def _names(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return msgspec.convert(tomllib.loads(read_text(path)), dict[str, str])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageWrong(f"{path}: {error}") from None


def _entries(
    client: "Client", data: bytes, form: Format, names: dict[str, str], source: str
) -> "list[Entry]":
    """The entries of the file, those that the ledger would refuse refused as well."""
    from node.client import calls
    from node.client.errors import remote_error
    from node.imports.read import read_trades

    entries = read_trades(data, form, _listing(client, names), client.lei, source)
    given = [one.trade for one in entries if one.trade is not None]
    said = client(calls.check_trades(given)) if given else []
    found = iter(said)
    told = []
    for entry in entries:
        if entry.trade is None:
            told.append(entry)
            continue
        one = next(found)
        error: CodedError | None = None
        if one.code != "OK":
            error = remote_error(422, msgspec.structs.asdict(one))
        told.append(entry._replace(trade=None if error else entry.trade, error=error))
    return told


def _listing(client: "Client", names: dict[str, str]) -> "Listing":
    from ledger import objects as o
    from node.imports.listing import Listing

    return Listing(
        _rows(client, "instrument", o.Instrument), _rows(client, "asset", o.Asset), names
    )


def _rows(client: "Client", table_name: str, kind: Any) -> Iterator[Any]:
    from node.apitypes.shown import NAMELESS
    from node.client import calls
    from node.forms import build

    for line in client.pages(lambda after: calls.rows(table_name, after)):
        yield build(kind, line.row.fields, NAMELESS, table_name)


def _hand_over(client: "Client", taken: "list[Entry]", into: Into) -> None:
    """In one request, so that all are taken or none."""
    from node.client import calls

    given = [one.trade for one in taken if one.trade is not None]
    if into is Into.BLOTTER:
        client(calls.enter(given))
    else:
        client(calls.initiate(given))


def _report(entries: "list[Entry]", taken: int, into: Into, as_json: bool) -> None:
    rows = [_row(one) for one in entries]
    if as_json:
        refused = sum(one.error is not None for one in entries)
        counts = {"entries": len(rows), "refused": refused, "taken": taken, "into": into.value}
        print_json({**counts, "report": rows})
        return
    shown = [
        [str(row["line"]), row["uti"], row["status"], f"{row['code']} {row['detail']}".strip()]
        for row in rows
    ]
    table("Entries", ["line", "uti", "status", "why"], shown)
    for remedy in dict.fromkeys((row["code"], row["remedy"]) for row in rows if row["code"]):
        typer.echo(f"{remedy[0]}: {remedy[1]}")
    typer.echo(f"{len(rows)} entries, {taken} taken into {into.value}")


def _row(one: "Entry") -> dict[str, Any]:
    error = one.error
    return {
        "line": one.line,
        "uti": one.uti,
        "status": "good" if error is None else "refused",
        "code": "" if error is None else error.code,
        "detail": "" if error is None else error.detail,
        "remedy": "" if error is None else error.remedy,
    }
