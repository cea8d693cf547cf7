"""The settlement of a round on the free cash of that moment, in one transition that cannot fail.

1. Take out, all at once, every participant who cannot pay in: free cash + net < 0. They FAILED.
2. Repeat on the obligations of the rest until nobody is short: those were let down by others.
3. Put the latter back one by one, in order of (shortfall, id), where the round still funds with
   them. Who stays out has a LIQUIDITY EVENT.
4. All that is left among those in is discharged; net cash moves.

A participant is in or out of the whole round, all its assets linked. An obligation touching
someone out stays open in both directions; so does every leg of an instruction (DvP, PvP) with
one leg open. What is discharged is thus a function of who is in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from netting.graph import Flags, Index, Ints


class Cause(IntEnum):
    """Why a participant is out of the round."""

    ABSENT = 1
    """It stayed out beforehand."""
    FAILED = 2
    """It could not pay in though everybody else would have."""
    LIQUIDITY_EVENT = 3
    """It could not pay in because others were out."""


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Obligations of a round, m of them, what cycles cancelled taken off."""

    n: int
    """Participants, numbered in the order of their ids."""
    assets: int
    debtor: Index | Ints
    creditor: Index | Ints
    asset: Index | Ints
    """0 .. assets - 1."""
    amount: Ints
    """Minor units of the asset; 0 or more."""
    instruction: Ints | None = None
    """Legs of one number settle together or not at all; the number is that of the first of them,
    so a leg alone has its own. None: each alone."""


@dataclass(frozen=True, slots=True)
class Out:
    """Somebody who did not settle."""

    participant: int
    cause: Cause
    shortfall: tuple[int, ...]
    """Per asset, what was missing when it was taken out, minor units; nothing for the absent."""
    let_down_by: tuple[int, ...] = ()
    """Those taken out before it who left it unpaid, lowest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """What one settlement discharged and moved, and why the rest is late."""

    discharged: Flags
    """bool[m]."""
    cash: Ints
    """int64[n, assets]: net cash each participant receives (negative: pays)."""
    out: tuple[Out, ...]
    """Those out, in the order of participants."""
    late: Ints
    """int64[k]: the legs left open, in order."""
    late_because_of: Ints
    """int64[k]: for each, the participant out that caused it: the one taken out first."""

    def failed(self) -> tuple[Out, ...]:
        """Those who FAILED."""
        return tuple(one for one in self.out if one.cause is Cause.FAILED)

    def liquidity_events(self) -> tuple[Out, ...]:
        """Those who have a LIQUIDITY EVENT."""
        return tuple(one for one in self.out if one.cause is Cause.LIQUIDITY_EVENT)


def leg_nets(legs: Legs) -> Ints:
    """int64[n, assets]: to receive minus to pay if everything is discharged."""
    return _cash(legs, np.ones(len(legs.amount), np.bool_)).reshape(legs.n, legs.assets)


def settle(legs: Legs, free_cash: Ints, absent: Iterable[int] = ()) -> Settlement:
    """Settle `legs` on `free_cash`, int64[n, assets], 0 or more; `absent` stay out beforehand.

    O(obligations + the obligations of everybody who is ever out).
    """
    assert free_cash.shape == (legs.n, legs.assets), free_cash.shape
    round_ = _Round(legs, free_cash)
    out = {who: Out(who, Cause.ABSENT, (0,) * legs.assets) for who in sorted(set(absent))}
    round_.take_out(np.array(list(out), np.int64))
    cause = Cause.FAILED
    short = round_.short(np.arange(legs.n * legs.assets))
    while short.size:
        for who in short.tolist():
            out[who] = Out(who, cause, round_.shortfall(who))
        short = round_.short(round_.take_out(short))
        cause = Cause.LIQUIDITY_EVENT
    ever_out = list(out)
    let_down = [one for one in out.values() if one.cause is Cause.LIQUIDITY_EVENT]
    for one in sorted(let_down, key=lambda one: (sum(one.shortfall), one.participant)):
        if round_.put_back(one.participant):
            del out[one.participant]
    return _report(legs, round_, out, ever_out)


def _report(legs: Legs, round_: "_Round", out: dict[int, Out], ever_out: list[int]) -> Settlement:
    """`out` and `ever_out` are in the order in which participants were taken out."""
    discharged = (round_.sides_out[round_.instruction] == 0) | (legs.amount == 0)
    late = np.flatnonzero(~discharged)
    let_down_by = _let_down_by(legs, late, _first_out(legs, round_, ever_out))
    return Settlement(
        discharged,
        _cash(legs, discharged).reshape(legs.n, legs.assets),
        tuple(
            replace(one, let_down_by=tuple(let_down_by.get(one.participant, ())))
            if one.cause is Cause.LIQUIDITY_EVENT
            else one
            for one in sorted(out.values(), key=lambda one: one.participant)
        ),
        late,
        _first_out(legs, round_, list(out))[late],
    )


def _let_down_by(legs: Legs, late: Ints, culprit: Ints) -> dict[int, list[int]]:
    """Of each creditor of late legs, those (not itself) who were taken out first on them."""
    creditor, culprit = legs.creditor[late].astype(np.int64), culprit[late]
    others = creditor != culprit
    who_whom = np.unique(creditor[others] * legs.n + culprit[others])
    let_down_by: dict[int, list[int]] = {}
    for key in who_whom.tolist():
        let_down_by.setdefault(key // legs.n, []).append(key % legs.n)
    return let_down_by


def _first_out(legs: Legs, round_: "_Round", out: list[int]) -> Ints:
    """int64[m]: which party of each leg's instruction comes first in `out`; -1: none is in it."""
    rank = np.full(legs.n, len(out), np.int64)
    rank[out] = np.arange(len(out))
    first = np.full(len(round_.instruction), len(out), np.int64)
    np.minimum.at(first, round_.instruction, rank[legs.debtor])
    np.minimum.at(first, round_.instruction, rank[legs.creditor])
    return np.array([*out, -1], np.int64)[first[round_.instruction]]


