"""`dcn genesis`: found a network: compose its genesis, show it, adopt it."""

from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import pairs, print_json, write_file

app = typer.Typer(no_args_is_help=True, help="Found a network, or join one that is founded.")

EXAMPLE = """# dcn genesis compose network.toml --out genesis.dcn
chain_id = "my-network"
time_ms = 1767225600000
calendar = [20260105, 20260106, 20260107]

[rulebook]
currency = "USD"

[[members]]                      # one for each node, from `dcn keys show --json`
keys_file = "alice.json"

[[members]]                      # an issuer or an oracle may have no node (`dcn keys new`)
lei = "DCNCASHBANK000000154"
name = "Cash Bank"
roles = ["ISSUER"]
keys = { treasury = "<public key in hex>" }

[[assets]]
code = "USD"
issuer = "DCNCASHBANK000000154"

[[feeds]]
code = "EQ-AAPL"

[[instruments]]
code = "FWD-AAPL"
feed = "EQ-AAPL"
currency = "USD"
maturity = 20260320
"""


@app.command()
def example() -> None:
    """Print a description to start from, for `dcn genesis compose`."""
    typer.echo(EXAMPLE, nl=False)


@app.command()
def compose(
    description: Annotated[Path, typer.Argument(help="TOML or JSON; see `dcn genesis example`.")],
    out: Annotated[Path, typer.Option("--out", help="The genesis file to write.")] = Path(
        "genesis.dcn"
    ),
    as_json: JsonOption = False,
) -> None:
    """Make the genesis file from a description of members, assets, instruments and rules.

    Every member must get the same file: compare its hash. Unknown keys, doubled keys and LEIs
    with wrong check digits are refused.
    """
    from ledger.genesis import genesis_hash
    from node.compose import compose as composed
    from node.compose import read_description
    from wire.codec import encode

    genesis = composed(read_description(description), description.parent)
    write_file(out, encode(genesis))
    found = {
        "file": str(out),
        "chain_id": genesis.chain_id,
        "genesis_hash": genesis_hash(genesis).hex(),
        "members": len(genesis.members),
        "validators": sum(1 for member in genesis.members if member.power),
    }
    if as_json:
        print_json(found)
    else:
        pairs("Genesis", found)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A genesis file.")], as_json: JsonOption = False
) -> None:
    """Show a genesis file and its hash."""
    from ledger.genesis import genesis_hash
    from node.home import read_genesis
    from node.plain import plain

    genesis = read_genesis(file)
    found = {"genesis_hash": genesis_hash(genesis).hex(), **plain(genesis)}
    if as_json:
        print_json(found)
        return
    found["members"] = [f"{m.lei} {m.name}" for m in genesis.members]
    found["instruments"] = [x.code for x in genesis.instruments]
    found["feeds"] = [x.code for x in genesis.feeds]
    pairs(str(file), found)


@app.command()
def adopt(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(help="The network's genesis file.")],
    as_json: JsonOption = False,
) -> None:
    """Make a home that `dcn init` laid out part of the network of a genesis file.

    Refused if the home has a network already, or if the genesis names the home's LEI with other
    keys. Who is not named applies for membership (`dcn governance apply`).
    """
    from ledger.genesis import genesis_hash, genesis_state
    from node.admin_log import record
    from node.home import Home, HomeIncomplete, read_genesis

    where, genesis = Home(home), read_genesis(file)
    genesis_state(genesis)
    lei, peer = where.config().lei, where.keys().signing("peer").public
    named = [member.peer_key for member in genesis.members if member.lei == lei]
    if named and named != [peer]:
        raise HomeIncomplete(f"{file} names {lei} with another peer key than that of {home}")
    where.adopt(genesis)
    record(where.data, "genesis adopt", chain_id=genesis.chain_id)
    found = {"chain_id": genesis.chain_id, "genesis_hash": genesis_hash(genesis).hex()}
    if as_json:
        print_json(found)
    else:
        pairs(f"{home} belongs to", found)
        if not named:
            typer.echo("It is no founding member: see `dcn governance apply --help`.")
        typer.echo(f"Start it with: dcn run --home {home}")
