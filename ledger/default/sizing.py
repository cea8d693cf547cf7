"""How large the fund has to be: the two largest groups in one scenario, at the close of a date.

Stressed loss of a group in a scenario = sum over its counterparties outside the group of
max(0, close-out amount to them - initial margin held for them), less its own contributions. The
requirement is shared in proportion to the members' average risk of the last dates, at least the
floor. Risk is the initial margin required; of sets without such terms, the notional.
"""

from collections import defaultdict
from collections.abc import Callable

import msgspec

from ledger import checks, csa, im, requirement, sets
from ledger import objects as o
from ledger import tables as t
from ledger.default import fund
from ledger.default.prices import convert, draft_mark
from ledger.events import ContributionShort, Event, FundBreached, FundSized
from ledger.rulebook import basis
from ledger.state import Draft
from wire.ids import AssetCode, Date, FeedCode, Lei, Party, member_of
from wire.money import BPS, Rounding, largest_remainder, muldiv

Pair = tuple[Party, Party]
"""(first, second) of a netting set."""

PriceOf = Callable[[FeedCode], int | None]
"""The price of a feed; None: it has none."""


def resize(draft: Draft, date: Date) -> list[Event]:
    """Size the fund on a date that has just been closed; nothing without scenarios."""
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    if not rulebook.default.scenarios:
        return []
    worst = max(
        (_stressed(draft, date, scenario) for scenario in rulebook.default.scenarios),
        key=lambda found: found[0],
    )
    requirement, name, groups = worst
    total = fund.fund(draft)
    has = fund.held(total)
    row = msgspec.structs.replace(
        total,
        requirement=requirement,
        scenario=name,
        groups=groups,
        breached=has < requirement,
    )
    fund.put_fund(draft, row)
    events: list[Event] = [
        FundSized(
            rulebook.service, date, requirement, name, groups, has, basis(draft, o.Clause.FUND)
        )
    ]
    if row.breached:
        events.append(FundBreached(rulebook.service, date, requirement, has))
    return [*events, *_share(draft, requirement)]


def amounts(draft: Draft, price_of: PriceOf) -> dict[Pair, int]:
    """The close-out amount of every netting set at these prices, mid, in the currency, seen from
    its first party; assets that no feed prices in the currency are left out."""
    total: dict[Pair, int] = defaultdict(int)
    for (pair, asset), amount in sorted(uncovered(draft, price_of).items()):
        total[pair] += _converted(draft, asset, amount, price_of)
    return dict(total)


def uncovered(draft: Draft, price_of: PriceOf) -> dict[tuple[Pair, AssetCode], int]:
    """What every netting set is worth at these prices, mid, less what has settled and with what is
    owed: by asset, seen from its first party."""
    found: dict[tuple[Pair, AssetCode], int] = defaultdict(int)
    pairs: set[Pair] = set()
    for key in draft.indexed(t.CONTRACTS, o.ContractState.LIVE):
        trade = draft.must(t.CONTRACTS, key).trade
        instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
        exponent = checks.asset(draft, instrument.currency).exponent
        price = price_of(instrument.feed)
        if price is None:
            continue
        value = sets.contract_value(trade, instrument, price, exponent)
        first, second = sorted((trade.buyer, trade.seller))
        pairs.add((first, second))
        found[(first, second), instrument.currency] += sets.seen_from_first(trade, value)
    for pair in sorted(pairs):
        row = draft.must(t.NETTING_SETS, t.NETTING_SETS.key(*pair))
        for entry in row.positions:
            moved = entry.settled + entry.held_first - entry.held_second
            found[pair, entry.asset] -= moved
    for state in o.ObligationState:
        for key in draft.indexed(t.OBLIGATIONS, state):
            debt = draft.must(t.OBLIGATIONS, key)
            first, second = sorted((debt.debtor, debt.creditor))
            owed = debt.amount if debt.creditor == first else -debt.amount
            found[(first, second), debt.asset] += owed
    return dict(found)


def _converted(draft: Draft, asset: AssetCode, amount: int, price_of: PriceOf) -> int:
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    if asset == rulebook.currency:
        return amount
    for entry in rulebook.default.conversions:
        if entry.asset == asset:
            price = price_of(entry.feed)
            return 0 if price is None else convert(draft, rulebook.currency, entry, amount, price)
    return 0


