"""`dcn whatif`: what would happen, rehearsed on the state of a node by the code of the ledger."""

import asyncio
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json, read_text, table

if TYPE_CHECKING:
    from node.core.chain import Tip
    from node.whatif import margin
    from node.whatif.default import Effect, Report
    from wire.ids import Lei

app = typer.Typer(
    no_args_is_help=True, help="What if: rehearsed on the node's state, which it does not touch."
)

MeOption = Annotated[str, typer.Option(help="Whose margin: a LEI; default: this node's member.")]

_MOVE: Final = re.compile(r"([A-Z0-9][A-Z0-9.\-]{0,31})=([+-]?\d{1,4})(?:\.(\d{1,2}))?%")


@app.command()
def trade(
    home: HomeOption,
    file: Annotated[
        Path, typer.Argument(help="TOML: the fields of a trade, or `tx = KIND` and its fields.")
    ],
    me: MeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show my margin, initial margin and cash if a trade (or any transaction) were decided now.

    The file says what `dcn tx make` reads; without `tx` it is a trade: uti, buyer, seller,
    instrument, quantity, price, trade_date, source, reference. The next close follows, with and
    without it, at the last prices. What the ledger would refuse is refused here: exit code 4.
    """
    from node.whatif.margin import transaction

    action = _action_in(file)
    _rehearsed(home, me, lambda tip, lei: transaction(tip.state, tip.block_id.hex(), lei, action),
               as_json)  # fmt: skip


@app.command()
def move(
    home: HomeOption,
    moves: Annotated[list[str], typer.Argument(help="Moves of feeds, e.g. EQ-AAPL=-20%.")],
    me: MeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show my margin, initial margin and cash at the next close, with feeds moved and without.

    Feeds that are not named stay where they are: at the median of the open date where a quorum of
    oracles has marked them, else at the last close.
    """
    from node.whatif.margin import move as rehearse

    wanted = dict(_move_of(text) for text in moves)
    _rehearsed(home, me, lambda tip, lei: rehearse(tip.state, tip.block_id.hex(), lei, wanted),
               as_json)  # fmt: skip


@app.command()
def cycle(home: HomeOption, me: MeOption = "", as_json: JsonOption = False) -> None:
    """Show what the next margin cycle would call, if the open date closed at the last prices.

    Before: as things stand, with what is open already. After: with the calls of the cycle.
    """
    from node.whatif.margin import cycle as rehearse

    _rehearsed(home, me, lambda tip, lei: rehearse(tip.state, tip.block_id.hex(), lei), as_json)


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
    from node.home import Home
    from node.plain import plain
    from node.stored import stored_tip
    from node.whatif.default import default as rehearse
    from node.whatif.default import worst as search
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


def _action_in(file: Path) -> Any:
    from ledger.execution import RULES
    from node.forms import BadForm, Names, build

    try:
        fields = tomllib.loads(read_text(file))
    except ValueError as error:
        raise BadForm(f"{file}: {error}") from None
    known = {kind.__name__: kind for kind in RULES}
    name = str(fields.pop("tx", ""))
    if not name:
        name, fields = "RegisterTrade", {"trade": fields}
    if name not in known:
        raise BadForm(f"{file}: tx is none of {', '.join(sorted(known))}")
    return build(known[name], fields, Names({}), str(file))


def _rehearsed(
    home: Path, me: str, rehearse: "Callable[[Tip, Lei], margin.Report]", as_json: bool
) -> None:
    from node.home import Home
    from node.plain import plain
    from node.stored import stored_tip
    from wire.ids import Lei, lei

    place = Home(home)
    tip = asyncio.run(stored_tip(place))
    report = rehearse(tip, lei(me) if me else Lei(place.config().lei))
    if as_json:
        print_json(plain(report))
    else:
        _show_margin(report)


def _show_margin(report: "margin.Report") -> None:
    typer.echo(
        f"{report.what}: {report.me} at height {report.height}, block {report.block[:16]}, "
        f"rulebook {report.rulebook_version}"
    )
    rows: dict[str, list[list[str]]] = {"positions": [], "margin": [], "cash": []}
    for when, view in (("before", report.before), ("after", report.after)):
        rows["positions"] += [
            [
                x.counterparty, when, x.asset, f"{x.live:,}", f"{x.notional:,}", f"{x.settled:+,}",
                ", ".join(f"{origin} {amount:+,}" for origin, amount in sorted(x.calls.items())),
            ]
            for x in view.positions
        ]  # fmt: skip
        rows["margin"] += [
            [
                x.counterparty, when, x.asset, f"{x.required:,}", f"{x.posted:,}", f"{x.call:,}",
                f"{x.required_of_them:,}", f"{x.posted_by_them:,}", f"{x.call_on_them:,}",
            ]
            for x in view.initial_margin
        ]  # fmt: skip
        rows["cash"] += [
            [
                x.party, when, x.asset, f"{x.pays:,}", f"{x.receives:,}", f"{x.margin:,}",
                f"{x.free:,}", f"{x.short:,}",
            ]
            for x in view.cash
        ]  # fmt: skip
    columns = {
        "positions": ["counterparty", "", "asset", "contracts", "notional", "settled", "due"],
        "margin": ["counterparty", "", "asset", "I must post", "posted", "called", "they must post",
                   "posted", "called"],
        "cash": ["account", "", "asset", "pays", "receives", "margin called", "free", "short"],
    }  # fmt: skip
    titles = {"positions": "Variation margin", "margin": "Initial margin", "cash": "Cash"}
    for name, found in rows.items():
        if found:
            table(titles[name], columns[name], sorted(found, key=lambda row: row[0]))


def _move_of(text: str) -> tuple[str, int]:
    """FEED=PERCENT as the feed and basis points; raises `BadMove`."""
    from node.whatif.marks import BadMove

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
