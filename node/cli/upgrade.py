"""`dcn upgrade`: bring a home's files to the version of this program."""

from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.backup import progress_bar
from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json

if TYPE_CHECKING:
    from node.operations.upgrading import Upgrade


def upgrade(
    home: HomeOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be changed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the store of a home to the version of this program, its node being stopped.

    The members agree on a height and a version, and each puts them into its configuration:

        [upgrade]
        height = 120000
        version = "0.2.0"

    The earlier version stops by itself after that block (code UPGRADE_DUE, exit code 6). Install
    the next one, run this, and start the node: it goes on with the next block. The store as it was
    is kept as `data/store-v<version>.sqlite` until you delete it. Interrupted, begin again: it
    goes on where it was. A store of an unknown version is refused and not touched.
    """
    import msgspec

    from node.home import Home
    from node.lock import HomeLock
    from node.operations import upgrading

    where = Home(home)
    where.config()
    if dry_run:
        found = upgrading.plan(where)
    else:
        with HomeLock(where.lock), progress_bar("copying the store") as progress:
            found = upgrading.upgrade(where, progress)
    if as_json:
        print_json({**msgspec.to_builtins(found), "done": not dry_run})
    else:
        _show(found, dry_run)


def _show(found: "Upgrade", dry_run: bool) -> None:
    if not found.steps:
        typer.echo(f"The store is of version {found.store_to} already: nothing to migrate.")
        return
    does = "would go" if dry_run else "has gone"
    typer.echo(f"The store {does} from version {found.store_from} to {found.store_to}:")
    for step in found.steps:
        typer.echo(f"  {step}")
    typer.echo(f"As it was: {found.backup}")
