"""Oracle marks: the median of a quorum for each feed, and the close of the business date."""

import msgspec

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import FeedMark, SubmitOracle
from ledger.events import DateClosed, Event, MarkCarried, MarkHeld
from ledger.rulebook import basis
from ledger.state import Draft
from wire.codec import Record, decode
from wire.errors import MalformedBytes, Oversize, Rejection
from wire.ids import Date, FeedCode
from wire.limits import EXTENSION_BYTES_MAX, ORACLE_MARKS_MAX
from wire.money import BPS, Rounding, muldiv


def submit(draft: Draft, action: SubmitOracle, height: int) -> list[Event]:
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
        if not feed.value_min <= mark.value <= feed.value_max:
            raise r.BadMark(
                f"{mark.feed} is {mark.value}, must be {feed.value_min} to {feed.value_max}"
            )
        row = o.OracleMark(action.date, mark.value, height)
        draft.put(t.ORACLE_MARKS, t.ORACLE_MARKS.key(mark.feed, action.oracle), row)
    return []


class ExtensionMarks(Record, frozen=True):
    """What an oracle that validates adds to its precommits: its marks reach the ledger with the
    very next block, under the signature of its vote."""

    date: Date
    marks: tuple[FeedMark, ...]


def take_extensions(draft: Draft, extensions: tuple[tuple[bytes, bytes], ...], height: int) -> None:
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
                submit(overlay, SubmitOracle(row.member, carried.date, carried.marks), height)
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


def quorum(draft: Draft, groups: int) -> int:
    """Marks that decide: at least the rulebook's number, and more than half of the set."""
    return max(draft.must(t.RULEBOOK, t.rulebook_key()).oracle_quorum, groups // 2 + 1)


def medians(draft: Draft, date: Date, after: int) -> dict[str, tuple[int, int]]:
    """(median, oracles) of every feed that a quorum has marked for `date` in blocks after `after`.

    Oracles of one group count once: the first of them that has marked.
    """
    everybody = [t.MEMBERS.parts(key)[0] for key in draft.indexed(t.MEMBERS, o.Role.ORACLE)]
    groups = _by_group(draft, everybody)
    enough = quorum(draft, len(groups))
    found: dict[str, tuple[int, int]] = {}
    for key in draft.indexed(t.FEEDS, 0):
        feed: str = t.FEEDS.parts(key)[0]
        held = draft.get(t.HELD_MARKS, t.HELD_MARKS.key(feed))
        since = held.height if held is not None and held.date == date else after
        marks = [_fresh(draft, feed, group, date, since) for group in groups]
        values = [value for value in marks if value is not None]
        if len(values) >= enough:
            found[feed] = median(values), len(values)
    return found


def close_date(draft: Draft) -> list[Event]:
    """Close the open date if every feed has a quorum, and open the next date of the calendar.

    Writes the median of each feed as its mark of the date. A median that jumps beyond its feed's
    limit is held until a second quorum of fresh marks confirms that the price is where it is. Once
    the rulebook's wait is over the mark before is carried forward where there is no quorum.
    """
    network = draft.must(t.NETWORK, t.network_key())
    date = network.business_date
    feeds = draft.indexed(t.FEEDS, 0)
    if date is None or not feeds:
        return []
    found = medians(draft, date, 0)
    held = _hold_jumps(draft, date, found)
    if held:
        return held
    events: list[Event] = []
    if len(found) < len(feeds):
        missing = [feed for key in feeds if (feed := t.FEEDS.parts(key)[0]) not in found]
        if not _is_waited_out(draft, network, missing):
            return []
        for feed in missing:
            assert network.closed_date is not None
            last = draft.must(t.MARKS, t.MARKS.key(feed, network.closed_date))
            found[feed] = last.value, 0
            because = basis(draft, o.Clause.MARGIN)
            events.append(MarkCarried(FeedCode(feed), date, last.value, because))
    for feed, (value, oracles) in found.items():
        row = o.Mark(value, oracles, network.closed_date)
        draft.put(t.MARKS, t.MARKS.key(feed, date), row)
        if draft.get(t.HELD_MARKS, t.HELD_MARKS.key(feed)) is not None:
            draft.delete(t.HELD_MARKS.key(feed))
    later = network.calendar[1:]
    opened = msgspec.structs.replace(
        network,
        business_date=later[0] if later else None,
        calendar=later,
        opened=network.height + 1,
        closed_date=date,
    )
    draft.put(t.NETWORK, t.network_key(), opened)
    return [*events, DateClosed(date)]


def _is_waited_out(draft: Draft, network: o.Network, missing: list[str]) -> bool:
    """Whether the date may close without a quorum for these feeds.

    Not at the first marks there are, not while a jump is held, and not if something final would
    be reckoned from a mark that nobody gave: a maturity or a coupon.
    """
    wait = draft.must(t.RULEBOOK, t.rulebook_key()).margin.quorum_wait_blocks
    date, before = network.business_date, network.closed_date
    if not wait or network.height < network.opened + wait or date is None or before is None:
        return False
    for feed in missing:
        held = draft.get(t.HELD_MARKS, t.HELD_MARKS.key(feed))
        marked = draft.get(t.MARKS, t.MARKS.key(feed, before))
        if marked is None or (held is not None and held.date == date):
            return False
    following = network.calendar[1] if len(network.calendar) > 1 else None
    if any(
        _fixes(draft.must(t.INSTRUMENTS, key), missing, date, following)
        for key in draft.indexed(t.INSTRUMENTS, 0)
    ):
        return False
    codes = {
        draft.must(t.CONTRACTS, key).trade.instrument: None
        for key in draft.indexed(t.CONTRACTS, o.ContractState.LIVE)
    }
    instruments = [draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code)) for code in codes]
    return not any(one.maturity <= date and one.feed in missing for one in instruments)


