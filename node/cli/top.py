"""`dcn top`: the network and this node, live, in the terminal."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import PIPED_WIDTH, print_json, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from node.cli.client import Client

ROUNDS_SHOWN = 8
ROUND_COLUMNS = (
    "number", "date", "service", "state", "obligation_count", "freeze_height", "settle_height",
)  # fmt: skip


def top(
    home: HomeOption,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Watch the network and this node: heights, votes of the round under way, peers, load, rounds.

    Each validator's line says whether this node is connected to it and what it has voted in the
    round under way; `waits for` is what has to happen next. Netting rounds are the newest first.
    Ctrl-C ends it. With --once or --json it is shown once: --json is all of it for machines.
    """
    from rich.console import Console
    from rich.live import Live

    from node.cli.client import Client, NodeUnreachable

    client = Client(home)
    if as_json:
        print_json(look(client))
        return
    console = Console()
    if once:
        Console(width=None if console.is_terminal else PIPED_WIDTH // 4).print(shown(look(client)))
        return
    with Live(shown(look(client)), console=console, screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            try:
                live.update(shown(look(client)), refresh=True)
            except NodeUnreachable as error:
                live.update(f"{error}\nIt is asked again until it answers.", refresh=True)


def look(client: "Client") -> dict[str, Any]:
    """One look: the node's status, the height under way, and the newest netting rounds."""
    return {
        "status": client.get("/v1/status"),
        "consensus": client.get("/v1/consensus"),
        "rounds": client.get("/v1/rounds", limit=ROUNDS_SHOWN)["items"],
    }


def shown(found: dict[str, Any]) -> "RenderableType":
    """A look as tables for the terminal."""
    from rich.console import Group

    return Group(_node(found["status"]), _votes(found["consensus"]), _rounds(found["rounds"]))


def _node(status: dict[str, Any]) -> "RenderableType":
    finality = status["finality_ms"]
    pairs = {
        "chain": status["chain_id"],
        "height": f"{status['height']} ({status['behind']} behind)",
        "business date": status["business_date"],
        "role": f"{status['role']}, {'votes' if status['votes'] else 'does not vote'}",
        "signer": status["signer"],
        "peers": len(status["peers"]),
        "live contracts": status["live_contracts"],
        "waiting": status["waiting"],
        "finality p50 / p95": f"{finality['p50']} / {finality['p95']} ms",
        "evidence": status["evidence"],
    }
    return _table(f"Node of {status['lei']}", ["", ""], [[k, v] for k, v in pairs.items()])


def _votes(consensus: dict[str, Any]) -> "RenderableType":
    title = f"Height {consensus['height']}, round {consensus['round']}, {consensus['step']}"
    columns = ["lei", "power", "connected", "prevote", "precommit"]
    rows = [[row[name] for name in columns] for row in consensus["validators"]]
    return _table(f"{title}; waits for {consensus['waits_for']}", columns, rows)


def _rounds(rounds: list[dict[str, Any]]) -> "RenderableType":
    if not rounds:
        return _table("Netting rounds", ["no netting round yet"], [])
    rows = [[row[name] for name in ROUND_COLUMNS] for row in rounds]
    return _table("Netting rounds", [name.replace("_", " ") for name in ROUND_COLUMNS], rows)


def _table(title: str, columns: list[str], rows: list[list[Any]]) -> "RenderableType":
    from rich.markup import escape
    from rich.table import Table

    made = Table(title=escape(printable(title)), title_justify="left", show_header=any(columns))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(escape(printable(str(cell))) for cell in row))
    return made
