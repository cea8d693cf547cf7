"""`dcn init`: the home directory of a new node, with fresh keys."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, pairs, print_json


class NodeRole(StrEnum):
    """What a node is for."""

    member = "member"
    observer = "observer"


CONFIG = """# A node's configuration. `dcn config validate` checks this file; every key can be
# overridden by an environment variable, e.g. DCN_API_PORT.
lei = "{lei}"

[network]
# Where this node listens; its peers dial it there.
listen = "{listen}"

[network.peers]
# LEI of a member or observer = multiaddr of its node. Only members are let in.
{peers}

[api]
host = "127.0.0.1"
port = {port}

[trades]
# A CSV of the own book, loaded at start; affirmation compares trades with it.
blotter = ""

[log]
level = "info"
format = "json"
"""


def init(
    home: HomeOption,
    lei: Annotated[str, typer.Option(help="The legal entity that runs the node.")],
    genesis: Annotated[
        Path | None, typer.Option(help="The network's genesis file, if it is founded already.")
    ] = None,
    listen: Annotated[
        str, typer.Option(help="Multiaddr to listen on.")
    ] = "/ip4/127.0.0.1/tcp/7001",
    peer: Annotated[
        list[str] | None, typer.Option(help="LEI=MULTIADDR of another node; repeat for each.")
    ] = None,
    role: Annotated[NodeRole, typer.Option(help="Members vote and trade, observers follow.")] = (
        NodeRole.member
    ),
    name: Annotated[str, typer.Option(help="Name of the legal entity; default: its LEI.")] = "",
    api_port: Annotated[int, typer.Option(help="Port of the HTTP API, on the loopback.")] = 8001,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            help="Seal the keys under the first line of this file; see `dcn keys encrypt`."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a node's home directory with fresh random keys; print the public halves.

    To found a network: every member runs `dcn init`, and sends what `dcn keys show --json` prints
    to whoever composes the genesis (`dcn genesis compose`). The file goes back to every member:
    `dcn genesis adopt`. Then each starts its node with `dcn run`.

    An existing home is refused: keys and signer state are never written over.
    """
    from node.config import load_config
    from node.home import Home, Keys, read_genesis
    from node.identity import ROLES, note, public_keys
    from node.identity import as_json as shown
    from node.network.config import tcp_endpoint
    from node.passphrase import passphrase_of
    from wire import ids

    ids.lei(lei)
    peers = _peers(peer or [])
    for address in (listen, *peers.values()):
        tcp_endpoint(address)
        if not address.isprintable() or '"' in address or "\\" in address:
            raise UsageWrong(f"{address!r} is no address")
    known = None if genesis is None else read_genesis(genesis)
    keys = Keys.fresh()
    where = Home(home)
    lines = "\n".join(f'"{other}" = "{address}"' for other, address in peers.items())
    text = CONFIG.format(lei=lei, listen=listen, peers=lines, port=api_port)
    where.make(text, keys, None if passphrase_file is None else passphrase_of(passphrase_file))
    note(where, name or lei, role.value)
    load_config(where.config_file)
    if known is not None:
        where.adopt(known, keys)
    public = shown(public_keys(lei, name or lei, ROLES[role.value], keys))
    if as_json:
        print_json(public)
        return
    pairs(f"Home {home}; its public keys", public)
    typer.echo(f"Send the others: dcn keys show --home {home} --json")
    if known is None:
        typer.echo(f"When the network is founded: dcn genesis adopt genesis.dcn --home {home}")


def _peers(given: list[str]) -> dict[str, str]:
    from wire import ids

    peers: dict[str, str] = {}
    for entry in given:
        lei, separator, address = entry.partition("=")
        if not separator:
            raise UsageWrong(f"--peer {entry}: LEI=MULTIADDR expected")
        peers[ids.lei(lei)] = address
    return peers
