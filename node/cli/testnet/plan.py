"""What the replay does: dates, prices, and trades drawn from a seed, the same for the same seed."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ledger import objects as o
from ledger.genesis import Genesis
from ledger.objects import Trade, TradeSource
from node.founding import Founded, Identity, Plan, found
from node.replay.market import read_closes
from wire.errors import EnvironmentFault
from wire.ids import Date, InstrumentCode, Lei, Party, Uti, house, member_of

FIRST: Final = Date(20080912)
LAST: Final = Date(20080926)
GENESIS_TIME_MS: Final = 1_221_177_600_000
"""2008-09-12 00:00 UTC; block time is real time from block 2 on."""

MATURITY: Final = Date(20081219)
CASH: Final = 10**13
"""Minted to each member at the start, in cents."""

STRESS: Final = (("all shares fall by 20 %", -2_000), ("all shares rise by 15 %", 1_500))
"""Scenarios that the fund is sized by, if a default is asked for; basis points."""

CONTRIBUTION: Final = 10**7
"""Paid by each into the default fund if a default is asked for, in cents."""


class BadReplay(EnvironmentFault):
    """The replay asked for cannot be made."""

    code = "TESTNET_BAD_REPLAY"
    remedy = "Choose numbers in the ranges that `dcn testnet run --help` gives."


class Day(msgspec.Struct, frozen=True):
    """One business date of the replay."""

    date: Date
    prices: dict[str, int]
    """Closing price by ticker, in thousandths of a dollar."""
    trades: tuple[Trade, ...]


class Failure(msgspec.Struct, frozen=True):
    """A member that stops paying."""

    lei: Lei
    date: Date
    """Its cash is gone before the margin of this date is called."""


class Replay(msgspec.Struct, frozen=True):
    """Everything the testnet will do, known before it starts."""

    founded: Founded
    days: tuple[Day, ...]
    seed: int
    failure: Failure | None = None


def make_replay(
    *, members: int, observers: int, days: int, trades: int, seed: int, default: str = ""
) -> Replay:
    """The replay of the first `days` dates; `default`: `WHO@DATE`, a member's number or LEI, and
    from the next date on nobody trades with it. Raises `BadReplay`."""
    prices = read_closes("2008", FIRST, LAST)
    if not 4 <= members <= 20 or not 0 <= observers <= 5:
        raise BadReplay(f"{members} members, {observers} observers: 4 to 20 and 0 to 5")
    if not 1 <= days <= len(prices) or not days <= trades <= 100_000:
        raise BadReplay(f"{days} days, {trades} trades: 1 to {len(prices)}, a trade a day or more")
    chosen = prices[:days]
    founded = found(
        Plan(
            chain_id=f"dcn-testnet-{seed}",
            seed=seed,
            members=members,
            observers=observers,
            time_ms=GENESIS_TIME_MS,
            shares=tuple(chosen[0][1]),
            calendar=tuple(date for date, _ in prices),
            maturity=MATURITY,
        )
    )
    failure = _failure(default, founded, [date for date, _ in chosen]) if default else None
    if failure is not None:
        founded = msgspec.structs.replace(founded, genesis=_with_short_windows(founded))
    draw = random.Random(seed)
    counts = [trades * (n + 1) // days - trades * n // days for n in range(days)]
    number = 0
    made = []
    for (date, closes), count in zip(chosen, counts, strict=True):
        gone = failure.lei if failure is not None and date > failure.date else None
        able = [who for who in founded.members if who.lei != gone]
        drawn = [_trade(draw, able, date, closes, number + k) for k in range(count)]
        number += count
        made.append(Day(date, closes, tuple(drawn)))
    if failure is not None:
        _require_that_it_pays(failure, founded, made)
    return Replay(founded, tuple(made), seed, failure)


def _failure(default: str, founded: Founded, dates: list[Date]) -> Failure:
    who, _, day = default.partition("@")
    members = {str(n): one.lei for n, one in enumerate(founded.members, 1)}
    members |= {one.lei: one.lei for one in founded.members}
    possible = {str(date): date for date in dates[:-1]}  # the next close prices its contracts
    if who not in members or day not in possible:
        span = f"@{dates[0]} to @{dates[-2]}" if possible else "needs two days"
        raise BadReplay(f"default {default[:40]}: 1 to {len(founded.members)} or a LEI, {span}")
    return Failure(members[who], possible[day])


def _with_short_windows(founded: Founded) -> Genesis:
    """A default within seconds: hours of grace, notice and close-out are a few blocks here. The
    fund is sized, so that one sees what it was held against."""
    rulebook = founded.genesis.rulebook
    feeds = sorted(entry.code for entry in founded.genesis.feeds)
    stress = tuple(
        o.StressScenario(name, tuple(o.Shift(feed, bps) for feed in feeds)) for name, bps in STRESS
    )
    rules = msgspec.structs.replace(
        rulebook.default,
        notice_blocks=4,
        porting_window_blocks=1,
        close_out_window_blocks=2,
        scenarios=stress,
    )
    margin = msgspec.structs.replace(rulebook.margin, grace_blocks=2)
    short = msgspec.structs.replace(rulebook, default=rules, margin=margin)
    return msgspec.structs.replace(founded.genesis, rulebook=short)


def expected_gross_vm(replay: Replay) -> int:
    """Gross variation margin of all days, reckoned from trades and prices alone, in cents."""
    return sum(abs(amount) for _, moved in _variation(replay.days) for amount in moved.values())


def _variation(days: Sequence[Day]) -> Iterator[tuple[Date, dict[tuple[str, str], int]]]:
    """What each pair of parties settles at the close of each date, in cents; positive: the second
    pays the first.

    Independent of the ledger's code: exact fractions of a cent are rounded half to even here too.
    """
    settled: dict[tuple[str, str], int] = {}
    live: list[Trade] = []
    for day in days:
        live += day.trades
        value: dict[tuple[str, str], int] = dict.fromkeys(settled, 0)
        for trade in live:
            gain = trade.quantity * (day.prices[trade.instrument[4:]] - trade.price)
            whole, rest = divmod(gain, 10)
            cents = whole + (rest > 5 or (rest == 5 and whole % 2 == 1))
            pair: tuple[str, str] = (min(trade.buyer, trade.seller), max(trade.buyer, trade.seller))
            value[pair] = value.get(pair, 0) + (cents if trade.buyer == pair[0] else -cents)
        yield day.date, {pair: amount - settled.get(pair, 0) for pair, amount in value.items()}
        settled = value


def _require_that_it_pays(failure: Failure, founded: Founded, days: Sequence[Day]) -> None:
    """Who is to stop paying must have something to pay; raises `BadReplay`."""
    moved = next(moved for date, moved in _variation(days) if date == failure.date)
    nets: Counter[str] = Counter()
    for (first, second), amount in moved.items():
        nets[member_of(Party(first))] += amount
        nets[member_of(Party(second))] -= amount
    if nets[failure.lei] >= 0:
        payers = [str(n) for n, one in enumerate(founded.members, 1) if nets[one.lei] < 0]
        raise BadReplay(
            f"default: {failure.lei} has nothing to pay at the close of {failure.date}; "
            f"these have: {', '.join(payers) or 'nobody'}"
        )


def _trade(
    draw: random.Random, able: list[Identity], date: Date, closes: dict[str, int], number: int
) -> Trade:
    buyer, seller = draw.sample(able, 2)
    ticker = draw.choice(sorted(closes))
    close = closes[ticker]
    return Trade(
        uti=Uti(f"{buyer.lei}T{date}N{number:06d}"),
        buyer=house(buyer.lei),
        seller=house(seller.lei),
        instrument=InstrumentCode(f"FWD-{ticker}"),
        quantity=draw.randint(1, 100) * 100,
        price=max(1, close + draw.randint(-close, close) // 100),
        trade_date=date,
        source=TradeSource.OTC,
        reference="replay",
    )
