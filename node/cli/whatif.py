"""`dcn whatif`: what would happen, rehearsed on the state of a node by the code of the ledger."""

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json, table

if TYPE_CHECKING:
    from node.whatif import Effect, Report

app = typer.Typer(
    no_args_is_help=True, help="What if: rehearsed on the node's state, which it does not touch."
)

_MOVE: Final = re.compile(r"([A-Z0-9][A-Z0-9.\-]{0,31})=([+-]?\d{1,4})(?:\.(\d{1,2}))?%")


@app.command()
def default(
    home: HomeOption,
    members: Annotated[
        str, typer.Argument(help="Who defaults: a LEI, or several joined by commas.")
    ] = "",
    move: Annotated[
        list[str] | None, typer.Option(help="A feed's move, e.g. EQ-AAPL=-20%; repeat it.")
    ] = None,
    worst: Annotated[
        bool,
        typer.Option("--worst", help="Search members and moves for your largest loss instead."),
    ] = False,
    me: Annotated[str, typer.Option(help="Whose loss --worst searches; this node's member.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Show who would lose what if members defaulted now, tranche by tranche, to the minor unit.

    The members are declared in default on a copy of the node's last state, marks move as you say,
    every netting set with them is closed out at the moved marks, the waterfall of the rulebook
    runs, and everybody else's next margin cycle too. Each member's loss names the tranche and rule
    behind it; each cycle says what cash it has to find. The report names the block it is of.
    """
    from node.cli.stored import stored_tip
    from node.home import Home
    from node.plain import plain
    from node.whatif import default as rehearse
    from node.whatif import worst as search
    from wire.ids import Lei, lei

    if worst == bool(members):
        raise UsageWrong("name who defaults, or give --worst")
    moves = dict(_move_of(text) for text in move or ())
    place = Home(home)
    tip = asyncio.run(stored_tip(place))
    if worst:
        if moves:
            raise UsageWrong("--worst finds the move itself")
        mine = lei(me) if me else Lei(place.config().lei)
        if not as_json:
            typer.echo(f"Searching for the largest loss of {mine}...", err=True)
        report, tried = search(tip.state, tip.block_id.hex(), mine)
        if not as_json:
            typer.echo(f"The worst of {tried} defaults and moves:")
    else:
        named = tuple(dict.fromkeys(lei(text.strip()) for text in members.split(",")))
        report = rehearse(tip.state, tip.block_id.hex(), named, moves)
    if as_json:
        print_json(plain(report))
    else:
        _show(report)


def _move_of(text: str) -> tuple[str, int]:
    """FEED=PERCENT as the feed and basis points; raises `BadMove`."""
    from node.whatif import BadMove

    found = _MOVE.fullmatch(text)
    if found is None:
        raise BadMove(repr(text[:40]))
    feed, whole, digits = found.groups()
    bps = abs(int(whole)) * 100 + int((digits or "").ljust(2, "0"))
    return feed, -bps if whole.startswith("-") else bps


def _show(report: "Report") -> None:
    moves = ", ".join(f"{feed} {bps:+,} bps" for feed, bps in sorted(report.moves.items()))
    typer.echo(
        f"Default of {', '.join(report.defaulters)} at height {report.height}, "
        f"block {report.block[:16]}, rulebook {report.rulebook_version}"
        + (f"; {moves}" if moves else "")
    )
    rows = [[name, f"{amount:,}"] for name, amount in report.borne.items()]
    table("Who bears it", ["tranche", "amount"], [*rows, ["all claims", f"{report.loss:,}"]])
    touched = [effect for effect in report.members if effect.claim or effect.loss]
    columns = ["member", "claim", "covered", "loss", "of that residual", "by tranche"]
    table("Losses", columns, [_loss_row(effect) for effect in touched])
    cycles = [
        [
            effect.lei, cycle.name, f"{cycle.pays:,}", f"{cycle.receives:,}",
            f"{cycle.misses:,}", f"{cycle.need:,}", f"{cycle.short:,}",
        ]
        for effect in report.members
        for cycle in effect.cycles
        if cycle.pays or cycle.receives or cycle.misses
    ]  # fmt: skip
    columns = ["member", "cycle", "pays", "receives", "misses", "needs", "short"]
    table("Cash in each cycle", columns, cycles)


def _loss_row(effect: "Effect") -> list[str]:
    parts = ", ".join(f"{part.tranche} {part.amount:,}" for part in effect.losses)
    figures = (effect.claim, effect.covered, effect.loss, effect.residual)
    return [effect.lei, *(f"{figure:,}" for figure in figures), parts]
