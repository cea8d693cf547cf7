"""The market of a replay: real closes, a synthetic path between them, a book drawn from a seed."""

import csv
import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec

from ledger.objects import Trade, TradeSource
from wire import ids
from wire.errors import EnvironmentFault
from wire.ids import Date, InstrumentCode, Lei, Uti, house

SCALE: Final = 1_000
"""Prices are in thousandths of a dollar."""

WINDOWS: Final = ("2008", "2020")
HOURS: Final = 7
"""Cycles of a trading day of six and a half hours: the last is the close."""

NOISE_BPS: Final = 150
"""Most that the synthetic path steps to either side in an hour, of the close before."""

Closes = list[tuple[Date, dict[str, int]]]
"""(date, closing price by ticker in thousandths), oldest first."""


class NoPrices(EnvironmentFault):
    """The prices of a replay are not there, or too few for what was asked."""

    code = "REPLAY_NO_PRICES"
    remedy = "Windows are 2008 and 2020; a replay takes at least three business dates."


class Book(msgspec.Struct, frozen=True):
    """Who trades, and what."""

    members: tuple[Lei, ...]
    trades: tuple[Trade, ...]


def read_closes(window: str, first: Date | None = None, last: Date | None = None) -> Closes:
    """The shipped prices of a window, or of its dates `first` to `last`; raises `NoPrices`."""
    path = Path(__file__).resolve().parents[2] / "configs" / f"prices-{window}.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise NoPrices(f"{path}: {error.strerror}") from None
    found = [
        (
            ids.date(int(row.pop("Date").replace("-", ""))),
            {ticker: _thousandths(text) for ticker, text in row.items()},
        )
        for row in rows
    ]
    return [
        entry
        for entry in found
        if (first is None or first <= entry[0]) and (last is None or entry[0] <= last)
    ]


def bridge(draw: random.Random, before: int, after: int, steps: int = HOURS) -> list[int]:
    """A synthetic path of integers from one close to the next: `steps` prices, the last is `after`.

    A random walk less its drift, on the straight line between the two (a Brownian bridge).
    """
    most = before * NOISE_BPS // 10_000
    walk, at = [], 0
    for _ in range(steps):
        at += draw.randint(-most, most)
        walk.append(at)
    path = [
        before + (after - before) * k // steps + noise - at * k // steps
        for k, noise in enumerate(walk, 1)
    ]
    return [max(1, price) for price in path[:-1]] + [after]


def draw_book(
    draw: random.Random, members: Sequence[Lei], trades: int, date: Date, prices: dict[str, int]
) -> Book:
    """Bilateral forwards near the prices, between random pairs."""
    pairs = list(combinations(sorted(members), 2))
    tickers = sorted(prices)
    found = []
    for number in range(trades):
        pair = list(draw.choice(pairs))
        draw.shuffle(pair)
        ticker = draw.choice(tickers)
        price = prices[ticker]
        found.append(
            Trade(
                uti=Uti(f"{pair[0]}R{number:06d}"),
                buyer=house(pair[0]),
                seller=house(pair[1]),
                instrument=InstrumentCode(f"FWD-{ticker}"),
                quantity=draw.randint(1, 100) * 1_000,
                price=max(1, price + draw.randint(-price, price) // 100),
                trade_date=date,
                source=TradeSource.OTC,
                reference="replay",
            )
        )
    return Book(tuple(members), tuple(found))


def _thousandths(text: str) -> int:
    """`12.34` as 12340, without floating point."""
    whole, _, decimals = text.partition(".")
    return int(whole) * SCALE + int(f"{decimals:0<3}"[:3])