def _cash(legs: Legs, counted: Flags) -> Ints:
    """int64[n * assets]: net of the legs counted."""
    net = np.zeros(legs.n * legs.assets, np.int64)
    asset, amount = legs.asset[counted], legs.amount[counted]
    np.add.at(net, legs.creditor[counted].astype(np.int64) * legs.assets + asset, amount)
    np.subtract.at(net, legs.debtor[counted].astype(np.int64) * legs.assets + asset, amount)
    return net


class _Round:
    """Who is in, and what everybody has left after paying in; kept up one change at a time.

    An obligation alone is an instruction of one leg. An instruction is discharged when none of
    its parties is out. Every change costs as much as the obligations it touches.
    """

    def __init__(self, legs: Legs, free_cash: Ints) -> None:
        self.legs = legs
        m = len(legs.amount)
        each_alone: Ints = np.arange(m, dtype=np.int64)
        self.instruction = each_alone if legs.instruction is None else legs.instruction
        self.is_in = np.ones(legs.n, np.bool_)
        self.left = free_cash.reshape(-1) + _cash(legs, np.ones(m, np.bool_))
        # How many sides of its legs are out; at the number of each instruction.
        self.sides_out = np.zeros(m, np.int64)
        self._index: tuple[Groups, Groups] | None = None

    def short(self, accounts: Ints) -> Ints:
        """int64: participants in the round with something missing on one of `accounts`."""
        missing: Ints = np.unique(accounts[self.left[accounts] < 0] // self.legs.assets)
        return missing[self.is_in[missing]]

    def shortfall(self, who: int) -> tuple[int, ...]:
        """Per asset, what `who` is short of."""
        here = self.left[who * self.legs.assets : (who + 1) * self.legs.assets]
        return tuple(max(0, -left) for left in here.tolist())

    def take_out(self, who: Ints) -> Ints:
        """Open every instruction that `who` are party to; the accounts that changed."""
        if len(who) == 0:
            return who
        self.is_in[who] = False
        touched = self._instructions_of(who)
        settled = np.unique(touched[self.sides_out[touched] == 0])
        np.add.at(self.sides_out, touched, 1)
        return self._book(settled, -1)

    def put_back(self, who: int) -> bool:
        """Let `who` in again if nobody is short then; otherwise change nothing."""
        touched = self._instructions_of(np.array([who]))
        np.subtract.at(self.sides_out, touched, 1)
        settled = np.unique(touched[self.sides_out[touched] == 0])
        accounts = self._book(settled, 1)
        own = np.arange(who * self.legs.assets, (who + 1) * self.legs.assets)
        if (self.left[accounts] >= 0).all() and (self.left[own] >= 0).all():
            self.is_in[who] = True
            return True
        self._book(settled, -1)
        np.add.at(self.sides_out, touched, 1)
        return False

    def _book(self, instructions: Ints, sign: int) -> Ints:
        """Add (1) or take back (-1) the legs of `instructions`; the accounts they touch."""
        legs, assets = self.legs, self.legs.assets
        mine = self._groups()[1].members(instructions)
        payer = legs.debtor[mine].astype(np.int64) * assets + legs.asset[mine]
        payee = legs.creditor[mine].astype(np.int64) * assets + legs.asset[mine]
        np.subtract.at(self.left, payer, sign * legs.amount[mine])
        np.add.at(self.left, payee, sign * legs.amount[mine])
        return np.concatenate((payer, payee))

    def _instructions_of(self, who: Ints) -> Ints:
        """Instructions of the participants, one entry for each side of each of their legs."""
        legs = self._groups()[0].members(who)
        return self.instruction[legs % max(1, len(self.instruction))]

    def _groups(self) -> "tuple[Groups, Groups]":
        """Sides of legs by participant, and legs by instruction; made when somebody is out."""
        if self._index is None:
            sides: Ints = np.concatenate((self.legs.debtor, self.legs.creditor)).astype(np.int64)
            self._index = (
                Groups(sides, self.legs.n),
                Groups(self.instruction, len(self.instruction)),
            )
        return self._index


class Groups:
    """Positions of an array by the value there."""

    def __init__(self, values: Index | Ints, count: int) -> None:
        """`values`: int[k], each 0 .. count - 1."""
        self._order: Ints = np.argsort(values)
        sizes = np.zeros(count, np.int64)
        np.add.at(sizes, values, 1)
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes

    def members(self, values: Ints) -> Ints:
        """int64: the positions that hold any of `values`, grouped in their order."""
        sizes = self._ends[values] - self._starts[values]
        skipped = np.repeat(self._starts[values] - (np.cumsum(sizes) - sizes), sizes)
        positions: Ints = self._order[np.arange(len(skipped)) + skipped]
        return positions
