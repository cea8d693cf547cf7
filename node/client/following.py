"""Following a node's events: one stream after another, with nothing missed and nothing twice."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpx
import msgspec

from node.apitypes.answers import EventLine
from node.apitypes.shown import from_json
from node.client.errors import NotANode
from node.forms import BadForm

PATH: Final = "/v1/events/stream"
LATEST: Final = "latest"
AGAIN_SECONDS: Final = 1.0
"""Between two attempts to reach the node again."""
PATIENCE: Final = httpx.Timeout(30.0, read=60.0)
"""A node shows every 15 seconds that it is alive."""


class Reading:
    """Server-sent events (HTML standard, 9.2), line by line."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def line(self, text: str) -> EventLine | None:
        """The event that a line completes; raises `NotANode`."""
        if text.startswith("data:"):
            self._data.append(text.removeprefix("data:").removeprefix(" "))
        if text or not self._data:
            return None
        content, self._data = "\n".join(self._data), []
        try:
            return msgspec.json.decode(content, type=EventLine, dec_hook=from_json)
        except (msgspec.MsgspecError, BadForm) as error:
            raise NotANode(f"{PATH}: {error}") from None


def events_in(lines: Iterable[str]) -> Iterator[EventLine]:
    """The events of a stream's lines."""
    reading = Reading()
    for text in lines:
        found = reading.line(text)
        if found is not None:
            yield found


def behind(height: int) -> str:
    """An id behind all events of a block."""
    return f"{height}-{10**15 - 1}"


def asking(after: str, kind: str, member: str) -> dict[str, Any]:
    """How the stream is asked for."""
    query = {"after": after, "kind": kind, "member": member}
    return {"method": "GET", "url": PATH, "params": query, "timeout": PATIENCE}
