"""`dcn verify`: replay the whole store and compare everything in it."""

import sys

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, print_json


def verify(home: HomeOption, as_json: JsonOption = False) -> None:
    """Check everything a node has stored, offline, by replaying it from genesis, or from the oldest
    snapshot if older blocks are pruned or were never here.

    Hashes and links of all blocks, the signatures of every commit by the validators of its height,
    every transaction's signatures, netting certificates, receipts, round results, events, every
    state row, the tip's record, submissions, all roots, and the conservation laws; then the
    signer's file and the consensus log. The node may run meanwhile.

    Findings name the height and what is wrong. They leave a mark that makes the node refuse to
    start until `dcn reset --store`; a later run without findings lifts the mark. Exit code 1 with
    findings.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from node.audit.audit import audit
    from node.home import Home
    from node.startup import leave_mark, lift_mark

    where = Home(home)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("replaying", total=None)
        found = audit(where, lambda height, last: bar.update(task, completed=height, total=last))
    lifted = False
    if found.count:
        leave_mark(where, found.lines)
    else:
        lifted = lift_mark(where)
    if as_json:
        print_json({"ok": not found.count, "mark_lifted": lifted, **msgspec.to_builtins(found)})
    elif found.count:
        for line in found.lines:
            typer.echo(line)
        typer.echo(f"{found.count} findings in {found.height} blocks.")
        typer.echo("The node will not start. `dcn reset --store` moves the store aside; keys and")
        typer.echo("signer state stay, and the node fetches and verifies every block anew.")
    else:
        typer.echo(f"height {found.height}: everything is what replay gives.")
        if found.since:
            typer.echo(f"Replayed from the snapshot of height {found.since}: the oldest kept.")
        typer.echo(f"state root {found.state_root}")
        if lifted:
            typer.echo("The mark of earlier damage is lifted.")
    raise SystemExit(int(Exit.VERDICT if found.count else Exit.OK))
