"""`dcn join`: become part of a network that runs, from its genesis or a header that is trusted."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.init import (
    API_PORT,
    LISTEN,
    ApiPortOption,
    ListenOption,
    NameOption,
    NodeRole,
    PeerOption,
    RoleOption,
    SealOption,
    lay_out,
    new_passphrase,
)
from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, pairs, print_json

if TYPE_CHECKING:
    from ledger.genesis import Genesis
    from node.home import Home


def join(
    home: HomeOption,
    lei: Annotated[
        str, typer.Option(help="The legal entity, if the home is still to be made.")
    ] = "",
    genesis: Annotated[Path | None, typer.Option(help="The network's genesis file.")] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            help="Fetch the genesis from this node: URL of its API, or its home; repeat to have "
            "several members' compared."
        ),
    ] = None,
    trust: Annotated[
        str, typer.Option(help="A header HEIGHT:ID that another member has told you.")
    ] = "",
    listen: ListenOption = LISTEN,
    peer: PeerOption = None,
    role: RoleOption = NodeRole.member,
    name: NameOption = "",
    api_port: ApiPortOption = API_PORT,
    passphrase_file: SealOption = None,
    tokens: Annotated[
        Path | None,
        typer.Option(envvar="DCN_LIGHT_TOKENS", help="File of lines `URL TOKEN`, for --node."),
    ] = None,
    patience: Annotated[
        float, typer.Option(help="Seconds without progress after which to give up.", min=1)
    ] = 60,
    as_json: JsonOption = False,
) -> None:
    """Join a network that runs: make or complete the home, fetch the chain, verify it, and stop.

    The genesis comes from --genesis, or from --node with --trust. With --trust the node
    accepts no chain that has another block there, now or later (`store.trust` in config.toml): then
    a genesis that somebody else sent need not be believed. The state comes as a snapshot
    or by blocks, as docs/SYNC.md says. Peers let in who is on the ledger: a newcomer first
    applies (`dcn governance apply`) and is admitted by vote. Broken off, `dcn join` goes
    on where it was; afterwards `dcn run` does.
    """
    from ledger.genesis import genesis_hash
    from node.admin_log import record
    from node.cli.light.trust import trusted_option
    from node.home import Home, read_genesis

    named = trusted_option(trust) if trust else None
    where = Home(home)
    if genesis is not None and node:
        raise UsageWrong("--genesis and --node are two sources of one thing")
    if node and named is None:
        raise UsageWrong("--node needs --trust: a genesis that is sent proves nothing by itself")
    if genesis is None and not node and not where.genesis_file.exists():
        raise UsageWrong("say where the genesis comes from: --genesis FILE, or --node and --trust")
    if not where.config_file.exists() and not lei:
        raise UsageWrong(f"{home} is no home: --lei LEI makes one")
    found = read_genesis(genesis) if genesis is not None else _fetched(node or [], tokens)
    if not where.config_file.exists():
        phrase = new_passphrase(passphrase_file, ask=False)
        lay_out(home, lei, listen, peer, role, name, api_port, phrase)
    if found is not None:
        _adopt(where, found)
    if named is not None:
        _keep_trust(where, str(named))
    ident = genesis_hash(where.genesis()).hex()
    record(where.data, "join", genesis_hash=ident, trust=trust)
    _follow(where, patience, ident, as_json=as_json)


def _fetched(nodes: list[str], tokens: Path | None) -> "Genesis | None":
    """The genesis that all of `nodes` have; None without nodes. Raises `GenesisDiffers`."""
    from ledger.genesis import Genesis, genesis_hash
    from node.cli.light.nodes import Nodes
    from node.client.errors import NotANode
    from node.home import GENESIS_BYTES_MAX
    from node.joining import GenesisDiffers
    from wire.codec import decode
    from wire.errors import CodedError

    if not nodes:
        return None
    known = Nodes(nodes, tokens)
    found: dict[str, Genesis] = {}
    for one in nodes:
        answer = known.connection(one).get("/v1/genesis")
        try:
            genesis = decode(bytes.fromhex(answer["genesis"]), Genesis, GENESIS_BYTES_MAX)
        except (ValueError, KeyError, TypeError, CodedError):
            raise NotANode(f"{one} sends no genesis") from None
        found.setdefault(genesis_hash(genesis).hex(), genesis)
    if len(found) > 1:
        raise GenesisDiffers(", ".join(ident[:16] for ident in found))
    return next(iter(found.values()))


def _adopt(where: "Home", genesis: "Genesis") -> None:
    """Make the home part of the network; raises `HomeExists` if it belongs to another one."""
    from ledger.genesis import genesis_hash, genesis_state
    from node.home import HomeExists

    genesis_state(genesis)
    if not where.genesis_file.exists():
        where.adopt(genesis)
    elif genesis_hash(where.genesis()) != genesis_hash(genesis):
        raise HomeExists(f"{where.path} belongs to another network already")


def _keep_trust(where: "Home", named: str) -> None:
    from node.config_lines import with_text
    from node.files import replace_file

    text = with_text(where.config_file.read_text("utf-8"), "store", "trust", named)
    replace_file(where.config_file, text.encode(), 0o644)


def _follow(where: "Home", patience_s: float, ident: str, *, as_json: bool) -> None:
    from node.joining import follow_to_tip
    from node.lock import HomeLock
    from node.logs import configure_logs

    where.config()
    configure_logs("warning", "json" if as_json else "console")
    with HomeLock(where.lock):
        joined = asyncio.run(follow_to_tip(where.path, patience_s, _tell))
    shown = {
        "chain_id": joined.chain_id,
        "genesis_hash": ident,
        "height": joined.height,
        "block_id": joined.block_id.hex(),
        "state_root": joined.state_root.hex(),
        "oldest_block": joined.oldest,
        "trusted": where.config().store.trust or None,
    }
    if as_json:
        print_json(shown)
    else:
        pairs(f"{where.path} has joined", shown)
        typer.echo(f"Start it with: dcn run --home {where.path}")


def _tell(place: dict[str, Any]) -> None:
    chunks = f", snapshot {place['chunks'] or 'sought'}" if place["by"] else ""
    sys.stderr.write(f"height {place['height']} of {place['to']}, {place['peers']} peers{chunks}\n")
