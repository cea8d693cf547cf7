"""`dcn account`: what a member has, owes and allows."""

from typing import Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json, table

FIGURES = ("live", "notional", "settled")


def account(
    home: HomeOption,
    lei: Annotated[str, typer.Argument(help="The member's LEI.")] = "",
    members: Annotated[bool, typer.Option("--members", help="List all members instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a member's balances, netting sets and limits, as of the node's last block.

    Amounts are minor units of the asset (cents of USD). `settled` is the variation margin that has
    moved so far, seen from the first party of the netting set.
    """
    from node.cli.client import Client

    if bool(lei) == members:
        raise UsageWrong("give a LEI, or --members")
    client = Client(home)
    if members:
        _show_members(list(client.items("/v1/accounts")), as_json)
        return
    found = client.get(f"/v1/accounts/{lei}")
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show_members(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [[m["lei"], m["name"], " ".join(m["roles"]), m["state"]] for m in found]
    table("Members", ["lei", "name", "roles", "state"], rows)


def _show(found: dict[str, Any]) -> None:
    member = found["member"]
    table(
        f"{member['name']} {member['lei']} {member['state']}, height {found['as_of_height']}",
        ["asset", "account", "balance", "locked"],
        [
            [row["asset"], row["kind"], f"{row['balance']:,}", f"{row['locked']:,}"]
            for row in found["balances"]
        ],
    )
    sets = [
        [row["first"], row["second"], p["asset"], *(f"{p[name]:,}" for name in FIGURES)]
        for row in found["netting_sets"]
        for p in row["positions"]
    ]
    if sets:
        table("Netting sets", ["first", "second", "asset", *FIGURES], sets)
    limits = [
        [row["counterparty"], row["asset"], f"{row['notional_max']:,}"] for row in found["limits"]
    ]
    if limits:
        table("Limits", ["counterparty", "asset", "notional_max"], limits)
