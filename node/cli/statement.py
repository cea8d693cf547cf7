"""`dcn statement`: what a member had, what moved and why, what it has; and whether that is so."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, UsageWrong, print_json, read_text, table, write_file

if TYPE_CHECKING:
    from node.home import Home
    from node.statements.build import Posed
    from node.statements.form import Statement

app = typer.Typer(no_args_is_help=True, help="A member's business day, to the last minor unit.")


@app.command()
def make(
    home: HomeOption,
    member: Annotated[str, typer.Argument(help="LEI of the member, its clients included.")],
    day: Annotated[int, typer.Argument(help="Business date, e.g. 20080915.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the statement here.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write it here as a PDF, for people.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the statement of a member and business day from the blocks of a home.

    Opening balances, every movement with its cause, closing balances, confirmations of contracts
    that were registered, changed or ended, and debts that are open. Nothing is looked up: the
    blocks are applied anew, so every holder of them gets the same statement and the same hash
    (docs/STATEMENTS.md). A block belongs to the date that was open when it was decided.
    """
    from node.home import Home
    from node.statements.build import statement
    from wire import ids

    found = statement(ids.lei(member), ids.date(day), _blocks(Home(home)))
    content = _content(found)
    if out is not None:
        write_file(out, (json.dumps(content, indent=2) + "\n").encode())
    if pdf is not None:
        from node.statements.pdf import statement_pdf

        write_file(pdf, statement_pdf(found))
    if as_json:
        print_json(content)
    else:
        _show(found, content["hash"])


@app.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="A statement, as `make --json` or `--out` gives it.")
    ],
    home: Annotated[
        Path | None,
        typer.Option(
            envvar="DCN_HOME",
            help="Compare it with the blocks of this home; else only with itself.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a statement: that it adds up, that its hash is its own, and that the ledger says so.

    With a home, the statement is made again from the home's own blocks, and every line that differs
    is named. Exit code 0: it is right; 1: it is not.
    """
    from node.forms import Names, build
    from node.home import Home
    from node.statements.build import statement
    from node.statements.form import Statement, faults, statement_hash

    try:
        content = json.loads(read_text(file))
    except ValueError as error:
        raise UsageWrong(f"{file} is no JSON: {error}") from None
    if not isinstance(content, dict) or set(content) != {"hash", "statement"}:
        raise UsageWrong(f"{file}: a table with `hash` and `statement` expected")
    given: Statement = build(Statement, content["statement"], Names({}), "statement")
    wrong = faults(given)
    if statement_hash(given).hex() != content["hash"]:
        wrong.append(f"its hash is {statement_hash(given).hex()}, the file says {content['hash']}")
    if home is not None:
        blocks = _blocks(Home(home))
        own = statement(given.lei, given.date, blocks, given.last_height)
        wrong += _differences(given, own)
    if as_json:
        print_json({"file": str(file), "hash": content["hash"], "faults": wrong})
    else:
        said = "itself" if home is None else "itself and the ledger's blocks"
        typer.echo("\n".join(wrong) or f"{file} agrees with {said}: {content['hash']}")
    raise SystemExit(int(Exit.VERDICT if wrong else Exit.OK))


def _blocks(home: "Home") -> "Iterator[Posed]":
    """The home's blocks, with a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    from node.history import steps
    from node.statements.build import Posed

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("replaying", total=None)
        for step in steps(home):
            bar.update(task, description=f"replaying block {step.height}")
            yield Posed(step.before, step.block)


def _content(found: "Statement") -> dict[str, Any]:
    from node.plain import plain
    from node.statements.form import statement_hash

    return {"hash": statement_hash(found).hex(), "statement": plain(found)}


def _differences(given: "Statement", own: "Statement") -> list[str]:
    found = []
    for field in own.__struct_fields__:
        theirs, ours = getattr(given, field), getattr(own, field)
        # A day that was not over when the statement was made may be so by now.
        if theirs == ours or (field == "complete" and not theirs):
            continue
        if not isinstance(ours, tuple):
            found.append(f"{field}: the ledger says {ours}")
            continue
        found += [f"{field}: not on the ledger: {line}" for line in theirs if line not in ours]
        found += [f"{field}: missing: {line}" for line in ours if line not in theirs]
        if sorted(map(repr, theirs)) == sorted(map(repr, ours)):
            found.append(f"{field}: in another order than on the ledger")
    return found


def _show(found: "Statement", digest: str) -> None:
    over = "" if found.complete else "; the day is not over"
    typer.echo(
        f"{found.lei} on {found.date}, blocks {found.first_height} to {found.last_height}{over}"
    )
    columns = ["height", "account", "of", "asset", "amount", "cause", "counterparty", "about"]
    rows = [
        [
            str(x.height), x.kind, x.reference, x.asset, f"{x.amount:+,}", x.cause, x.counterparty,
            x.about,
        ]
        for x in found.movements
    ]  # fmt: skip
    table("Movements, minor units", columns, rows)
    rows = [
        [x.kind, x.reference, x.asset, f"{x.opening:,}", f"{x.closing - x.opening:+,}",
         f"{x.closing:,}"]
        for x in found.accounts
    ]  # fmt: skip
    table("Accounts", ["account", "of", "asset", "opening", "moved", "closing"], rows)
    columns = ["height", "", "uti", "buyer", "seller", "instrument", "quantity", "price", "cause"]
    rows = [
        [
            str(x.height), x.how, x.trade.uti, x.trade.buyer, x.trade.seller, x.trade.instrument,
            f"{x.trade.quantity:,}", f"{x.trade.price:,}", x.cause,
        ]
        for x in found.confirmations
    ]  # fmt: skip
    table("Confirmations", columns, rows)
    rows = [
        [x.debtor, x.creditor, x.asset, f"{x.amount:,}", x.origin, x.state, str(x.due)]
        for x in found.open_debts
    ]
    if rows:
        columns = ["debtor", "creditor", "asset", "amount", "origin", "state", "due"]
        table("Open at the end", columns, rows)
    typer.echo(f"SHA-256 {digest}")