def _fixes(instrument: o.Instrument, feeds: list[str], date: Date, following: Date | None) -> bool:
    """Whether a coupon is fixed at the marks of these feeds on `date`, which stand for every day
    up to the date that follows. Contracts that it is paid on may still be made."""
    return any(
        isinstance(one, o.FloatingCoupon)
        and one.fixing in feeds
        and date <= one.fixing_date
        and (following is None or one.fixing_date < following)
        for one in instrument.coupons
    )


def _hold_jumps(draft: Draft, date: Date, found: dict[str, tuple[int, int]]) -> list[Event]:
    """Hold the medians that jump and are not held yet; the date stays open."""
    network = draft.must(t.NETWORK, t.network_key())
    events: list[Event] = []
    if network.closed_date is None:
        return events
    for feed, (value, _) in found.items():
        row = draft.must(t.FEEDS, t.FEEDS.key(feed))
        last = draft.get(t.MARKS, t.MARKS.key(feed, network.closed_date))
        known = draft.get(t.HELD_MARKS, t.HELD_MARKS.key(feed))
        if last is None or not row.jump_bps or (known is not None and known.date == date):
            continue
        if abs(value - last.value) * BPS > row.jump_bps * abs(last.value):
            held = o.HeldMark(date, value, network.height)
            draft.put(t.HELD_MARKS, t.HELD_MARKS.key(feed), held)
            events.append(MarkHeld(row.code, date, value))
    return events


def _by_group(draft: Draft, oracles: list[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for lei in oracles:
        groups.setdefault(draft.must(t.MEMBERS, t.MEMBERS.key(lei)).group, []).append(lei)
    return list(groups.values())


def _fresh(draft: Draft, feed: str, group: list[str], date: Date, after: int) -> int | None:
    for oracle in group:
        row = draft.get(t.ORACLE_MARKS, t.ORACLE_MARKS.key(feed, oracle))
        if row is not None and row.date == date and row.height > after:
            return row.value
    return None
