"""`dcn scenario replay`: weeks of real prices on the real ledger, with a default."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.options import JsonOption
from node.cli.output import print_json, table, write_file

if TYPE_CHECKING:
    from node.replay.report import Report
    from node.replay.run import Default


def replay(
    window: Annotated[str, typer.Argument(help="2008 (September, October) or 2020 (to April).")],
    members: Annotated[int, typer.Option(help="Members (4 to 40).")] = 12,
    trades: Annotated[int, typer.Option(help="Contracts of the book.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed gives the same book and paths.")] = 1,
    cycle: Annotated[str, typer.Option(help="Cycle length: daily, hourly or both.")] = "both",
    margin: Annotated[
        str, typer.Option(help="Initial margin by the `schedule`, or `historical` simulation.")
    ] = "historical",
    default: Annotated[
        str, typer.Option(help="`worst`, `none`, or who stops paying when: M03@20081010.")
    ] = "worst",
    dates: Annotated[int, typer.Option(help="Only the first so many dates; 0: all.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Write a chart (SVG) to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay two months of real prices, margined daily and hourly, and compare.

    A seeded book of equity forwards is traded on the first date and margined to the last by the
    code that decides blocks: variation margin netted across all members, initial margin in custody,
    excess taken back daily. One member stops paying on the worst date, and the default runs by the
    rules: who lost what from which tranche. Beside it the same book with margin two dates later
    (T+2), and bilaterally contract by contract. Closes are real; hourly prices between them are
    synthetic. Figures and what they mean: docs/REPLAYS.md.
    """
    from rich.console import Console
    from rich.progress import Progress

    from node.plain import plain
    from node.replay.chart import chart
    from node.replay.report import CYCLES, Wanted
    from node.replay.report import replay as run

    cycles = CYCLES if cycle == "both" else (cycle,)
    wanted = Wanted(window, members, trades, seed, cycles, margin.upper(), default, dates)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("replaying", total=None)
        report = run(wanted, lambda what: bar.update(task, description=what))
    if plot is not None:
        write_file(plot, chart(report).encode())
    if as_json:
        print_json(plain(report))
    else:
        _show(report)


def _show(report: "Report") -> None:
    wanted = report.wanted
    typer.echo(
        f"{report.first} to {report.last}, {report.dates} dates, {wanted.members} members, "
        f"{wanted.trades} contracts, seed {wanted.seed}, initial margin {wanted.margin}; "
        f"whole dollars. {report.synthetic}"
    )
    names = list(report.funding)
    for title, figure in (("Peak funding", "peak"), ("Turnover", "turnover")):
        rows = [
            [who, *(_dollars(getattr(report.funding[name][who], figure)) for name in names)]
            for who in report.funding[names[0]]
        ]
        sums = [
            sum(getattr(one, figure) for one in report.funding[name].values()) for name in names
        ]
        rows.append(["all", *map(_dollars, sums)])
        table(title, ["member", *names], rows)
    cycles = list(report.peak_im)
    rows = [
        [who, *(_dollars(report.peak_im[name][who]) for name in cycles)]
        for who in report.peak_im[cycles[0]]
    ]
    table("Most initial margin in custody", ["member", *cycles], rows)
    for name, one in report.defaults.items():
        _show_default(name, one)
    rows = [
        [name, _dollars(one.claims), _dollars(one.uncovered)]
        for name, one in report.elsewhere.items()
    ]
    if rows:
        columns = ["regime", "claims", "not covered by the same initial margin"]
        table("The same default elsewhere", columns, rows)


def _show_default(name: str, one: "Default") -> None:
    at = f"the close of {one.closed_out_at}" if one.closed_out_at else "medians of the same date"
    typer.echo(
        f"{name}: {one.defaulter} stops paying on {one.date}, closed out at {at}; "
        f"claims {_dollars(one.claims)}, owed to its estate {_dollars(one.owed_to_estate)}"
    )
    rows = [[tranche, _dollars(amount)] for tranche, amount in one.borne.items()]
    table(f"Who bears it, {name} cycles", ["tranche", "amount"], rows)
    rows = [
        [
            who,
            _dollars(losses.claim),
            _dollars(losses.covered),
            ", ".join(f"{tranche} {_dollars(x)}" for tranche, x in losses.borne.items()),
        ]
        for who, losses in one.members.items()
    ]
    table("By member", ["member", "claim", "covered", "bears"], rows)


def _dollars(cents: int) -> str:
    return f"{cents // 100:,}"
