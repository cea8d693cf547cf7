"""`dcn reset`: start over with a clean store, keeping keys and signer state."""

import time
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json

MOVED = ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "consensus.log")
"""Files that are moved aside; `signer.state` never is, or the key might sign twice."""


def reset(
    home: HomeOption,
    store: Annotated[bool, typer.Option("--store", help="Move store and log aside.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Move a damaged store aside, so that the node fetches and verifies every block anew.

    Nothing is deleted: store and consensus log go to `data/aside-<time>`. Keys, configuration,
    genesis and the signer's state stay. Submissions that were accepted and not yet decided, and
    trades entered by hand, are in the store: submit them again. The node must not run.
    """
    from node.admin_log import record
    from node.home import Home
    from node.lock import HomeLock
    from node.startup import lift_mark

    if not store:
        raise UsageWrong("say --store: there is nothing else to reset")
    where = Home(home)
    where.genesis()
    with HomeLock(where.lock):
        aside = where.data / time.strftime("aside-%Y%m%dT%H%M%SZ", time.gmtime())
        moved = [name for name in MOVED if (where.data / name).exists()]
        if moved:
            aside.mkdir()
        for name in moved:
            (where.data / name).rename(aside / name)
        lifted = lift_mark(where)
        record(where.data, "reset --store", moved=moved)
    if as_json:
        print_json({"moved": moved, "to": str(aside) if moved else None, "mark_lifted": lifted})
    else:
        typer.echo(f"moved {', '.join(moved)} to {aside}" if moved else "there was nothing to move")
        typer.echo("Start the node with `dcn run`: it catches up from its peers.")
