"""The rules: each says what is so at a block, about whom, by which figure and threshold."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from node.config import AlertsSection
from node.observer.store import Reader
from node.observer.words import grouped
from wire.ids import member_of
from wire.limits import AMOUNT_MAX
from wire.money import BPS, Rounding, muldiv


class At(NamedTuple):
    """What a rule is asked about."""

    db: Reader
    thresholds: AlertsSection
    height: int
    """The last block."""
    date: int
    """That the block has closed; 0: none."""

    def money(self, amount: int, asset: str) -> str:
        """An amount in units of the asset."""
        exponent = self.db.scalar("SELECT exponent FROM assets WHERE code=?", asset) or 0
        return f"{grouped(amount, exponent)} {asset}"


class Finding(NamedTuple):
    """Something that is so."""

    subject: str
    """What tells it from others of its rule."""
    figure: int
    threshold: int
    unit: str
    """The code of an asset, for its minor units; or blocks, basis points, number."""
    told: str
    member: str = ""
    """Whose business it is; empty: everybody's."""
    other: str = ""
    """And whose else."""
    about_date: int | None = None


class Rule(NamedTuple):
    """A rule of alerts."""

    severity: Literal["page", "ticket"]
    asked: Literal["block", "date"]
    """After each block, or when a date is closed; what is found holds until it is asked again."""
    meaning: str
    find: Callable[[At], Iterator[Finding]]


BLOCKS, SHARE, COUNT = "blocks", "basis points", "number"


def late_payers(at: At) -> Iterator[Finding]:
    """Margin calls that their payer could not meet when due, and that are open still. One that
    waits for others, as for a receiver in default, is not late."""
    most = at.thresholds.late_blocks
    if not most:
        return
    query = (
        "SELECT id, kind, payer, receiver, payer_member, receiver_member, asset, amount, date, due "
        "FROM calls WHERE ended=0 AND failed>0 AND due<=?"
    )
    for ident, kind, payer, receiver, member, other, asset, amount, date, due in at.db.rows(
        query, at.height - most
    ):
        owed = at.money(amount, asset)
        told = f"{payer} owes {receiver} {owed} ({kind} margin), due in block {due}"
        late = at.height - due
        yield Finding(ident, late, most, BLOCKS, told, member, other, date)


def near_limits(at: At) -> Iterator[Finding]:
    """Netting sets whose notional comes near a limit that a member has set."""
    share = at.thresholds.limit_bps
    if not share:
        return
    columns = "SELECT l.member, l.counterparty, l.asset, l.notional_max, s.first, s.second, "
    joined = (
        "s.notional FROM limits l JOIN sets s ON s.asset=l.asset AND s.{}_member=l.member "
        "AND s.{}_member=l.counterparty WHERE s.notional>0 AND s.notional>=l.notional_max/?*?"
    )
    for sides in (("first", "second"), ("second", "first")):
        query = columns + joined.format(*sides)
        for member, other, asset, most, first, second, notional in at.db.rows(query, BPS, share):
            if notional * BPS < share * most:
                continue
            reached = muldiv(notional, BPS, most, Rounding.FLOOR) if most else BPS
            reached = min(reached, AMOUNT_MAX)  # of a tiny limit it is more than a row can hold
            has, allowed = at.money(notional, asset), at.money(most, asset)
            told = f"{first} and {second} have {has} open, {member} allows {allowed} with {other}"
            subject = f"{member} {first} {second} {asset}"
            yield Finding(subject, reached, share, SHARE, told, member)


def concentrated(at: At) -> Iterator[Finding]:
    """Members whose notional is with one counterparty for the most part."""
    share = at.thresholds.concentration_bps
    if not share:
        return
    query = "SELECT first, second, asset, notional FROM exposures WHERE date=? AND notional>0"
    with_whom: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for first, second, asset, notional in at.db.rows(query, at.date):
        one, other = member_of(first), member_of(second)
        with_whom[one, asset][other] += notional
        with_whom[other, asset][one] += notional
    for (member, asset), others in sorted(with_whom.items()):
        largest = min(others, key=lambda who: (-others[who], who))
        has = muldiv(others[largest], BPS, sum(others.values()), Rounding.FLOOR)
        if has >= share:
            told = f"{member} has {at.money(others[largest], asset)} open with {largest}"
            yield Finding(f"{member} {asset}", has, share, SHARE, told, member, "", at.date)


def missing_validators(at: At) -> Iterator[Finding]:
    """Validators that no commit of the last blocks has a precommit of."""
    most = at.thresholds.missing_blocks
    if not most:
        return
    first = at.height - most + 1
    blocks = at.db.rows("SELECT signers FROM blocks WHERE height>=?", first)
    if len(blocks) < most:
        return
    signed = {lei for (signers,) in blocks for lei in signers.split()}
    query = "SELECT lei FROM members WHERE power>0 AND votes_from<=? ORDER BY lei"
    for (lei,) in at.db.rows(query, first):
        if lei not in signed:
            told = f"{lei} has signed none of the last {most} blocks"
            yield Finding(lei, most, most, BLOCKS, told)


