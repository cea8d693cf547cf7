"""`dcn testnet init|run|down`."""

import asyncio
import json
import shutil
import signal
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from node.cli.options import JsonOption
from node.cli.output import Exit, print_json
from node.cli.testnet.drive import Drive
from node.cli.testnet.layout import Pace, Place, lay_out, names_in, recall, remember
from node.cli.testnet.links import Links
from node.cli.testnet.plan import Replay, make_replay
from node.cli.testnet.processes import Processes, any_alive, stop_pids
from node.cli.testnet.report import Report, collect, picture, show
from node.files import replace_file

app = typer.Typer(no_args_is_help=True, help="A network of real node processes on this machine.")

Directory = Annotated[Path, typer.Option("--dir", help="Where the nodes' homes are made.")]
Members = Annotated[int, typer.Option(help="Member nodes, each a validator (4 to 20).")]
Observers = Annotated[int, typer.Option(help="Observer nodes (0 to 5).")]
Days = Annotated[int, typer.Option(help="Market days to replay, from 2008-09-12 (1 to 11).")]
Trades = Annotated[int, typer.Option(help="Bilateral trades in all, spread over the days.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same keys and trades.")]

KILLED_SECONDS = 3
CUT_SECONDS = 8
CHAOS = ("none", "kill", "partition")


@app.command()
def init(
    directory: Directory = Path("testnet"),
    members: Members = 4,
    observers: Observers = 1,
    days: Days = 11,
    trades: Trades = 550,
    seed: Seed = 1,
    as_json: JsonOption = False,
) -> None:
    """Make the home directories of a testnet, and start nothing.

    Each node can then be run by hand: `dcn run --home testnet/member-1`.
    """
    replay = _replay(members, observers, days, trades, seed)
    places = lay_out(directory, replay, Pace())
    if as_json:
        print_json(msgspec.to_builtins(places))
        return
    for place in places:
        typer.echo(f"{place.name}: dcn run --home {place.home}")


@app.command()
def run(
    directory: Directory = Path("testnet"),
    members: Members = 4,
    observers: Observers = 1,
    days: Days = 11,
    trades: Trades = 550,
    seed: Seed = 1,
    chaos: Annotated[
        str,
        typer.Option(
            help="Faults on purpose in mid-run: `kill` a validator, or `partition` one from all."
        ),
    ] = "none",
    default: Annotated[
        str,
        typer.Option(
            help="A member stops paying: WHO@DATE, its number or LEI, e.g. 2@20080916. Its default "
            "runs by the rules of the ledger."
        ),
    ] = "",
    keep: Annotated[bool, typer.Option(help="Leave the network running at the end.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Write the final screen as a picture to this file.")
    ] = None,
) -> None:
    """Start a network of real nodes and replay market days on it.

    Each node is a process of its own with its keys, store and py-libp2p host. Trades are affirmed
    by both sides, marked by three oracles, margined, netted and settled day by day. The exit code
    is 0 only if at the end every node has the same state and everything is cleared.
    """
    if chaos not in CHAOS:
        raise typer.BadParameter(f"{chaos}: one of {', '.join(CHAOS)}", param_hint="--chaos")
    if keep and chaos == "partition":
        raise typer.BadParameter("the wires end with this command", param_hint="--keep")
    replay = _replay(members, observers, days, trades, seed, default)
    old = recall(directory)
    if old is not None and not any_alive(old[1]):
        shutil.rmtree(directory)
    report, places = asyncio.run(_run(directory, replay, chaos, keep))
    console = Console(record=svg is not None)
    show(report, console)
    if svg is not None:
        replace_file(svg, picture(console).encode(), 0o644)
    if json_file is not None:
        replace_file(json_file, json.dumps(msgspec.to_builtins(report), indent=2).encode(), 0o644)
    if keep:
        for place in places:
            console.print(f"{place.name}: API {place.url()}, home {place.home}")
        console.print(f"Stop it with: dcn testnet down --dir {directory}")
    raise SystemExit(int(Exit.OK if report.verdict else Exit.VERDICT))


@app.command()
def down(
    directory: Directory = Path("testnet"),
    keep_files: Annotated[bool, typer.Option(help="Leave the homes as they are.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the nodes of a testnet and remove their homes."""
    found = recall(directory)
    pids = {} if found is None else found[1]
    stop_pids(pids)
    if found is not None and keep_files:
        remember(directory, found[0], {})
    elif found is not None:
        shutil.rmtree(directory)
    if as_json:
        print_json({"directory": str(directory), "stopped": sorted(pids)})
    else:
        typer.echo(f"no testnet in {directory}" if found is None else f"stopped {len(pids)} nodes")


def _replay(
    members: int, observers: int, days: int, trades: int, seed: int, default: str = ""
) -> Replay:
    return make_replay(
        members=members,
        observers=observers,
        days=days,
        trades=trades,
        seed=seed,
        default=default,
    )


async def _run(
    directory: Path, replay: Replay, chaos: str, keep: bool
) -> tuple[Report, list[Place]]:
    begin = time.monotonic()
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    links = Links(names_in(replay)) if chaos == "partition" else None
    places = lay_out(directory, replay, Pace(), links)
    if links is not None:
        links.start({place.name: place.p2p for place in places})
    processes = Processes(directory, places)
    drive = Drive(replay, places, processes)
    faults: list[str] = []
    kept = False
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, transient=True) as progress:
            task = progress.add_task("starting the nodes", total=3 * len(replay.days) + 2)

            def step(what: str) -> None:
                progress.update(task, advance=1, description=what)

            processes.start_all()
            await drive.wait_connected()
            step("minting settlement cash")
            await drive.fund()
            if replay.failure is not None:
                await drive.contribute()
            for number, day in enumerate(replay.days):
                step(f"{day.date}: {len(day.trades)} trades")
                await drive.trade(day)
                if number == len(replay.days) // 2:
                    faults += await _chaos(chaos, drive, places, links)
                await drive.registered()
                failure = replay.failure
                if failure is not None and failure.date == day.date:
                    await drive.stop_paying(failure.lei)
                step(f"{day.date}: oracle marks")
                await drive.mark(day)
                step(f"{day.date}: margin, netting, settlement")
                await drive.settled(day)
                if failure is not None and failure.date == day.date:
                    await drive.declared(failure.lei)
            step("comparing the nodes")
            report = await collect(drive, faults, time.monotonic() - begin)
        kept = keep
        return report, places
    finally:
        await drive.close()
        if not kept:
            await processes.stop_all()
        if links is not None:
            links.stop()


async def _chaos(chaos: str, drive: Drive, places: list[Place], links: Links | None) -> list[str]:
    """The fault that was asked for, in words."""
    if chaos == "kill":
        return [await _kill(drive, places)]
    return [] if links is None else [await _partition(places, links)]


async def _partition(places: list[Place], links: Links) -> str:
    """Cut a validator off while its trades are under way: nobody is told, nothing arrives."""
    victim = places[1]
    links.isolate(victim.name, silently=True)
    await asyncio.sleep(CUT_SECONDS)
    links.heal()
    return f"{victim.name} cut off from everybody for {CUT_SECONDS} s"


async def _kill(drive: Drive, places: list[Place]) -> str:
    """SIGKILL a validator while its trades are under way, and start it again."""
    victim = places[1]
    drive.processes.kill(victim.name)
    drive.down.add(victim.name)
    await asyncio.sleep(KILLED_SECONDS)
    drive.processes.start(victim.name)
    drive.down.discard(victim.name)
    return f"{victim.name} killed with SIGKILL and restarted after {KILLED_SECONDS} s"
