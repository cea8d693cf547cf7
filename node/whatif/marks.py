"""Prices that a rehearsal goes by: the ledger's last ones, moved."""

from collections.abc import Mapping

from ledger import marks
from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft
from wire.errors import Rejection
from wire.ids import FeedCode
from wire.money import BPS, Rounding, muldiv


class NothingMarked(Rejection):
    """A feed has no price yet: no business date has been closed, or it was listed since."""

    code = "WHATIF_NOTHING_MARKED"
    remedy = "Wait for the first close of a business date."


class BadMove(Rejection):
    """A move is not of the form FEED=PERCENT, or names no feed of the ledger."""

    code = "WHATIF_BAD_MOVE"
    remedy = "Write e.g. `EQ-AAPL=-20%`; feeds are those of the ledger."


def moved_prices(draft: Draft, moves: Mapping[str, int]) -> dict[FeedCode, int | None]:
    """The last price of every feed (of the open date where a quorum has marked it), moved by basis
    points, within the feed's bounds; raises `BadMove`."""
    feeds: list[FeedCode] = [t.FEEDS.parts(key)[0] for key in draft.indexed(t.FEEDS, 0)]
    for feed in moves:
        if feed not in feeds:
            raise BadMove(f"no feed {feed[:40]}")
    last = marks.latest(draft)
    return {feed: _moved(draft, feed, last(feed), moves.get(feed, 0)) for feed in feeds}


def _moved(draft: Draft, feed: FeedCode, value: int | None, bps: int) -> int | None:
    if value is None:
        return None
    terms: o.Feed = draft.must(t.FEEDS, t.FEEDS.key(feed))
    moved = value + muldiv(abs(value), bps, BPS, Rounding.HALF_EVEN)
    return max(terms.value_min, min(terms.value_max, moved))
