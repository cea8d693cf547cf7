"""What views are made from: the read store as who asks sees it, and the node as it runs."""

from contextlib import AbstractContextManager
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import msgspec
from litestar import Request
from litestar.params import PathParameter, QueryParameter

from node.apitypes.answers import Answer, Voter
from node.observer.store import Reader

Asked: TypeAlias = Request[Any, Any, Any]

Before: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        ge=0, le=10**15 - 1, description="The `next` of the page before; without it: the newest."
    ),
]
AfterPosition: TypeAlias = Annotated[
    int, QueryParameter(ge=-1, le=10**9, description="The `next` of the page before.")
]
CallId: TypeAlias = Annotated[
    str, PathParameter(pattern="^[0-9a-f]{64}$", description="A call's id in hex.")
]
OnDate: TypeAlias = Annotated[
    int | None,
    QueryParameter(ge=0, le=99991231, description="A closed business date, yyyymmdd."),
]

OfMember: TypeAlias = Annotated[
    str,
    QueryParameter(
        pattern="^([0-9A-Z]{18}[0-9]{2})?$", description="A member's LEI; empty: of everybody seen."
    ),
]


class Seen(Answer, frozen=True):
    """Base of all views. `as_of_height`: the last block in it; the store behind it holds blocks
    from `from_height` on. Every figure stands beside the `height` of the block that it is of, and
    the `rule` that it rests on."""

    as_of_height: int
    from_height: int


class Row(Answer, frozen=True):
    """Base of the lines of a view's tables."""

    height: int
    """Of the block that this line is of."""
    rule: str
    """What its figures rest on."""


class Now(Answer, frozen=True):
    """A running node, beyond its blocks: none of this is in the store."""

    lei: str
    role: Literal["member", "observer"]
    node_height: int
    """The node's last block; the view may still be a few behind."""
    deciding_height: int
    round: int
    step: str
    proposer: str
    waits_for: str
    behind: int
    """Blocks that peers have and this node has not."""
    peers: list[str]
    validators: list[Voter]


class Replayed(Answer, frozen=True):
    """Where a replay stands. Its blocks are `first` to `last`; times are those of block headers."""

    lei: str
    """Whose store is replayed."""
    first: int
    last: int
    first_ms: int
    last_ms: int
    height: int
    """The block that the page is after."""
    time_ms: int
    speed: float
    """The network's time to that of who looks; 0: as fast as it goes."""
    playing: bool
    jumping_to: int | None
    """Where it is on its way to."""
    due_ms: int | None
    """From when this was said until the next block, a day at most; null: somebody has to say."""
    change: int
    """Counts what has changed: of two answers the one with more is the newer."""
    trouble: str
    """Why it cannot go on; empty if it can."""


class Lexicon(msgspec.Struct, frozen=True):
    """How the page writes what the store has as codes."""

    names: dict[str, str]
    """Of members, by LEI."""
    exponents: dict[str, int]
    """Of assets: minor units are 10 to the power of minus this."""


class Rehearse(Protocol):
    """Rehearses the default of a member on the last state."""

    async def __call__(self, lei: str) -> dict[str, Any]:
        """`node.whatif.default.Report` as JSON; raises its rejections, and `RehearsalFailed`."""


class Sight(Protocol):
    """Where views come from: a running node, or a replay."""

    def reader(self) -> AbstractContextManager[Reader]:
        """A moment of the store; raises `ObserverBehind` while there is nothing in it."""

    def now(self) -> Now | None:
        """The node as it runs; None of a replay."""

    def lexicon(self) -> "Lexicon":
        """Names and scales for the page."""

    def trouble(self) -> str:
        """Why the store goes on no more; empty if it does."""

    def replayed(self) -> Replayed | None:
        """Where a replay stands; None of a node."""
