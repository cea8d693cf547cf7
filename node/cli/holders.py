"""`dcn holders` and `dcn trace`: who holds an asset, and from which mints a balance comes."""

import sys
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, print_json, table

AssetArgument = Annotated[str, typer.Argument(help="Code of the asset, e.g. USD.")]
HeightOption = Annotated[
    int | None, typer.Option(help="After this block; default: the last that the home has.")
]


def holders(
    home: HomeOption, asset: AssetArgument, height: HeightOption = None, as_json: JsonOption = False
) -> None:
    """The register of holders of an asset, at any height whose block the home keeps.

    Read from the home's store, offline or beside a running node. An earlier height is found by
    applying the blocks anew from the genesis (or the oldest snapshot); amounts are minor units, and
    the sum is what is in circulation.
    """
    import asyncio

    import msgspec

    from ledger import tables as t
    from node.api import views
    from node.history import state_at
    from node.home import Home
    from node.stored import stored_state

    where = Home(home)
    state = asyncio.run(stored_state(where)) if height is None else state_at(where, height)
    at = state.must(t.NETWORK, t.network_key()).height
    found = views.holders(state, asset, at)
    if found is None:
        raise UsageWrong(f"no asset {asset[:32]!r} at this height")
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    rows = [[x.holder, x.account, x.reference, f"{x.balance:,}"] for x in found.holders]
    table(f"{asset} at height {at}", ["holder", "account", "reference", "balance"], rows)


def trace(
    home: HomeOption,
    party: Annotated[str, typer.Argument(help="A member's LEI, or LEI:REFERENCE of a client.")],
    asset: AssetArgument,
    height: HeightOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trace what a party holds of an asset to the mints, and so the reserves, that it comes from.

    Units are numbered as they are minted; an account gives its oldest units first (Lot, in
    docs/GLOSSARY.md). Needs every block from the first on, and applies them anew.
    """
    from rich.console import Console
    from rich.progress import Progress

    from ledger import tables as t
    from node.history import NotInHistory, steps
    from node.home import Home
    from node.lots import Lots
    from wire import ids

    account = t.own_account(ids.party(party), ids.code(asset))
    lots, at = Lots(ids.AssetCode(asset)), 0
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("replaying", total=height)
        for step in steps(Home(home), whole=True):
            if height is not None and step.height > height:
                break
            at = step.height
            keys = [key for key, _ in step.applied.changes]
            lots.block(step.before, step.applied.state, keys)
            bar.update(task, completed=at)
    if height is not None and at < height:
        raise NotInHistory(f"height {height}, the last is {at}")
    found = [
        {
            "first_unit": one.lot.first,
            "units": one.lot.count,
            "minted_for": one.minting.to,
            "minted_at_height": one.minting.height,
            "reserve": one.minting.reference,
        }
        for one in lots.of(account)
    ]
    if as_json:
        print_json({"party": party, "asset": asset, "height": at, "lots": found})
        return
    table(
        f"{asset} of {party} at height {at}, oldest first",
        ["units", "from unit", "minted at", "for", "reserve"],
        [
            [f"{x['units']:,}", f"{x['first_unit']:,}", str(x["minted_at_height"]),
             str(x["minted_for"]), str(x["reserve"])]
            for x in found
        ],
    )  # fmt: skip
