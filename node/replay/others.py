"""The same book under other regimes, reckoned from its trades and closes alone.

T+2: variation margin of each pair and date, netted across all members, but paid two dates later.
Bilateral: each contract margined on its own date by date, nothing netted with anything; at a
default the defaulter's gains are claimed in full, and its losses contract by contract.
"""

from collections import defaultdict
from typing import Final

from ledger import objects as o
from ledger.sets import contract_value
from node.replay.funding import Flows, Funding, funding, netted
from node.replay.market import Book, Closes
from wire.ids import Lei, member_of

LAG: Final = 2


class Values:
    """What each contract is worth at each close, seen from the buyer, minor units."""

    def __init__(self, book: Book, closes: Closes, instruments: dict[str, o.Instrument]) -> None:
        self.book = book
        self._at = [
            [
                contract_value(trade, terms, prices[trade.instrument.removeprefix("FWD-")], 2)
                for trade, terms in ((x, instruments[x.instrument]) for x in book.trades)
            ]
            for _, prices in closes
        ]

    def change(self, since: int, to: int) -> list[int]:
        """Of each contract from one close to another, by number; -1: since it was traded."""
        after = self._at[to]
        before = self._at[since] if since >= 0 else [0] * len(after)
        return [now - was for now, was in zip(after, before, strict=True)]

    def pairs(self, since: int, to: int) -> dict[tuple[Lei, Lei], int]:
        """(debtor, creditor) -> the change of the pair's contracts together."""
        net: dict[tuple[Lei, Lei], int] = defaultdict(int)
        for trade, gain in zip(self.book.trades, self.change(since, to), strict=True):
            buyer, seller = member_of(trade.buyer), member_of(trade.seller)
            first, second = sorted((buyer, seller))
            net[first, second] += gain if buyer == first else -gain
        # Seen from the first: a gain of it is the second's debt.
        return {((b, a) if gain > 0 else (a, b)): abs(gain) for (a, b), gain in net.items() if gain}

    @property
    def dates(self) -> int:
        """How many closes there are."""
        return len(self._at)


def at_t_plus_2(values: Values) -> dict[Lei, Funding]:
    """Funding when each date's margin is paid two dates later; the last ones after the window."""
    flows: Flows = [{} for _ in range(LAG)]
    flows += [netted(values.pairs(n - 1, n)) for n in range(values.dates)]
    return funding(flows, values.book.members)


def bilateral(values: Values) -> dict[Lei, Funding]:
    """Funding when each contract is margined apart."""
    flows: Flows = []
    for n in range(values.dates):
        step: dict[Lei, tuple[int, int]] = {}
        for trade, gain in zip(values.book.trades, values.change(n - 1, n), strict=True):
            winner, loser = (trade.buyer, trade.seller) if gain > 0 else (trade.seller, trade.buyer)
            for member, out, into in ((loser, abs(gain), 0), (winner, 0, abs(gain))):
                lei = member_of(member)
                paid, taken = step.get(lei, (0, 0))
                step[lei] = (paid + out, taken + into)
        flows.append(step)
    return funding(flows, values.book.members)


def claims_netted(values: Values, defaulter: Lei, last_paid: int, close: int) -> dict[Lei, int]:
    """Claims of counterparties on a defaulter that has paid up to the margin of `last_paid`, closed
    out at `close`: one net amount a pair."""
    owed = values.pairs(last_paid, close)
    return {creditor: amount for (debtor, creditor), amount in owed.items() if debtor == defaulter}


def claims_gross(values: Values, defaulter: Lei, last_paid: int, close: int) -> dict[Lei, int]:
    """The same contract by contract: what the defaulter has gained is not set off."""
    found: dict[Lei, int] = defaultdict(int)
    for trade, gain in zip(values.book.trades, values.change(last_paid, close), strict=True):
        buyer, seller = member_of(trade.buyer), member_of(trade.seller)
        if gain > 0 and seller == defaulter:
            found[buyer] += gain
        if gain < 0 and buyer == defaulter:
            found[seller] -= gain
    return dict(found)