def shifted(draft: Draft, date: Date, scenario: o.StressScenario) -> PriceOf:
    """The marks of a date, moved by a scenario, inside each feed's range; half to even."""
    shifts = {shift.feed: shift.bps for shift in scenario.shifts}

    def price_of(feed: FeedCode) -> int | None:
        mark = draft_mark(draft, feed, date)
        if mark is None:
            return None
        row = draft.must(t.FEEDS, t.FEEDS.key(feed))
        moved = mark + muldiv(abs(mark), shifts.get(feed, 0), BPS, Rounding.HALF_EVEN)
        return max(row.value_min, min(row.value_max, moved))

    return price_of


def _stressed(
    draft: Draft, date: Date, scenario: o.StressScenario
) -> tuple[int, str, tuple[Lei, ...]]:
    """(sum of the two largest losses, scenario, their groups)."""
    losses = stressed_losses(draft, date, scenario)
    ranked = sorted(((-loss, group) for group, loss in losses.items() if loss > 0))[:2]
    return -sum(loss for loss, _ in ranked), scenario.name, tuple(group for _, group in ranked)


def stressed_losses(draft: Draft, date: Date, scenario: o.StressScenario) -> dict[Lei, int]:
    """What the default of each group would cost the others in a scenario, beyond its own margin
    and contributions; negative: nothing, and so much would be left of those."""
    losses: dict[Lei, int] = defaultdict(int)
    for pair, seen in amounts(draft, shifted(draft, date, scenario)).items():
        for mine, theirs, loss in ((*pair, -seen), (pair[1], pair[0], seen)):
            group = checks.group_of(draft, mine)
            if group != checks.group_of(draft, theirs):
                losses[group] += max(0, loss - _held(draft, mine, theirs))
    for lei in fund.contributors(draft):
        group = checks.group_of(draft, lei)
        if group in losses:
            losses[group] -= fund.contribution(draft, lei)
    return dict(losses)


def _held(draft: Draft, poster: Party, secured: Party) -> int:
    terms = csa.signed(draft, poster, secured)
    currency = draft.must(t.RULEBOOK, t.rulebook_key()).currency
    if terms is None or terms.im.currency != currency:
        return 0
    return im.held(draft, terms, poster, secured)


def _share(draft: Draft, requirement: int) -> list[Event]:
    """Each member's part, by its average risk."""
    rules = draft.must(t.RULEBOOK, t.rulebook_key()).default
    risk = _risk(draft)
    members = sorted({*risk, *fund.contributors(draft)})
    rows: dict[Lei, o.Contribution] = {}
    for lei in members:
        old = fund.row_of(draft, lei)
        samples = (*old.risk, risk.get(lei, 0))[-rules.averaging_days :]
        rows[lei] = msgspec.structs.replace(old, risk=samples)
    # An average over the same number of dates is in proportion to the sum.
    shares = largest_remainder(requirement, {lei: sum(rows[lei].risk) for lei in members})
    events: list[Event] = []
    service = draft.must(t.RULEBOOK, t.rulebook_key()).service
    for lei in members:
        active = draft.must(t.MEMBERS, t.MEMBERS.key(lei)).state != o.MemberState.DEFAULTED
        required = max(rules.contribution_floor, shares[lei]) if active else 0
        fund.put_row(draft, lei, msgspec.structs.replace(rows[lei], required=required))
        has = fund.contribution(draft, lei)
        if has < required:
            events.append(ContributionShort(service, lei, required, has))
    return events


def _risk(draft: Draft) -> dict[Lei, int]:
    """By member: the initial margin it has to post; notional where no terms ask for any."""
    risk: dict[Lei, int] = defaultdict(int)
    seen: set[Pair] = set()
    for key in draft.indexed(t.CONTRACTS, o.ContractState.LIVE):
        trade = draft.must(t.CONTRACTS, key).trade
        first, second = sorted((trade.buyer, trade.seller))
        seen.add((first, second))
    for first, second in sorted(seen):
        terms = csa.signed(draft, first, second)
        if terms is None:
            row = draft.must(t.NETTING_SETS, t.NETTING_SETS.key(first, second))
            notional = sum(entry.notional for entry in row.positions)
            needed = requirement.Both(notional, notional)
        else:
            needed = requirement.required(draft, terms)
        risk[member_of(first)] += needed.first
        risk[member_of(second)] += needed.second
    return risk
