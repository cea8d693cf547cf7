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
from functools import cached_property

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
    round_ = _Round(legs, np.zeros((legs.n, legs.assets), np.int64))
    return round_.left.reshape(legs.n, legs.assets)


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
    let_down = [who for who, one in out.items() if one.cause is Cause.LIQUIDITY_EVENT]
    culprits = _let_down_by(legs, late, _first_out(legs, round_, ever_out), let_down)
    explained = out | {
        who: replace(out[who], let_down_by=by) for who, by in zip(let_down, culprits, strict=True)
    }
    return Settlement(
        discharged,
        round_.cash(discharged),
        tuple(explained[who] for who in sorted(explained)),
        late,
        _first_out(legs, round_, list(out))[late],
    )


def _let_down_by(
    legs: Legs, late: Ints, culprit: Ints, let_down: list[int]
) -> list[tuple[int, ...]]:
    """For each of `let_down`, those (not itself) who were taken out first on legs due to it."""
    creditor, culprit = legs.creditor[late].astype(np.int64), culprit[late]
    asked = np.zeros(legs.n, np.bool_)
    asked[let_down] = True
    counted = asked[creditor] & (creditor != culprit)
    keys = np.sort(creditor[counted] * legs.n + culprit[counted])
    keys = keys[np.flatnonzero(np.diff(keys, prepend=-1))]
    bounds = np.searchsorted(keys, np.array([let_down, let_down]).T * legs.n + [0, legs.n])
    return [tuple((keys[first:last] % legs.n).tolist()) for first, last in bounds.tolist()]


def _first_out(legs: Legs, round_: "_Round", out: list[int]) -> Ints:
    """int64[m]: which party of each leg's instruction comes first in `out`; -1: none is in it."""
    rank = np.full(legs.n, len(out), np.int64)
    rank[out] = np.arange(len(out))
    first = np.full(len(round_.instruction), len(out), np.int64)
    np.minimum.at(first, round_.instruction, rank[legs.debtor])
    np.minimum.at(first, round_.instruction, rank[legs.creditor])
    return np.array([*out, -1], np.int64)[first[round_.instruction]]


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
        self.payer = legs.debtor.astype(np.int64) * legs.assets + legs.asset
        self.payee = legs.creditor.astype(np.int64) * legs.assets + legs.asset
        self.is_in = np.ones(legs.n, np.bool_)
        self.left = free_cash.reshape(-1) + self.cash(np.ones(m, np.bool_)).reshape(-1)
        # How many sides of its legs are out; at the number of each instruction.
        self.sides_out = np.zeros(m, np.int64)

    def cash(self, counted: Flags) -> Ints:
        """int64[n, assets]: net of the legs counted."""
        net = np.zeros(self.legs.n * self.legs.assets, np.int64)
        amount = np.where(counted, self.legs.amount, 0)
        np.add.at(net, self.payee, amount)
        np.subtract.at(net, self.payer, amount)
        return net.reshape(self.legs.n, self.legs.assets)

    def short(self, accounts: Ints) -> Ints:
        """int64: participants in the round with something missing on one of `accounts`."""
        if len(accounts) > len(self.left):
            accounts = np.arange(len(self.left))
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
        touched = self._sides[0].members(who)
        settled = self._once(touched[self.sides_out[touched] == 0])
        np.add.at(self.sides_out, touched, 1)
        return self._book(settled, -1)

    def put_back(self, who: int) -> bool:
        """Let `who` in again if nobody is short then; otherwise change nothing."""
        touched = self._sides[0].of(who)
        np.subtract.at(self.sides_out, touched, 1)
        settled = touched[self.sides_out[touched] == 0]
        if self.legs.instruction is not None:
            settled = self._once(settled)
        accounts = self._book(settled, 1)
        if not (self.left[accounts] < 0).any() and not any(self.shortfall(who)):
            self.is_in[who] = True
            return True
        self._book(settled, -1)
        np.add.at(self.sides_out, touched, 1)
        return False

    def _book(self, instructions: Ints, sign: int) -> Ints:
        """Add (1) or take back (-1) the legs of `instructions`; the accounts they touch."""
        alone = self.legs.instruction is None
        mine = instructions if alone else self._sides[1].members(instructions)
        payer, payee, amount = self.payer[mine], self.payee[mine], sign * self.legs.amount[mine]
        np.subtract.at(self.left, payer, amount)
        np.add.at(self.left, payee, amount)
        return np.concatenate((payer, payee))

    def _once(self, instructions: Ints) -> Ints:
        """Each of `instructions` once: where the last to sign in at its place was itself."""
        places = np.arange(len(instructions))
        self._signed_in[instructions] = places
        once: Ints = instructions[self._signed_in[instructions] == places]
        return once

    @cached_property
    def _signed_in(self) -> Ints:
        return np.zeros(len(self.instruction), np.int64)

    @cached_property
    def _sides(self) -> "tuple[Groups, Groups]":
        """Instructions by participant, once for each of its sides, and legs by instruction."""
        sides = np.concatenate((self.legs.debtor, self.legs.creditor)).astype(np.int64)
        twice = np.concatenate((self.instruction, self.instruction))
        legs = np.arange(len(self.instruction), dtype=np.int64)
        return (
            Groups(sides, twice, self.legs.n),
            Groups(self.instruction, legs, len(self.instruction)),
        )


class Groups:
    """Values by a key from 0 to count - 1."""

    def __init__(self, keys: Ints, values: Ints, count: int) -> None:
        # NumPy sorts keys of two bytes by their digits, three times as fast.
        short = count <= 1 << 16
        order = np.argsort(keys.astype(np.uint16), kind="stable") if short else np.argsort(keys)
        self._values: Ints = values[order]
        sizes = np.zeros(count, np.int64)
        np.add.at(sizes, keys, 1)
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes

    def of(self, key: int) -> Ints:
        """int64: the values of one key."""
        return self._values[self._starts[key] : self._ends[key]]

    def members(self, keys: Ints) -> Ints:
        """int64: the values of several keys, one key after the other."""
        sizes = self._ends[keys] - self._starts[keys]
        skipped = np.repeat(self._starts[keys] - (np.cumsum(sizes) - sizes), sizes)
        values: Ints = self._values[np.arange(len(skipped)) + skipped]
        return values
