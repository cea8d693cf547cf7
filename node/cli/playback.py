"""`dcn replay`: a day of the network, or an incident, in the observer's page once more."""

import asyncio
import json
import sys
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong

if TYPE_CHECKING:
    from node.observer.sight import Replayed
    from node.playback.session import Told

PORT = 8900


def replay(
    home: HomeOption,
    date: Annotated[
        int | None, typer.Option(help="A business date that was closed, e.g. 20080915.")
    ] = None,
    case: Annotated[
        int | None, typer.Option(help="A default case: from 20 blocks before it to 10 after.")
    ] = None,
    begin: Annotated[
        str, typer.Option("--from", help="A height, or a time in UTC as 2008-09-15T14:30:00.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; without it: the last block.")] = "",
    speed: Annotated[
        float,
        typer.Option(min=0, max=1_000_000, help="Times as fast as it was; 0: as fast as it goes."),
    ] = 60,
    paused: Annotated[bool, typer.Option("--paused", help="Begin standing still.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Of the page, on the loopback; 0: a free one.")
    ] = PORT,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Replay a day or an incident from the node's own store, in the observer's page.

    Reads the home's blocks, whether its node runs or not, and changes nothing of it; applies each
    anew and shows it when the network's clock, `--speed` times as fast, comes to it. The page has
    buttons to pause, step, jump to a block, a time or the next default, late payer, round or date,
    and to change the speed; `/v1/replay` does the same for programs. Sign in as at the node's page,
    with a token of this home; one sees what one sees there. Ctrl-C ends it. With --json every
    change is a line of JSON on standard output.

    A default case:   dcn replay --home HOME --case 1

    A business date:  dcn replay --home HOME --date 20080915 --speed 10

    From here on:     dcn replay --home HOME --from 4200 --speed 0 --paused
    """
    from rich.console import Console
    from rich.progress import Progress

    from node.home import Home
    from node.logs import configure_logs
    from node.playback.session import How
    from node.playback.session import replay as run
    from node.playback.span import Wanted

    if sum((date is not None, case is not None, bool(begin or end))) > 1:
        raise UsageWrong("give one of --date, --case, and --from with --to")
    if not isfinite(speed):
        raise UsageWrong("--speed is a number")
    found = Home(home)
    configure_logs("ERROR", "console")
    wanted = Wanted(date=date, case=case, begin=begin, end=end)
    how = How(speed, paused, port)
    silent = as_json or not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=silent) as bar:
        told = _as_json(browse) if as_json else _on_screen(bar, browse)
        asyncio.run(run(found, wanted, how, told))


def _as_json(browse: bool) -> "Told":
    """Every change a line."""
    import msgspec

    from node.playback.session import Told

    def line(event: str, **more: Any) -> None:
        sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
        sys.stdout.flush()

    def prepared(done: int, of: int) -> None:
        if done == of or done % 1_000 == 0:
            line("preparing", height=done, last=of)

    def ready(address: str, at: "Replayed") -> None:
        line("ready", address=address, **msgspec.to_builtins(at))
        _browse(address, browse)

    return Told(prepared, ready, lambda at: line("at", **msgspec.to_builtins(at)))


def _on_screen(bar: Any, browse: bool) -> "Told":
    """A bar while there is a terminal, and a line when there is something to say."""
    from node.observer.words import clock
    from node.playback.session import Told

    task = bar.add_task("reading blocks", total=None)
    said = ""

    def ready(address: str, at: "Replayed") -> None:
        typer.echo(
            f"Replay of {at.lei}, blocks {at.first} to {at.last}, {clock(at.first_ms)} to "
            f"{clock(at.last_ms)} UTC: {address}\n"
            "Sign in with a token of this home that may read (`dcn token create`, or `api.token`)."
        )
        _browse(address, browse)

    def moved(at: "Replayed") -> None:
        nonlocal said
        what = f"block {at.height}, {clock(at.time_ms)}, ×{at.speed:g}"
        bar.update(task, description=what, completed=at.height - at.first, total=at.last - at.first)
        news = at.trouble or ("The end." if at.height == at.last else "")
        if news and news != said:
            typer.echo(f"{news} Block {at.height}, {clock(at.time_ms)} UTC.")
        said = news

    def prepared(done: int, of: int) -> None:
        bar.update(task, completed=done, total=of)

    return Told(prepared, ready, moved)


def _browse(address: str, wanted: bool) -> None:
    if wanted:
        import webbrowser

        webbrowser.open(address)
