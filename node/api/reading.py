"""Reading what stands in a path or query, and answering a page at a time."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Annotated, Final, TypeAlias, TypeVar

from litestar.params import PathParameter, QueryParameter

from ledger.transactions import Transaction, decode_transaction
from node.api.errors import BadRequest
from node.apitypes.answers import Page
from node.apitypes.requests import SignedTransaction, ToSign

T = TypeVar("T")

PAGE_MAX: Final = 500

# What stands in paths and queries, as the document says it.
Limit: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=PAGE_MAX, description="At most so many items.")
]
After: TypeAlias = Annotated[
    str, QueryParameter(description="The `next` of the page before; empty: from the beginning.")
]
AfterNumber: TypeAlias = Annotated[
    str,
    QueryParameter(
        pattern="^[0-9]{0,15}$",
        description="The `next` of the page before; empty: from the newest.",
    ),
]
AsOf: TypeAlias = Annotated[
    int | None,
    QueryParameter(ge=0, le=10**15 - 1, description="A height; without it: the last block's."),
]
Number: TypeAlias = Annotated[str, PathParameter(pattern="^[0-9]{1,15}$")]
Height: TypeAlias = Annotated[
    str, PathParameter(pattern="^(latest|[0-9]{1,15})$", description="A height, or `latest`.")
]
Ident: TypeAlias = Annotated[
    str, PathParameter(pattern="^[0-9a-f]{64}$", description="A transaction's id in hex.")
]


def number_of(text: str) -> int:
    """A height or number; raises `BadRequest`."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise BadRequest(f"{text[:20]!r} is no number of at most 15 digits")
    return int(text)


def page_of(
    items: Iterable[T], limit: int, height: int, ident: Callable[[T], str | int]
) -> Page[T]:
    """The first `limit` of `items`, which begin behind the page before; `ident`: what the next page
    begins behind."""
    found = list(islice(items, limit + 1))
    shown = found[:limit]
    following = str(ident(shown[-1])) if len(found) > limit else None
    return Page(as_of_height=height, items=shown, next=following)


def digest(text: str) -> bytes:
    """An id in hex; raises `BadRequest`."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadRequest("an id is hex") from None


def transaction_of(data: SignedTransaction | ToSign) -> Transaction:
    """The transaction of a body; raises `BadRequest`, and for what is none its own error."""
    try:
        return decode_transaction(bytes.fromhex(data.tx))
    except ValueError:
        raise BadRequest("`tx` is not hex") from None
