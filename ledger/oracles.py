"""Oracle marks: the median of a quorum for each feed, and the close of the business date."""

import msgspec

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import FeedMark, SubmitOracle
from ledger.events import DateClosed, Event
from ledger.state import Draft
from wire.codec import Record, decode
from wire.errors import MalformedBytes, Oversize, Rejection
from wire.ids import Date
from wire.limits import EXTENSION_BYTES_MAX, ORACLE_MARKS_MAX
from wire.money import Rounding, muldiv


def submit(draft: Draft, action: SubmitOracle) -> list[Event]:
    """Record an oracle's marks of the open date; its latest mark of a feed counts."""
    network = draft.must(t.NETWORK, t.network_key())
    if network.business_date is None or action.date != network.business_date:
        raise r.DateNotOpen(f"date is {action.date}, open is {network.business_date}")
    if not 1 <= len(action.marks) <= ORACLE_MARKS_MAX:
        raise r.BadMark(f"has {len(action.marks)} marks, 1 to {ORACLE_MARKS_MAX} allowed")
    if len({mark.feed for mark in action.marks}) != len(action.marks):
        raise r.BadMark("a feed stands twice")
    for mark in action.marks:
        feed = draft.get(t.FEEDS, t.FEEDS.key(mark.feed))
        if feed is None:
            raise r.UnknownFeed(f"feed {mark.feed[:40]}")
        if not 0 < mark.value <= feed.value_max:
            raise r.BadMark(f"{mark.feed} is {mark.value}, must be 1 to {feed.value_max}")
        row = o.OracleMark(action.date, mark.value)
        draft.put(t.ORACLE_MARKS, t.ORACLE_MARKS.key(mark.feed, action.oracle), row)
    return []


class ExtensionMarks(Record, frozen=True):
    """What an oracle that validates adds to its precommits: its marks reach the ledger with the
    very next block, under the signature of its vote."""

    date: Date
    marks: tuple[FeedMark, ...]


def take_extensions(draft: Draft, extensions: tuple[tuple[bytes, bytes], ...]) -> None:
    """Record the marks that oracles' precommits carried.

    What is not the open date's, or not of an oracle, is ignored as a whole: a vote counts whatever
    it carries, so nothing here can fail.
    """
    for consensus_key, data in extensions:
        overlay = Draft(draft)
        try:
            carried = decode(data, ExtensionMarks, EXTENSION_BYTES_MAX)
            row = draft.must(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(consensus_key))
            if o.Role.ORACLE in checks.acting_member(draft, row.member).roles:
                submit(overlay, SubmitOracle(row.member, carried.date, carried.marks))
                overlay.commit()
        except (Rejection, MalformedBytes, Oversize):
            continue


def median(values: list[int]) -> int:
    """The median; of an even count the mean of the middle two, half to even."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return muldiv(ordered[middle - 1] + ordered[middle], 1, 2, Rounding.HALF_EVEN)


def close_date(draft: Draft, feeds: list[str], oracles: list[str]) -> list[Event]:
    """Close the open date if every feed has a quorum, and open the next date of the calendar.

    `oracles`: LEIs of the oracle set, ascending. Writes the median of each feed as its mark of the
    date. Oracles of one group count once: the first of them that has marked.
    """
    network = draft.must(t.NETWORK, t.network_key())
    date = network.business_date
    if date is None or not feeds:
        return []
    groups = _by_group(draft, oracles)
    quorum = max(draft.must(t.RULEBOOK, t.rulebook_key()).oracle_quorum, len(groups) // 2 + 1)
    marks: dict[str, list[int]] = {}
    for feed in feeds:
        found = [_fresh(draft, feed, group, date) for group in groups]
        marks[feed] = [value for value in found if value is not None]
        if len(marks[feed]) < quorum:
            return []
    for feed, values in marks.items():
        draft.put(t.MARKS, t.MARKS.key(feed, date), o.Mark(median(values), len(values)))
    later = network.calendar[1:]
    opened = msgspec.structs.replace(
        network, business_date=later[0] if later else None, calendar=later
    )
    draft.put(t.NETWORK, t.network_key(), opened)
    return [DateClosed(date)]


def _by_group(draft: Draft, oracles: list[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for lei in oracles:
        groups.setdefault(draft.must(t.MEMBERS, t.MEMBERS.key(lei)).group, []).append(lei)
    return list(groups.values())


def _fresh(draft: Draft, feed: str, group: list[str], date: Date) -> int | None:
    for oracle in group:
        row = draft.get(t.ORACLE_MARKS, t.ORACLE_MARKS.key(feed, oracle))
        if row is not None and row.date == date:
            return row.value
    return None
