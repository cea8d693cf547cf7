"""Home directories for every node of a testnet, and the file that remembers them."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.objects import Trade
from node.blotter import write_blotter
from node.cli.testnet.links import Links
from node.cli.testnet.plan import Replay
from node.cli.testnet.ports import HOST, free_ports
from node.config import EVERYTHING, OWN
from node.files import replace_file
from node.founding import Identity
from node.home import Home, Keys
from wire.errors import EnvironmentFault
from wire.ids import house

STATE_FILE: Final = "testnet.json"

CONFIG = """# A testnet node on the loopback. `dcn config validate` checks this file.
lei = "{lei}"

[network]
listen = "/ip4/127.0.0.1/tcp/{p2p}"

[network.peers]
{peers}

[api]
port = {api}
shows = "{shows}"

[consensus]
block_interval_ms = {interval}
empty_block_ms = 2000
propose_ms = 1500
propose_delta_ms = 300
vote_ms = 500
vote_delta_ms = 200
cap_ms = 6000

[trades]
blotter = "{blotter}"
flush_ms = {flush}

[log]
level = "info"
"""


class TestnetExists(EnvironmentFault):
    """The directory holds a testnet already, perhaps a running one."""

    code = "TESTNET_EXISTS"
    remedy = "Stop and remove it with `dcn testnet down`, or name another directory."


class Place(msgspec.Struct, frozen=True):
    """Where one node of the testnet lives."""

    name: str
    lei: str
    role: str
    home: str
    p2p: int
    api: int

    def url(self) -> str:
        """Base URL of the node's API."""
        return f"http://{HOST}:{self.api}"


class Pace(msgspec.Struct, frozen=True):
    """What a test may want quicker or slower."""

    block_interval_ms: int = 150
    flush_ms: int = 20


def names_in(replay: Replay) -> list[str]:
    """Names of all nodes; members first."""
    founded = replay.founded
    return [who.name.lower().replace(" ", "-") for who in (*founded.members, *founded.observers)]


def lay_out(directory: Path, replay: Replay, pace: Pace, links: Links | None = None) -> list[Place]:
    """Make every node's home; members first. Raises `TestnetExists`.

    With `links`, made for `names_in(replay)`, the nodes reach each other over them.
    """
    if (directory / STATE_FILE).exists():
        raise TestnetExists(str(directory))
    founded = replay.founded
    runners = [(who, "member") for who in founded.members]
    runners += [(who, "observer") for who in founded.observers]
    ports = free_ports(2 * len(runners))
    places = []
    for number, (name, (who, role)) in enumerate(zip(names_in(replay), runners, strict=True)):
        home = str((directory / name).resolve())
        places.append(Place(name, who.lei, role, home, ports[2 * number], ports[2 * number + 1]))
    for (who, role), place in zip(runners, places, strict=True):
        book = [trade for day in replay.days for trade in day.trades] if role == "member" else []
        _write_home(replay, who, place, _addresses(place, places, links), book, pace)
    remember(directory, places, {})
    return places


def remember(directory: Path, places: list[Place], pids: dict[str, int]) -> None:
    """Write down the nodes and their processes."""
    content = {"nodes": [msgspec.to_builtins(place) for place in places], "pids": pids}
    replace_file(directory / STATE_FILE, json.dumps(content, indent=2).encode(), 0o644)


def recall(directory: Path) -> tuple[list[Place], dict[str, int]] | None:
    """The nodes and processes of an earlier run; None if there is none."""
    path = directory / STATE_FILE
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text())
    return msgspec.convert(content["nodes"], list[Place]), dict(content["pids"])


def _addresses(place: Place, places: list[Place], links: Links | None) -> dict[str, int]:
    """Port of every other node, or of the wire to it."""
    return {
        other.lei: other.p2p if links is None else links.port(place.name, other.name)
        for other in places
        if other.lei != place.lei
    }


def _write_home(
    replay: Replay,
    who: Identity,
    place: Place,
    peers: dict[str, int],
    book: list[Trade],
    pace: Pace,
) -> None:
    text = CONFIG.format(
        lei=who.lei,
        p2p=place.p2p,
        api=place.api,
        shows=OWN if place.role == "member" else EVERYTHING,  # one person runs the whole network
        peers="\n".join(f'"{lei}" = "/ip4/{HOST}/tcp/{port}"' for lei, port in peers.items()),
        blotter="blotter.csv" if book else "",
        interval=pace.block_interval_ms,
        flush=pace.flush_ms,
    )
    secrets = (who.peer, who.consensus, who.trade, who.treasury, who.governance, who.seed_chain)
    home = Home(Path(place.home))
    home.write(text, replay.founded.genesis, Keys(*secrets))
    if book:
        mine = [trade for trade in book if house(who.lei) in (trade.buyer, trade.seller)]
        write_blotter(home.path / "blotter.csv", mine)
