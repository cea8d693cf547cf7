"""`dcn prune`: delete old blocks now, while the node runs or not."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json

if TYPE_CHECKING:
    from node.home import Home

LOOK_SECONDS: Final = 0.5

Progress = Callable[[int], None]
"""Told the oldest height that is left."""


def prune(
    home: HomeOption,
    retain: Annotated[
        int,
        typer.Option(help="Blocks to keep; 0: as `store.retain_blocks` says.", min=0),
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be deleted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete blocks, receipts, round results and events of old heights, and give the space back.

    The state, submissions, blotter and the trail of validator changes stay. Never deleted are
    the blocks after the oldest snapshot (a peer that takes it needs them, and `dcn verify` begins
    there), nor those that the statements of the last closed business date and of the open one need;
    the line `because` says which of these was decisive. Evidence needs no old blocks. A running
    node does it beside its other work; else the command does it itself. Broken off, it has
    deleted whole heights, the oldest first, and can be begun again.
    """
    from node.home import Home
    from node.lock import is_held

    where = Home(home)
    wanted = retain or where.config().store.retain_blocks
    if not wanted:
        raise UsageWrong("say how many blocks to keep: --retain, or store.retain_blocks")
    with _bar() as begin:
        if is_held(where.lock):
            found = _by_node(where, wanted, dry_run, begin)
        else:
            found = asyncio.run(_here(where, wanted, dry_run, begin))
    if as_json:
        print_json(found)
        return
    does = "would delete" if dry_run else "deleted"
    typer.echo(
        f"{does} {found['blocks']} blocks ({found['bytes'] >> 10} KB as stored), heights "
        f"{found['oldest']} to {found['keep_from'] - 1}"
        if found["blocks"]
        else "nothing to delete"
    )
    typer.echo(f"kept from height {found['keep_from']} on, because: {found['because']}")


def _by_node(
    where: "Home", retain: int, dry_run: bool, begin: Callable[[int, int], Progress]
) -> dict[str, Any]:
    """Have the running node do it, and watch."""
    from node.cli.client import Client

    client = Client(where.path)
    path = "/v1/prune/plan" if dry_run else "/v1/prune"
    found: dict[str, Any] = client.post(path, {"retain_blocks": retain})
    progress = begin(found["oldest"], found["keep_from"])
    while found["begun"] and (now := client.get("/v1/status")["oldest_block"]) < found["keep_from"]:
        progress(now)
        time.sleep(LOOK_SECONDS)
    return found


async def _here(
    where: "Home", retain: int, dry_run: bool, begin: Callable[[int, int], Progress]
) -> dict[str, Any]:
    """Do it on the files of a home whose node does not run."""
    import msgspec

    from ledger.genesis import genesis_hash
    from node.admin_log import record
    from node.lock import HomeLock
    from node.startup import honour_mark
    from node.storage.errors import StoreMissing
    from node.storage.pruning import plan_pruning, prune_step, vacuum_step
    from node.storage.snapshots import SnapshotStore
    from node.storage.store import Store

    with HomeLock(where.lock):
        honour_mark(where)
        if not where.store.exists():
            raise StoreMissing(str(where.store))
        store = await Store.open(where.store, genesis_hash(where.genesis()))
        try:
            tip = await store.stored_tip()
            heights = await SnapshotStore(store).heights()
            height = 0 if tip is None else tip.height
            plan = await plan_pruning(store, heights, height, retain)
            if not dry_run:
                record(where.data, "prune", retain=retain, keep_from=plan.keep_from)
                progress = begin(plan.oldest, plan.keep_from)
                while await prune_step(store, plan.keep_from):
                    progress(await store.oldest())
                while await vacuum_step(store):
                    pass
        finally:
            await store.close()
    return {**msgspec.structs.asdict(plan), "begun": not dry_run}


@contextmanager
def _bar() -> Iterator[Callable[[int, int], Progress]]:
    """A progress bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:

        def begin(first: int, end: int) -> Progress:
            task = bar.add_task("deleting", total=end - first)
            return lambda oldest: bar.update(task, completed=oldest - first)

        yield begin
