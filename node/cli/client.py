"""The command line's client: that of the node of a home directory."""

import weakref
from pathlib import Path

from node.client.clients import NodeClient as Connection
from node.client.clients import place_of
from node.client.errors import NodeUnreachable, NotANode
from node.home import Home

__all__ = ["Client", "Connection", "NodeUnreachable", "NotANode"]


class Client(Connection):
    """Synchronous requests to the node of a home directory."""

    def __init__(self, home: Path) -> None:
        super().__init__(*place_of(home))
        weakref.finalize(self, self._http.close)  # with the command that has asked
        self.lei = Home(home).config().lei
