"""`dcn doctor`: what is wrong with a node and its surroundings, and what to do about it."""

from pathlib import Path
from typing import Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, print_json


def doctor(home: HomeOption, as_json: JsonOption = False) -> None:
    """Examine a node: one line a finding, each with a code and a remedy.

    Configuration, keys (present, private, those of the ledger), genesis, disk space, the store's
    integrity, the signer's state, the clock against the validators' votes, ports, and every peer.
    The node may run or not; nothing is changed. Exit code 1 if something is wrong.
    """
    import msgspec

    from node.home import Home
    from node.operations.doctor import examine
    from node.shell import now_ms

    found = examine(Home(home), now_ms(), status_of(home))
    wrong = [finding for finding in found if not finding.ok]
    if as_json:
        print_json({"ok": not wrong, "findings": msgspec.to_builtins(found)})
    else:
        for finding in found:
            line = finding.detail if finding.ok else f"{finding.code}: {finding.detail}"
            typer.echo(f"{'ok   ' if finding.ok else 'WRONG'} {finding.check:8} {line}")
            if not finding.ok:
                typer.echo(f"               remedy: {finding.remedy}")
        typer.echo(f"{len(wrong)} wrong, {len(found) - len(wrong)} ok.")
    raise SystemExit(int(Exit.VERDICT if wrong else Exit.OK))


def status_of(home: Path) -> dict[str, Any] | None:
    """What the home's running node says of itself; None if no node runs or none answers."""
    from node.cli.client import Client
    from node.home import Home
    from node.lock import is_held
    from wire.errors import CodedError

    try:
        if not is_held(Home(home).lock):
            return None
        found: dict[str, Any] = Client(home).get("/v1/status")
    except CodedError:
        return None  # the checks of configuration and ports say why
    return found
