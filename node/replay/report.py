"""A whole replay: every cycle length, the default, and the regimes it is compared with."""

from collections.abc import Callable
from typing import Final

import msgspec

from ledger import objects as o
from node.replay.funding import Funding, funding, netted
from node.replay.market import NoPrices, read_closes
from node.replay.others import (
    LAG,
    Values,
    at_t_plus_2,
    bilateral,
    claims_gross,
    claims_netted,
)
from node.replay.run import Default, Market, Run, instruments_of, make_market
from wire.errors import Rejection
from wire.ids import Date, Lei

CYCLES: Final = ("daily", "hourly")
T_PLUS_2: Final = "T+2"
BILATERAL: Final = "bilateral"
MEMBERS_MAX: Final = 40
TRADES_MAX: Final = 20_000


class BadReplay(Rejection):
    """The replay asked for cannot be made."""

    code = "REPLAY_REFUSED"
    remedy = "`dcn scenario replay --help` gives the ranges."


class Wanted(msgspec.Struct, frozen=True):
    """What to replay."""

    window: str
    members: int = 12
    trades: int = 500
    seed: int = 1
    cycles: tuple[str, ...] = CYCLES
    margin: str = "HISTORICAL"
    """SCHEDULE or HISTORICAL (99 %, 20 dates, one date's move, 25 % buffer)."""
    default: str = "worst"
    """`worst`, `none`, or `M03@20081010`."""
    dates: int = 0
    """Only the first so many; 0: all."""


class Claims(msgspec.Struct, frozen=True):
    """What a default would leave open under another regime, minor units."""

    claims: int
    uncovered: int
    """After the same initial margin: for the fund, or for the creditors themselves."""


class Report(msgspec.Struct, frozen=True):
    """What a replay showed; money in cents. Members go by name."""

    wanted: Wanted
    first: Date
    last: Date
    dates: int
    gross_vm: int
    """Daily variation margin of all netting sets."""
    synthetic: str
    funding: dict[str, dict[str, Funding]]
    """By regime (daily, hourly, T+2, bilateral) and member."""
    peak_im: dict[str, dict[str, int]]
    defaults: dict[str, Default]
    """By cycle length."""
    elsewhere: dict[str, Claims]
    """The same member failing the same date at T+2, and bilaterally."""


SYNTHETIC: Final = (
    "Closes are real. Prices between closes are synthetic: integer bridges drawn from the seed."
)


def replay(wanted: Wanted, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Replay a window; raises `BadReplay`, `NoPrices`."""
    market, values = _prepared(wanted)
    leis = market.book.members
    failing = _failing(wanted, market, values)
    outcomes = {
        name: Run(market, hourly=name == "hourly", seed=wanted.seed).run(failing, progress)
        for name in wanted.cycles
    }
    show: Callable[[dict[Lei, Funding]], dict[str, Funding]] = market.names.shown
    regimes = {name: show(funding(one.flows, leis)) for name, one in outcomes.items()}
    regimes[T_PLUS_2] = show(at_t_plus_2(values))
    regimes[BILATERAL] = show(bilateral(values))
    defaults = {name: one.default for name, one in outcomes.items() if one.default is not None}
    held = next((one.margin for one in defaults.values()), {})
    return Report(
        wanted=wanted,
        first=market.closes[0][0],
        last=market.closes[-1][0],
        dates=len(market.closes),
        gross_vm=sum(sum(values.pairs(n - 1, n).values()) for n in range(values.dates)),
        synthetic=SYNTHETIC,
        funding=regimes,
        peak_im={name: market.names.shown(one.peak_im) for name, one in outcomes.items()},
        defaults={name: _named(market, one) for name, one in defaults.items()},
        elsewhere={} if failing is None else _elsewhere(values, *failing, held),
    )


def _prepared(wanted: Wanted) -> tuple[Market, Values]:
    if not 4 <= wanted.members <= MEMBERS_MAX or not 1 <= wanted.trades <= TRADES_MAX:
        raise BadReplay(f"{wanted.members} members, {wanted.trades} trades")
    if not wanted.cycles or not set(wanted.cycles) <= set(CYCLES):
        raise BadReplay(f"cycles {', '.join(wanted.cycles)}")
    if wanted.margin not in ("SCHEDULE", "HISTORICAL"):
        raise BadReplay(f"margin {wanted.margin[:20]}")
    closes = read_closes(wanted.window)
    closes = closes[: wanted.dates] if wanted.dates else closes
    if len(closes) < 3:
        raise NoPrices(f"{len(closes)} dates")
    model = o.ImModel[wanted.margin]
    market = make_market(closes, wanted.members, wanted.trades, wanted.seed, model)
    return market, Values(market.book, closes, instruments_of(market))


def _failing(wanted: Wanted, market: Market, values: Values) -> tuple[Lei, int] | None:
    """Who stops paying on which date: of the date with the largest gross variation margin, the
    member that would have had to pay most; there is a date before it and one after."""
    if wanted.default == "none":
        return None
    if wanted.default != "worst":
        name, _, date = wanted.default.partition("@")
        numbers = {str(day): n for n, (day, _) in enumerate(market.closes)}
        lei = market.names.lei(name)
        if lei not in market.book.members or not 1 <= numbers.get(date, 0) < values.dates - 1:
            raise BadReplay(
                f"{wanted.default[:40]}: worst, none, or e.g. M03@{market.closes[1][0]}"
            )
        return lei, numbers[date]
    moved = {n: values.pairs(n - 1, n) for n in range(1, values.dates - 1)}
    worst = max(moved, key=lambda n: (sum(moved[n].values()), -n))
    net = netted(moved[worst])
    return max(sorted(net), key=lambda lei: net[lei][0]), worst


def _elsewhere(
    values: Values, defaulter: Lei, number: int, held: dict[Lei, int]
) -> dict[str, Claims]:
    """Closed out at the next close, as here. At T+2 the margin of the two dates before is not paid
    yet either."""
    found = {
        T_PLUS_2: claims_netted(values, defaulter, max(-1, number - 1 - LAG), number + 1),
        BILATERAL: claims_gross(values, defaulter, number - 1, number + 1),
    }
    return {
        name: Claims(
            sum(claims.values()),
            sum(max(0, amount - held.get(lei, 0)) for lei, amount in claims.items()),
        )
        for name, claims in found.items()
    }


def _named(market: Market, one: Default) -> Default:
    shown = market.names.shown
    return msgspec.structs.replace(
        one,
        defaulter=shown(one.defaulter),
        members={shown(lei): losses for lei, losses in one.members.items()},
        margin=shown(one.margin),
    )
