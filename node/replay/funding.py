"""What a regime of margin asks of each member: what it moves, and what it must have at hand."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from wire.ids import Lei

Flows = list[dict[Lei, tuple[int, int]]]
"""Step by step, by member: (paid out, taken in), minor units."""


class Funding(msgspec.Struct, frozen=True):
    """One member under one regime."""

    peak: int
    """The most cash it has had to bring, of its own, up to any moment: what went out before it
    came in."""
    turnover: int
    """Everything it has paid."""


def funding(flows: Flows, members: tuple[Lei, ...]) -> dict[Lei, Funding]:
    """By member. In each step what is paid out leaves before anything is taken in."""
    balance: dict[Lei, int] = defaultdict(int)
    peak: dict[Lei, int] = defaultdict(int)
    turnover: dict[Lei, int] = defaultdict(int)
    for step in flows:
        for member, (out, into) in step.items():
            peak[member] = max(peak[member], out - balance[member])
            balance[member] += into - out
            turnover[member] += out
    return {member: Funding(peak[member], turnover[member]) for member in members}


def netted(moves: Mapping[tuple[Lei, Lei], int]) -> dict[Lei, tuple[int, int]]:
    """One step, netted multilaterally: `moves` are debts (debtor, creditor) -> amount."""
    net: dict[Lei, int] = defaultdict(int)
    for (debtor, creditor), amount in moves.items():
        net[debtor] -= amount
        net[creditor] += amount
    return {member: (max(0, -amount), max(0, amount)) for member, amount in net.items()}
