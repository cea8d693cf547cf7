"""Reading what stands in a path or query, and answering a page at a time."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from ledger.transactions import Transaction, decode_transaction
from node.api.errors import BadRequest
from node.apitypes.answers import Page
from node.apitypes.requests import SignedTransaction

T = TypeVar("T")

PAGE_MAX = 500


def number_of(text: str) -> int:
    """A height or number; raises `BadRequest`."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise BadRequest(f"height is {text[:20]!r}")
    return int(text)


def limit_of(limit: int) -> int:
    """How many items a page may have; raises `BadRequest`."""
    if not 1 <= limit <= PAGE_MAX:
        raise BadRequest(f"limit is {limit}, 1 to {PAGE_MAX} allowed")
    return limit


def page_of(
    items: Iterable[T], limit: int, height: int, ident: Callable[[T], str | int]
) -> Page[T]:
    """The first `limit` of `items`, which begin behind the page before; `ident`: what the next page
    begins behind. Raises `BadRequest`."""
    found = list(islice(items, limit_of(limit) + 1))
    shown = found[:limit]
    following = str(ident(shown[-1])) if len(found) > limit else None
    return Page(as_of_height=height, items=shown, next=following)


def digest(text: str) -> bytes:
    """An id in hex; raises `BadRequest`."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadRequest("an id is hex") from None


def transaction_of(data: SignedTransaction) -> Transaction:
    """The transaction of a body; raises `BadRequest`, and for what is none its own error."""
    try:
        return decode_transaction(bytes.fromhex(data.tx))
    except ValueError:
        raise BadRequest("`tx` is not hex") from None
