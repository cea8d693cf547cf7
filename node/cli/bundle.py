"""`dcn bundle`: everything a colleague needs to see a problem, without secrets."""

from pathlib import Path
from typing import Annotated, Any

import typer

from node.cli.doctor import status_of
from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json


def bundle(
    out: Annotated[Path, typer.Argument(help="The .tar.gz to write; it must not exist.")],
    home: HomeOption,
    log: Annotated[
        Path | None, typer.Option(help="The node's log file; its last 256 KB are put in.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Pack what a colleague needs to help with a problem into one file, without secrets.

    Versions, the findings of `dcn doctor`, the configuration in force, names and sizes of the
    home's files, the last 100 blocks' headers, and if the node runs its status and the votes of the
    round under way. No keys, no token, no trades. Under systemd the log is had by
    `journalctl -u dcn -n 2000 > node.log`.
    """
    from node.cli.client import Client
    from node.home import Home
    from node.operations.bundle import make_bundle
    from node.operations.doctor import examine
    from node.shell import now_ms
    from wire.errors import CodedError

    status = status_of(home)
    consensus: dict[str, Any] | None = None
    if status is not None:
        try:
            consensus = Client(home).get("/v1/consensus")
        except CodedError:
            consensus = None  # it has just stopped: the findings say so
    where = Home(home)
    names = make_bundle(where, out, examine(where, now_ms(), status), status, consensus, log)
    if as_json:
        print_json({"file": str(out), "content": names})
    else:
        typer.echo(f"{out}: {', '.join(names)}. No keys, token or trades are in it.")
