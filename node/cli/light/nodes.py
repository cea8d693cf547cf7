"""The nodes that a light client asks, over their HTTP APIs."""

import time
from pathlib import Path
from typing import Final

from node.blocks import LightBlock
from node.cli.client import Client, Connection, NodeUnreachable, NotANode
from node.cli.output import UsageWrong, read_text
from node.light.asking import LATEST, Ask, Told
from wire.codec import decode
from wire.errors import CodedError

LIGHT_BLOCK_BYTES_MAX: Final = 256 << 10
"""With a hundred validators a light block has about 20 KB."""

PATIENCE_SECONDS: Final = 3.0
"""So long a node is given that lags a block behind another."""

PAUSE_SECONDS: Final = 0.2


def clock_ms() -> int:
    """The reader's clock, milliseconds UTC."""
    return time.time_ns() // 1_000_000


class Nodes:
    """Connections by name. A name is a node's home directory, or the URL of its API."""

    def __init__(self, names: list[str], tokens: Path | None) -> None:
        """`tokens`: a file of lines `URL TOKEN`. Raises `UsageWrong`, `HomeIncomplete`."""
        known = {} if tokens is None else _tokens(tokens)
        self._connections = {name: _connection(name, known) for name in names}

    def connection(self, name: str) -> Connection:
        """The connection to one node."""
        return self._connections[name]

    def answer(self, question: Ask) -> Told:
        """Carry out a question of the light client. Who cannot be reached, or sends something
        else, has said nothing; a wrong token is the user's mistake and raised."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            block, worth_waiting = self._asked(question)
            if block is not None or not worth_waiting or time.monotonic() > end:
                return Told(block, clock_ms())
            time.sleep(PAUSE_SECONDS)

    def _asked(self, question: Ask) -> tuple[LightBlock | None, bool]:
        height = "latest" if question.height == LATEST else str(question.height)
        try:
            found = self._connections[question.node].get(f"/v1/light/{height}")
            data = bytes.fromhex(found["light_block"])
            return decode(data, LightBlock, LIGHT_BLOCK_BYTES_MAX), False
        except (NodeUnreachable, NotANode, ValueError, KeyError, TypeError):
            return None, False
        except CodedError as error:
            if error.code == "API_UNAUTHORISED":
                raise
            return None, error.code == "API_NOT_FOUND" and question.height != LATEST


def _connection(name: str, tokens: dict[str, str]) -> Connection:
    if "://" not in name:
        return Client(Path(name))
    url = name.rstrip("/")
    if url not in tokens:
        raise UsageWrong(f"no token for {url}: name it in the file given with --tokens")
    return Connection(url, tokens[url])


def _tokens(path: Path) -> dict[str, str]:
    found = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise UsageWrong(f"{path}, line {number}: URL TOKEN expected")
        found[words[0].rstrip("/")] = words[1]
    return found
