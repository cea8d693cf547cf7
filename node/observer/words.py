"""How the page writes amounts, names, dates and times. Plain text; the templates make links."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from node.observer.sight import Lexicon

SHORT: Final = 12
"""Digits of an id that the page shows; the whole of it is one step away."""


_LEI: Final = re.compile(r"\b[0-9A-Z]{18}[0-9]{2}\b")


class Words:
    """Words that need to know the network's names."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def name(self, party: str) -> str:
        """A member by its name, a client account with its reference, anything else as it is."""
        lei, colon, client = party.partition(":")
        known = self._lexicon.names.get(lei, lei)
        return f"{known}{colon}{client}"

    def money(self, amount: int, asset: str = "") -> str:
        """Minor units in units of the asset, e.g. `1,234.50`."""
        return grouped(amount, self._lexicon.exponents.get(asset, 0))

    def amount(self, value: int | None, unit: str) -> str:
        """A figure with its unit: an asset's code, basis points, milliseconds, or a number of."""
        if value is None:
            return "–"
        match unit:
            case "basis points":
                return bps(value)
            case "milliseconds":
                return span(value)
            case _ if unit in self._lexicon.exponents:
                return f"{self.money(value, unit)} {unit}"
            case "number":
                return grouped(value, 0)
            case _:
                return f"{grouped(value, 0)} {unit}"

    def names(self, parties: str | list[str]) -> str:
        """Several, separated by spaces in the store."""
        given = parties.split() if isinstance(parties, str) else parties
        return ", ".join(self.name(one) for one in given)

    def named(self, text: str) -> str:
        """A text with names in the place of LEIs."""
        return _LEI.sub(lambda found: self._lexicon.names.get(found[0], found[0]), text)


SAID: Final = ("name", "money", "amount", "names", "named")


def grouped(amount: int, exponent: int) -> str:
    """An integer of 10 to the power of -`exponent`, in groups of three; exact."""
    sign = "−" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**exponent)
    return f"{sign}{whole:,}" + (f".{part:0{exponent}d}" if exponent else "")


def day(date: int | None) -> str:
    """yyyymmdd as ISO 8601."""
    return "–" if not date else f"{date // 10_000}-{date // 100 % 100:02d}-{date % 100:02d}"


def clock(time_ms: int) -> str:
    """Milliseconds since 1970 as UTC."""
    made = datetime.fromtimestamp(time_ms // 1_000, UTC)
    return f"{made:%Y-%m-%d %H:%M:%S}.{time_ms % 1_000:03d}"


def short(ident: str) -> str:
    """The beginning of a hash."""
    return ident if len(ident) <= SHORT + 4 else f"{ident[:SHORT]}…"


def plain_name(constant: str) -> str:
    """A constant as words: `IN_VALUATION` is `in valuation`."""
    return constant.replace("_", " ").lower()


def number(value: int | None) -> str:
    """An integer in groups of three."""
    return "–" if value is None else grouped(value, 0)


def bps(share: int) -> str:
    """Basis points as per cent."""
    return f"{grouped(share, 2)} %"


def span(ms: int) -> str:
    """A length of time in its two largest units."""
    seconds = ms // 1_000
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "day": day,
    "clock": clock,
    "short": short,
    "plain": plain_name,
    "number": number,
    "bps": bps,
    "span": span,
}
