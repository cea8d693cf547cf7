"""What an import reports of each entry, and the checks that all formats have in common."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ledger.objects import Trade
from node.blotter import trade_from
from node.imports.errors import FieldWrong, NotOurs, Twice
from wire.errors import CodedError, Rejection
from wire.ids import member_of


class Entry(NamedTuple):
    """An entry of a file: a trade, or why there is none."""

    line: int
    """Where it begins in the file, from 1."""
    uti: str
    """Empty while it is not known."""
    trade: Trade | None
    error: CodedError | None


Read = tuple[int, str, Trade | Rejection]
"""Line, UTI as far as it is known, and what was made of the entry."""


def trade_of(fields: Mapping[str, str]) -> Trade:
    """A trade from text fields; raises `FieldWrong`."""
    try:
        return trade_from(dict(fields))
    except CodedError as error:
        raise FieldWrong(error.detail) from None
    except ValueError as error:
        raise FieldWrong(str(error)) from None


def checked(entries: Iterable[Read], lei: str) -> Iterator[Entry]:
    """The entries, refused also where the UTI was there before or `lei` is no party."""
    seen: set[str] = set()
    for line, uti, found in entries:
        error = found if isinstance(found, Rejection) else _common(found, lei, seen)
        trade = None if isinstance(found, Rejection) or error is not None else found
        yield Entry(line, uti, trade, error)
        seen.add(uti)


def _common(trade: Trade, lei: str, seen: set[str]) -> Rejection | None:
    if trade.uti in seen:
        return Twice(trade.uti)
    parties = (member_of(trade.buyer), member_of(trade.seller))
    if lei not in parties:
        return NotOurs(f"buyer {parties[0]}, seller {parties[1]}; this is {lei}")
    return None
