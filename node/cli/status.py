"""`dcn status`: where a node and its network stand."""

from node.cli.options import HomeOption, JsonOption
from node.cli.output import pairs, print_json


def status(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show a running node: height, state root, business date, peers, and how far it is behind.

    `votes` says whether it signs blocks; `behind` counts the blocks that peers have and it has not;
    `waiting` counts transactions on their way into a block.
    """
    from node.cli.client import Client

    found = Client(home).get("/v1/status")
    if as_json:
        print_json(found)
    else:
        pairs(f"Node of {found['lei']}", found)
