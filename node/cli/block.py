"""`dcn block`: a decided block, and its header as the file that proofs are checked with."""

from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import pairs, print_json, table, write_file


def block(
    home: HomeOption,
    height: Annotated[str, typer.Argument(help="A height, or `latest`.")],
    header: Annotated[
        Path | None,
        typer.Option("--header", help="Write the header here, for `dcn verify-proof --header`."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a decided block: header, transactions, netting certificates, and who signed it.

    The roots in a header are those after the block before it: block 8 commits to the state after
    block 7.
    """
    from node.cli.client import Client

    found = Client(home).get(f"/v1/blocks/{height}")
    if header is not None:
        write_file(header, bytes.fromhex(found["header_bytes"]))
    if as_json:
        print_json(found)
        return
    pairs(f"Block {found['header']['height']}", {"id": found["id"], **found["header"]})
    rows = [
        [tx["tx_id"][:16], tx["action"]["type"] if tx["action"] else "of other members"]
        for tx in found["transactions"]
    ]
    if rows:
        table("Transactions", ["id", "action"], rows)
    signers = [[key] for key in found["commit"]["signers"]]
    table(f"Signed in round {found['commit']['round']} by", ["consensus key"], signers)
