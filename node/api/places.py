"""Places of those who follow a stream: so many in all, and so many of one client."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from node.api.errors import TooManyStreams

PLACES: Final = 100
"""Of each kind of stream: every follower is told of every block."""


class Places:
    """The places of one kind of stream."""

    def __init__(self, per_client: int, in_all: int = PLACES) -> None:
        self._per_client = per_client
        self._in_all = in_all
        self._taken: Counter[str] = Counter()

    def check(self, client: str) -> None:
        """That there is a place for a client; raises `TooManyStreams`. Asked before the answer
        begins, when it can still be refused."""
        if self._taken[client] >= self._per_client:
            raise TooManyStreams(f"{client} follows {self._per_client} of these already")
        if self._taken.total() >= self._in_all:
            raise TooManyStreams(f"{self._in_all} followers have all places")

    @contextmanager
    def taken(self, client: str) -> Iterator[None]:
        """A place, for as long as it is followed."""
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]
