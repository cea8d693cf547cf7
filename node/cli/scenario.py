"""`dcn scenario`: rehearse the rulebook on the real ledger, without a network."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import JsonOption
from node.cli.output import Exit, print_json, table
from node.cli.replay import replay

if TYPE_CHECKING:
    from node.rehearsal.run import Done
    from node.rehearsal.script import Report

app = typer.Typer(no_args_is_help=True, help="Rehearse: scripts, and weeks of real prices.")
app.command()(replay)


@app.command()
def run(
    files: Annotated[list[Path], typer.Argument(help="Scenario files (TOML).")],
    home: Annotated[
        Path | None,
        typer.Option(help="Start from the state of this home's node instead of a new network."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the verdict of each file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run scenario files through the code that decides blocks, and check what they expect.

    Every step is a block of the real ledger; only signatures are not made, so a rehearsal needs no
    keys and can start from a live node's state, which it does not touch. It is a rehearsal and no
    network: no consensus, no messages. Exit code 0: everything came as expected; 1: not. The format
    is in docs/SCENARIOS.md, examples are in configs/scenarios.
    """
    from node.home import Home
    from node.plain import plain
    from node.rehearsal.script import read_script
    from node.rehearsal.script import run as rehearse
    from node.stored import stored_state

    live = None if home is None else asyncio.run(stored_state(Home(home)))
    reports = []
    for file in files:
        script = read_script(file)
        if not as_json:
            typer.echo(f"{file}: {script.title}")
        show = None if as_json or quiet else _show
        reports.append(rehearse(script, live, show))
        if not as_json:
            _conclude(reports[-1], quiet)
    if as_json:
        shown: list[Any] = [
            {"file": str(f), **plain(r)} for f, r in zip(files, reports, strict=True)
        ]
        print_json(shown[0] if len(shown) == 1 else shown)
    failed = any(report.failures for report in reports)
    raise SystemExit(int(Exit.VERDICT if failed else Exit.OK))


def _show(done: "Done") -> None:
    head = f"  {done.number:>3}  height {done.height}"
    typer.echo(f"{head}  {done.title}" if done.title else head)
    for outcome in done.outcomes:
        typer.echo(f"       {outcome['code']} {outcome['detail']}".rstrip())
    for event in done.events:
        fields = {name: value for name, value in event.items() if name != "type"}
        typer.echo(f"       {event['type']} {fields}")


def _conclude(report: "Report", quiet: bool) -> None:
    if not quiet and report.balances:
        rows = [
            [member, account, f"{amount:,}"]
            for member, accounts in sorted(report.balances.items())
            for account, amount in sorted(accounts.items())
        ]
        table(f"Balances at height {report.height}", ["member", "account", "amount"], rows)
    for failure in report.failures:
        typer.echo(f"  FAILED {failure}")
    verdict = "as expected" if not report.failures else f"{len(report.failures)} not as expected"
    typer.echo(
        f"  {report.expectations} expectations, {verdict}; invariants {report.invariants}; "
        f"state root {report.state_root[:16]}"
    )
