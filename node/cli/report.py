"""`dcn report`: supervisors' reports from the read store of this home, its node running or not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, UsageWrong, json_bytes, print_json, table, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.observer.reports.daily import DailyReport
    from node.observer.reports.pqd.report import PqdReport
    from node.observer.reports.trades import TradeReport
    from node.observer.store import Reader
    from node.observer.words import Words

app = typer.Typer(
    no_args_is_help=True,
    help="Reports for supervisors, made from the read store of this home alone: the trade report, "
    "the public quantitative disclosure, the day. Who reads the file sees all that is in it, and "
    "no look is recorded: people of an authority ask the API (docs/SUPERVISORS.md).",
)

DateOption = Annotated[
    int | None, typer.Option("--date", help="A closed business date, yyyymmdd; none: the last.")
]
FileOption = Annotated[
    Path | None, typer.Option("--out", help="Write to this file: .json, .csv or .parquet.")
]
TableOption = Annotated[
    str, typer.Option("--table", help="Of .csv and .parquet: which table; none: the first.")
]


@app.command()
def trades(
    home: HomeOption,
    date: DateOption = None,
    member: Annotated[
        str, typer.Option(help="Only contracts of this LEI, seen from its side.")
    ] = "",
    out: FileOption = None,
    of: TableOption = "",
    as_json: JsonOption = False,
) -> None:
    """Every contract as EMIR asks for it, as of a date's close, reconciled to the ledger.

    Tables: trades, activity (what happened to contracts on the date), portfolios (margin by
    netting set), reconciliation, differences. Amounts in files are integers in minor units. Exit
    code 1: something is not what the ledger says. Fields and numbers: docs/REPORTS.md.
    """
    from node.observer.reports.trades import trade_report

    report, words = _made(home, lambda db: trade_report(db, date, member))
    _put(report, out, of, as_json, lambda: _show_trades(report, words))
    if any(one.differences for one in report.reconciliation):
        raise typer.Exit(int(Exit.VERDICT))


@app.command()
def pqd(
    home: HomeOption,
    date: DateOption = None,
    out: FileOption = None,
    of: TableOption = "",
    as_json: JsonOption = False,
) -> None:
    """The public quantitative disclosure of CPMI-IOSCO: what applies, and why the rest does not.

    Tables: disclosures, inapplicable. Totals and ranks without names, as of a date's close, over
    its quarter so far or twelve months.
    """
    from node.observer.reports.pqd.report import pqd_report

    report, words = _made(home, lambda db: pqd_report(db, date))
    _put(report, out, of, as_json, lambda: _show_pqd(report, words))


@app.command()
def daily(
    home: HomeOption,
    date: DateOption = None,
    out: FileOption = None,
    of: TableOption = "",
    as_json: JsonOption = False,
) -> None:
    """A business date on one page: trades, values, margin, calls, netting, defaults, alerts.

    Tables: figures, rounds, late, validators, cases, alerts.
    """
    from node.observer.reports.daily import daily_report

    report, words = _made(home, lambda db: daily_report(db, date))
    _put(report, out, of, as_json, lambda: _show_daily(report, words))


def _made(home: Path, make: "Callable[[Reader], Any]") -> "tuple[Any, Words]":
    """A report, and how to write it; raises `ReadStoreMissing` and what the report raises."""
    from contextlib import closing

    from rich.console import Console

    from node.home import Home
    from node.observer.stored import stored
    from node.observer.words import Words
    from node.viewing.viewer import Viewer, looking

    operator = Viewer("dcn report", everything=True)
    with closing(stored(Home(home))) as sight, looking(operator):
        with Console(stderr=True).status("reading"), sight.reader() as db:
            report = make(db)
        return report, Words(sight.lexicon())


def _put(report: Any, out: Path | None, of: str, as_json: bool, show: "Callable[[], None]") -> None:
    """To a file by its ending, as JSON, or on the screen; raises `UsageWrong`."""
    import msgspec

    if out is None:
        if of:
            raise UsageWrong("--table goes with --out FILE.csv or FILE.parquet")
        if as_json:
            print_json(msgspec.to_builtins(report))
        else:
            show()
        return
    write_file(out, _content(report, out.suffix, of))
    told = {"file": str(out), "date": report.date, "as_of_height": report.as_of_height}
    if as_json:
        print_json(told)
    else:
        typer.echo(f"{out}: {report.date}, as of block {report.as_of_height}")


def _content(report: Any, form: str, of: str) -> bytes:
    import msgspec

    from node.cli.export import parquet
    from node.observer.showing import table_of, tables_of

    if form == ".json" and not of:
        return json_bytes(msgspec.to_builtins(report))
    names = [name for name in tables_of(report) if name != "dates"]
    if form not in (".csv", ".parquet"):
        raise UsageWrong(f"--out ends with {form or 'nothing'}: .json (whole), .csv or .parquet")
    name = of or names[0]
    if name not in names:
        raise UsageWrong(f"--table is {name[:40]!r}, one of {', '.join(names)}")
    if form == ".csv":
        return table_of(report, name)[1].encode()
    return parquet([msgspec.to_builtins(row) for row in getattr(report, name)])


# -------------------------------------------------------------------- on the screen
def _show_trades(report: "TradeReport", words: "Words") -> None:
    rows = [
        [
            one.uti,
            words.name(one.account_1),
            words.name(one.account_2),
            one.direction,
            one.instrument,
            str(one.quantity),
            words.amount(one.notional, one.currency),
            words.amount(one.valuation, one.currency),
            str(one.maturity),
            one.state,
        ]
        for one in report.trades
    ]
    columns = [
        "UTI", "counterparty 1", "counterparty 2", "direction", "instrument", "quantity",
        "notional", "valuation", "matures", "state",
    ]  # fmt: skip
    table(f"Contracts, close of {report.date}", columns, rows)
    rows = [
        [
            words.name(one.counterparty_1),
            words.name(one.counterparty_2),
            one.asset,
            *[
                words.money(amount, one.asset)
                for amount in (one.vm_posted, one.vm_collected, one.im_posted, one.im_collected)
            ],
            one.category,
        ]
        for one in report.portfolios
    ]
    columns = [
        "counterparty 1", "counterparty 2", "asset", "VM posted", "VM collected", "IM posted",
        "IM collected", "category",
    ]  # fmt: skip
    table("Margin by portfolio", columns, rows)
    rows = [
        [one.what, str(one.slots), str(one.reported), str(one.ledger), str(one.differences)]
        for one in report.reconciliation
    ]
    table("Reconciliation", ["what", "pairs", "reported", "ledger", "differences"], rows)
    for wrong in report.differences:
        typer.echo(
            f"{wrong.what} of {words.name(wrong.first)} and {words.name(wrong.second)}, "
            f"{wrong.asset}: reported {wrong.reported}, the ledger has {wrong.ledger}"
        )


def _show_pqd(report: "PqdReport", words: "Words") -> None:
    rows = [
        [
            f"{one.number} {one.name}",
            one.of,
            one.said or words.amount(one.value, one.unit),
            one.period,
        ]
        for one in report.disclosures
    ]
    columns = ["field", "of", "value", "period"]
    table(f"Public quantitative disclosure, close of {report.date}", columns, rows)
    rows = [[one.numbers, one.reason] for one in report.inapplicable]
    table("Fields that do not apply", ["numbers", "why"], rows)


def _show_daily(report: "DailyReport", words: "Words") -> None:
    rows = [
        [f"{one.chapter}: {one.what}", words.amount(one.value, one.unit)] for one in report.figures
    ]
    title = f"{report.date}: blocks {report.first_height} to {report.last_height}"
    table(title, ["what", "figure"], rows)
    rows = [
        [
            f"round {one.number}",
            one.state,
            words.amount(one.gross, one.asset),
            words.amount(one.cleared_bps, "basis points"),
            words.amount(one.cash_moved, one.asset),
        ]
        for one in report.rounds
    ]
    table("Netting", ["round", "state", "gross", "cleared", "cash moved"], rows)
    for call in report.late:
        typer.echo(
            f"late: {words.name(call.payer)} owes {words.name(call.receiver)} "
            f"{words.amount(call.amount, call.asset)}, due in block {call.due}"
        )
    for case in report.cases:
        typer.echo(f"case {case.number}: {words.name(case.defaulter)}, {case.state}")
    for validator in report.validators:
        if validator.missed:
            typer.echo(
                f"{words.name(validator.lei)} missed {validator.missed} of {validator.of} blocks"
            )
    for alert in report.alerts:
        typer.echo(f"alert, {alert.severity}: {words.named(alert.told)}")
