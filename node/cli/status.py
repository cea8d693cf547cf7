"""`dcn status`: where a node and its network stand."""

from typing import Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import pairs, print_json, table


def status(
    home: HomeOption,
    as_json: JsonOption = False,
    consensus: Annotated[
        bool, typer.Option("--consensus", help="Why is it stuck? Votes of the round under way.")
    ] = False,
) -> None:
    """Show a running node: height, state root, business date, peers, and how far it is behind.

    `votes` says whether it signs blocks; `behind` counts the blocks that peers have and it has not;
    `catching_up` says how it makes up for that: from and to which height, by blocks (and how many
    a second) or by the chunks of a snapshot, and from how many peers. `oldest_block` is the lowest
    height it keeps. `waiting` counts transactions on their way into a block.
    """
    from node.cli.client import Client

    found = Client(home).get("/v1/consensus" if consensus else "/v1/status")
    if as_json:
        print_json(found)
    elif consensus:
        _show_consensus(found)
    else:
        pairs(f"Node of {found['lei']}", found)


def _show_consensus(found: dict[str, Any]) -> None:
    rows = found.pop("validators")
    pairs(f"Height {found['height']}, round {found['round']}", found)
    columns = ["lei", "power", "connected", "prevote", "precommit"]
    table("Validators", columns, [[str(row[name]) for name in columns] for row in rows])
