"""Which blocks are replayed: a business date, a case, or from here to there."""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from ledger.events import DateClosed
from node.audit.source import Source
from node.history import NotInHistory
from node.playback.errors import BadMoment, NothingToReplay
from node.playback.marks import case_of, ends_case, events_of

LEAD_BLOCKS: Final = 20
"""Blocks shown before a case is opened, so that one sees what led to it."""

TAIL_BLOCKS: Final = 10
"""Blocks shown after a case is closed, so that one sees what it leaves to be paid."""

HEIGHT_DIGITS_MAX: Final = 15


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: a `date`, a `case`, or a beginning and an end, each of which may be left
    out: the first and the last block that there are."""

    date: int | None = None
    """Business date, yyyymmdd."""
    case: int | None = None
    begin: str = ""
    """A height, or a time in UTC."""
    end: str = ""


class Kept(msgspec.Struct, frozen=True):
    """The blocks that a home keeps."""

    base: int
    """The state after this block can be made: of the genesis (0), or of a snapshot."""
    last: int
    time_of: Callable[[int], int]
    """Header time of a block above `base`, ms."""


def resolve(wanted: Wanted, source: Source, kept: Kept) -> tuple[int, int]:
    """The block that the replay begins after, and its last one.

    Raises `NotInHistory` for what is not kept, `NothingToReplay`, `BadMoment`.
    """
    if wanted.case is not None:
        first, last = _of_case(wanted.case, source, kept)
    elif wanted.date is not None:
        first, last = _of_date(wanted.date, source, kept)
    else:
        first = _begin(wanted.begin, kept) if wanted.begin else kept.base
        last = height_at(wanted.end, kept) if wanted.end else kept.last
    for height in (first, last):
        if not kept.base <= height <= kept.last:
            raise NotInHistory(
                f"height {height}; a replay of this home begins at height {kept.base} at the "
                f"earliest, and ends at {kept.last} at the latest"
            )
    if first > last:
        raise NothingToReplay(f"from height {first} to {last}")
    return first, last


def height_at(text: str, kept: Kept) -> int:
    """A height as it is written, or the last block up to a time; `base` for a time before all."""
    moment = moment_of(text)
    if isinstance(moment, int):
        return moment
    time_ms = int(moment.timestamp() * 1_000)
    heights = range(kept.base + 1, kept.last + 1)
    return kept.base + bisect_right(heights, time_ms, key=kept.time_of)


def _begin(text: str, kept: Kept) -> int:
    """As `height_at`; a time that is not kept any more is refused."""
    height = height_at(text, kept)
    if height == kept.base > 0 and not text.isdecimal():
        raise NotInHistory(f"{text}: the first block kept is {kept.base + 1}, and is of later")
    return height


def moment_of(text: str) -> int | datetime:
    """A height, or a time (UTC unless it says otherwise); raises `BadMoment`."""
    if text.isascii() and text.isdecimal() and len(text) <= HEIGHT_DIGITS_MAX:
        return int(text)
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        found.timestamp()
    except (ValueError, OverflowError):
        raise BadMoment(f"{text[:40]!r}") from None
    return found


def _of_case(number: int, source: Source, kept: Kept) -> tuple[int, int]:
    """From some blocks before it was opened to some after its close, or to the last block."""
    opened = None
    for height, event in events_of(source, kept.base, kept.last):
        if case_of(event, number):
            opened = height if opened is None else opened
            if ends_case(event):
                last = min(kept.last, height + TAIL_BLOCKS)
                return max(kept.base, opened - LEAD_BLOCKS), last
    if opened is None:
        raise NothingToReplay(f"no case {number} in blocks {kept.base + 1} to {kept.last}")
    return max(kept.base, opened - LEAD_BLOCKS), kept.last


def _of_date(date: int, source: Source, kept: Kept) -> tuple[int, int]:
    """From the block in which the date before was closed to the last one before the next is: with
    the margin cycle of the date, which runs when it closes, and its netting round."""
    opened, closed = kept.base, None
    seen = []
    for height, event in events_of(source, kept.base, kept.last):
        if isinstance(event, DateClosed):
            if closed is not None:
                return opened, height - 1
            seen.append(event.date)
            if event.date == date:
                closed = height
            else:
                opened = height
    if closed is not None:
        return opened, kept.last
    known = ", ".join(map(str, seen)) or "none"
    raise NothingToReplay(f"{date}; closed in blocks {kept.base + 1} to {kept.last}: {known}")