def disputed_marks(at: At) -> Iterator[Finding]:
    """Pairs whose own marks of their contracts differ by more than they have agreed."""
    query = (
        "SELECT first, second, asset, date, value_first, value_second FROM disputes WHERE ended=0"
    )
    for first, second, asset, date, mine, theirs in at.db.rows(query):
        values = at.money(mine, asset), at.money(theirs, asset)
        told = f"{first} values its set with {second} at {values[0]}, {second} at {values[1]}"
        yield Finding(
            f"{first} {second} {asset}", abs(mine - theirs), 0, asset, told, member_of(first),
            member_of(second), date,
        )  # fmt: skip


def odd_oracles(at: At) -> Iterator[Finding]:
    """Oracles whose mark of the date is far off the one that holds."""
    share = at.thresholds.marks_bps
    if not share:
        return
    query = (
        "SELECT m.feed, g.oracle, g.value, m.value FROM marks m JOIN oracle_marks g "
        "ON g.feed=m.feed AND g.date=m.date WHERE m.date=? AND m.oracles>0 ORDER BY 1, 2"
    )
    for feed, oracle, given, holds in at.db.rows(query, at.date):
        off = muldiv(abs(given - holds), BPS, max(1, abs(holds)), Rounding.FLOOR)
        if off >= share:
            told = f"{oracle} has marked {feed} at {given}, it is {holds}"
            yield Finding(f"{feed} {oracle}", off, share, SHARE, told, about_date=at.date)


def carried_marks(at: At) -> Iterator[Finding]:
    """Feeds that the date closed without a quorum for."""
    query = "SELECT feed, value FROM marks WHERE date=? AND oracles=0 ORDER BY feed"
    for feed, value in at.db.rows(query, at.date):
        told = f"{feed} has no quorum: its mark before, {value}, is carried forward"
        yield Finding(feed, 0, 1, COUNT, told, about_date=at.date)


def short_funds(at: At) -> Iterator[Finding]:
    """Default funds below the two largest stressed losses."""
    query = "SELECT service, requirement, fund FROM fund_sizes WHERE date=? AND fund<requirement"
    currency = at.db.scalar("SELECT value FROM meta WHERE key='currency'") or ""
    for service, requirement, fund in at.db.rows(query, at.date):
        told = f"the fund of {service} falls short of the two largest stressed losses"
        yield Finding(service, fund, requirement, currency, told, about_date=at.date)


def open_cases(at: At) -> Iterator[Finding]:
    """Default cases from the notice to the close."""
    query = "SELECT number, defaulter, cause, loss FROM cases WHERE ended=0 ORDER BY number"
    currency = at.db.scalar("SELECT value FROM meta WHERE key='currency'") or ""
    for number, defaulter, cause, loss in at.db.rows(query):
        yield Finding(
            str(number), loss, 0, currency, f"case {number} of {defaulter} is open ({cause})"
        )


def overdue_looks(at: At) -> Iterator[Finding]:
    """Authorities that have not disclosed looks in time."""
    query = (
        "SELECT authority, COUNT(*) FROM looks WHERE overdue>0 AND disclosed=0 GROUP BY authority"
    )
    for authority, count in at.db.rows(query):
        told = f"{authority} has not disclosed {count} looks in time"
        yield Finding(authority, count, 1, COUNT, told)


RULES: Final = {
    "late_payer": Rule(
        "page",
        "block",
        "margin calls that their payer failed when due, and still owes",
        late_payers,
    ),
    "limit": Rule("ticket", "block", "notional near a limit that a member has set", near_limits),
    "concentration": Rule(
        "ticket", "date", "largest counterparty's share of a member's notional", concentrated
    ),
    "missing_validator": Rule(
        "page", "block", "commits in a row without a validator's precommit", missing_validators
    ),
    "disputed_marks": Rule(
        "ticket", "block", "parties' own marks differ beyond their tolerance", disputed_marks
    ),
    "odd_oracle": Rule("ticket", "date", "an oracle's mark is off the one that holds", odd_oracles),
    "carried_mark": Rule("ticket", "date", "a date closed without a quorum", carried_marks),
    "fund_short": Rule("page", "date", "fund below two largest stressed losses", short_funds),
    "default": Rule("page", "block", "default cases from notice to close", open_cases),
    "look_overdue": Rule("ticket", "block", "looks not disclosed in time", overdue_looks),
}
"""Every rule by its name; docs/REPORTS.md explains each."""
