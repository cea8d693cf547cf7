"""`dcn prove`: a row of the ledger or one's part of a round, as a file that anybody can check."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.options import PROOF_OF, HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json, row_lines, write_file
from wire.errors import CodedError

if TYPE_CHECKING:
    from node.cli.client import Client

NOT_READY: Final = "PROOF_NOT_READY"

PART: Final = "result"
"""What is proved by the results of a round, not by the state."""


def prove(
    home: HomeOption,
    table: Annotated[str, typer.Argument(help=f"What to prove: {PROOF_OF}.")],
    key: Annotated[list[str], typer.Argument(help="Its key, as listed for TABLE.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the proof file here.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the proving block.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Prove a balance, a trade or another row of the ledger to somebody who runs no node.

    The file holds the row, its path in the state tree, and the header and commit of the block
    after it. A row that does not exist is proved absent. Check it with `dcn verify-proof`.
    The state after block h is proved by block h + 1, so the command may wait for one more block.

    `dcn prove result 3` proves what netting round 3 did with each obligation of this member (or of
    the LEI or account named after it): cancelled, settled, or left open and because of whom. The
    leaves are salted: the proof tells its reader nothing about anybody else.
    """
    from node.cli.client import Client

    found = _proof(Client(home), table, key, time.monotonic() + wait)
    text = json.dumps(found, indent=2) + "\n"
    if out is not None:
        write_file(out, text.encode())
    if as_json or out is None:
        print_json(found)
        return
    typer.echo(f"state after height {found['state_after_height']}: {' '.join([table, *key])}")
    typer.echo("\n".join(row_lines(found["claim"]["row"])))
    typer.echo(f"written to {out}; check it with: dcn verify-proof {out} --genesis genesis.dcn")
    typer.echo(f"or under a header you trust: --header-id {found['header_id']}")


def _proof(client: "Client", table: str, key: list[str], end: float) -> dict[str, Any]:
    """A proof of the state that the node had when asked, or of the newest it can prove."""
    wanted = int(client.get("/v1/status")["height"])
    while True:
        late = time.monotonic() > end
        try:
            found: dict[str, Any] = _asked(client, table, key)
            if found["state_after_height"] >= wanted or late or table == PART:
                return found
        except CodedError as error:
            if error.code != NOT_READY or late:
                raise
        time.sleep(0.1)


def _asked(client: "Client", table: str, key: list[str]) -> dict[str, Any]:
    if table != PART:
        found: dict[str, Any] = client.get("/v1/proof", table=table, key=key)
        return found
    if not 1 <= len(key) <= 2:
        raise UsageWrong("name the round, and whose part if not this member's: result NUMBER LEI")
    number, party = key[0], "".join(key[1:])
    part: dict[str, Any] = client.get("/v1/round-proof", number=number, party=party)
    return part
