"""`dcn trade`: submit own trades, follow them until they are registered, look them up."""

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, UsageWrong, pairs, print_json, table
from wire.errors import CodedError

if TYPE_CHECKING:
    from node.cli.client import Client

app = typer.Typer(no_args_is_help=True, help="Submit, list and show trades.")

CHUNK: Final = 500
"""Trades in one request."""

COLUMNS: Final = ["uti", "buyer", "seller", "instrument", "quantity", "price", "state"]
ENDED: Final = ("registered", "refused", "rejected", "expired")


@app.command()
def submit(
    home: HomeOption,
    csv: Annotated[Path | None, typer.Option(help="A CSV of trades instead of one.")] = None,
    uti: Annotated[str, typer.Option(help="Default: the node's LEI and 16 random digits.")] = "",
    buyer: Annotated[str, typer.Option(help="LEI of the buyer.")] = "",
    seller: Annotated[str, typer.Option(help="LEI of the seller.")] = "",
    instrument: Annotated[str, typer.Option(help="Code, e.g. FWD-AAPL.")] = "",
    quantity: Annotated[str, typer.Option(help="Units, a positive integer.")] = "",
    price: Annotated[str, typer.Option(help="In the instrument's scale, an integer.")] = "",
    trade_date: Annotated[str, typer.Option(help="yyyymmdd.")] = "",
    source: Annotated[str, typer.Option(help="OTC, RFQ or BOOK.")] = "OTC",
    reference: Annotated[str, typer.Option(help="Free text of the parties.")] = "",
    batch: Annotated[
        bool, typer.Option("--batch", help="All with one signature: one counterparty only.")
    ] = False,
    follow: Annotated[bool, typer.Option(help="Wait until it is known what became of them.")] = (
        True
    ),
    timeout: Annotated[float, typer.Option(help="Seconds to follow.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Sign own trades, have the counterparty's node affirm them, and follow them to the ledger.

    The counterparty's node compares each trade with its own book (`dcn blotter load` there): it
    signs too, or answers with the fields that differ. Twice-signed trades are gossiped and stand
    on the ledger, final, with the next block. Exit code 0: all registered; 1: some still wait;
    4: some are refused.
    """
    from node.blotter import fields_of, read_blotter
    from node.cli.client import Client

    client = Client(home)
    if csv is not None:
        trades = [fields_of(trade) for trade in read_blotter(csv)]
    else:
        own = {
            "uti": uti or client.lei + secrets.token_hex(8).upper(),
            "buyer": buyer,
            "seller": seller,
            "instrument": instrument,
            "quantity": quantity,
            "price": price,
            "trade_date": trade_date,
        }
        missing = [name for name, value in own.items() if not value]
        if missing:
            raise UsageWrong(f"--{missing[0].replace('_', '-')} is missing (or give --csv)")
        trades = [own | {"source": source, "reference": reference}]
    for start in range(0, len(trades), CHUNK):
        content = {"trades": trades[start : start + CHUNK], "batch": batch}
        client.post("/v1/trades", content)
    utis = [trade["uti"] for trade in trades]
    found = _followed(client, utis, timeout if follow else 0)
    _show_outcome(found, as_json)
    raise SystemExit(int(_exit(found) if follow else Exit.OK))


@app.command("list")
def list_(
    home: HomeOption,
    after: Annotated[str, typer.Option(help="Begin behind this UTI.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many (1 to 500).")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List registered trades in order of UTI."""
    from node.cli.client import Client

    found = Client(home).get("/v1/trades", after=after, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [[str(trade[name]) for name in COLUMNS] for trade in found["items"]]
    table(f"Trades, height {found['as_of_height']}", COLUMNS, rows)
    if found["next"]:
        typer.echo(f"More: dcn trade list --after {found['next']}")


@app.command()
def show(
    home: HomeOption,
    uti: Annotated[str, typer.Argument(help="The trade's UTI.")],
    as_json: JsonOption = False,
) -> None:
    """Show a trade: registered, or on its way; with the fields in which the two books differ."""
    from node.cli.client import Client

    found = Client(home).get(f"/v1/trades/{uti}")
    if as_json:
        print_json(found)
        return
    differing = found.pop("differences", [])
    pairs(uti, {name: value for name, value in found.items() if value != ""})
    _show_differences(uti, differing)


def _followed(client: "Client", utis: list[str], seconds: float) -> list[dict[str, Any]]:
    """What became of each trade, or is becoming, when the time is up."""
    found: dict[str, dict[str, Any]] = {}
    end = time.monotonic() + seconds
    while True:
        for uti in utis:
            if found.get(uti, {}).get("status") not in ENDED:
                found[uti] = {"uti": uti, **_look_up(client, uti)}
        if all(one["status"] in ENDED for one in found.values()) or time.monotonic() > end:
            return [found[uti] for uti in utis]
        time.sleep(0.15)


def _look_up(client: "Client", uti: str) -> dict[str, Any]:
    from node.api.errors import NotFound

    try:
        found: dict[str, Any] = client.get(f"/v1/trades/{uti}")
    except CodedError as error:
        if error.code == NotFound.code:
            return {"status": "unknown"}
        raise
    return found


def _exit(found: list[dict[str, Any]]) -> Exit:
    states = [one["status"] for one in found]
    if all(state == "registered" for state in states):
        return Exit.OK
    return Exit.REJECTED if any(state in ENDED[1:] for state in states) else Exit.VERDICT


def _show_outcome(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for one in found:
        why = " ".join(str(one[key]) for key in ("code", "detail") if one.get(key))
        typer.echo(f"{one['uti']}: {one['status']}{' ' + why if why else ''}")
        if one["status"] == "waiting":
            typer.echo("  its counterparty has not answered: is it connected, has it the trade?")
        _show_differences(one["uti"], one.get("differences") or [])


def _show_differences(uti: str, differing: list[dict[str, str]]) -> None:
    """`ours` is the answering side's book, so the counterparty's."""
    rows = [[one["field"], one["theirs"], one["ours"]] for one in differing]
    if rows:
        table(f"{uti}: the books differ", ["field", "this node", "counterparty"], rows)
