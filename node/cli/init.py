"""`dcn init`: the home directory of a new node, with fresh keys."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, pairs, print_json

if TYPE_CHECKING:
    from node.home import Home, Keys


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
# Who has `api.token` sees "own" business and what is public, or "everything" that is in the store:
# never at a trading member's node. Persons see what their mandate names (`dcn token create`).
shows = "{shows}"

[trades]
# A CSV of the own book, loaded at start; affirmation compares trades with it.
blotter = ""

[log]
level = "info"
format = "json"
"""


ListenOption = Annotated[str, typer.Option("--listen", help="Multiaddr to listen on.")]
PeerOption = Annotated[
    list[str] | None, typer.Option("--peer", help="LEI=MULTIADDR of another node; repeat for each.")
]
RoleOption = Annotated[
    NodeRole, typer.Option("--role", help="Members vote and trade, observers follow.")
]
NameOption = Annotated[
    str, typer.Option("--name", help="Name of the legal entity; default: its LEI.")
]
ApiPortOption = Annotated[
    int, typer.Option("--api-port", help="Port of the HTTP API, on the loopback.")
]
SealOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="Seal the keys under the first line of this file; see `dcn keys encrypt`.",
    ),
]
LISTEN = "/ip4/127.0.0.1/tcp/7001"
API_PORT = 8001


def init(
    home: HomeOption,
    lei: Annotated[str, typer.Option(help="The legal entity that runs the node.")],
    genesis: Annotated[
        Path | None, typer.Option(help="The network's genesis file, if it is founded already.")
    ] = None,
    listen: ListenOption = LISTEN,
    peer: PeerOption = None,
    role: RoleOption = NodeRole.member,
    name: NameOption = "",
    api_port: ApiPortOption = API_PORT,
    passphrase_file: SealOption = None,
    seal: Annotated[
        bool, typer.Option("--seal", help="Ask for a passphrase to seal the keys under.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a node's home directory with fresh random keys; print the public halves.

    To found a network: every member runs `dcn init`, and sends what `dcn keys show --json` prints
    to whoever composes the genesis (`dcn genesis compose`). The file goes back to every member:
    `dcn genesis adopt`. Then each starts its node with `dcn run`.

    An existing home is refused: keys and signer state are never written over. Keys are sealed
    (scrypt, AES-256-GCM) with --passphrase-file or --seal; who starts the node then names the
    passphrase by DCN_PASSPHRASE_FILE, the systemd credential `dcn.passphrase`, or types it.
    """
    from node.home import read_genesis

    known = None if genesis is None else read_genesis(genesis)
    phrase = new_passphrase(passphrase_file, ask=seal)
    where, public = lay_out(home, lei, listen, peer, role, name, api_port, phrase)
    if known is not None:
        where.adopt(known, public.keys)
    if as_json:
        print_json(public.shown)
        return
    pairs(f"Home {home}; its public keys", public.shown)
    typer.echo(f"Send the others: dcn keys show --home {home} --json")
    if known is None:
        typer.echo(f"When the network is founded: dcn genesis adopt genesis.dcn --home {home}")
        typer.echo("If it runs already: dcn join --help")


def new_passphrase(file: Path | None, *, ask: bool) -> str | None:
    """What fresh keys are sealed under; None: nothing. Raises `PassphraseMissing`."""
    from node.passphrase import chosen

    return chosen(file, "the keys") if file is not None or ask else None


class LaidOut(NamedTuple):
    """The fresh keys of a home, and their public halves as shown."""

    keys: "Keys"
    shown: dict[str, Any]


def lay_out(
    home: Path,
    lei: str,
    listen: str,
    peer: list[str] | None,
    role: NodeRole,
    name: str,
    api_port: int,
    passphrase: str | None,
) -> "tuple[Home, LaidOut]":
    """Make a home with fresh keys; raises `HomeExists`, `UsageWrong` and the like."""
    from node.config import EVERYTHING, OWN, load_config
    from node.home import Home, Keys
    from node.identity import ROLES, note, public_keys
    from node.identity import as_json as shown
    from node.network.config import tcp_endpoint
    from wire import ids

    ids.lei(lei)
    peers = _peers(peer or [])
    for address in (listen, *peers.values()):
        tcp_endpoint(address)
        if not address.isprintable() or '"' in address or "\\" in address:
            raise UsageWrong(f"{address!r} is no address")
    keys = Keys.fresh()
    where = Home(home)
    lines = "\n".join(f'"{other}" = "{address}"' for other, address in peers.items())
    text = CONFIG.format(
        lei=lei,
        listen=listen,
        peers=lines,
        port=api_port,
        shows=OWN if role is NodeRole.member else EVERYTHING,
    )
    where.make(text, keys, passphrase)
    note(where, name or lei, role.value)
    load_config(where.config_file)
    return where, LaidOut(keys, shown(public_keys(lei, name or lei, ROLES[role.value], keys)))


def _peers(given: list[str]) -> dict[str, str]:
    from wire import ids

    peers: dict[str, str] = {}
    for entry in given:
        lei, separator, address = entry.partition("=")
        if not separator:
            raise UsageWrong(f"--peer {entry}: LEI=MULTIADDR expected")
        peers[ids.lei(lei)] = address
    return peers
