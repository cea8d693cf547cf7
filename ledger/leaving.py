"""Resignation and exit: a member leaves without leaving anything behind.

Resigning, it trades and votes no more and leaves the validator set; it keeps its duties, and stays
liable through its cooling-off. It exits only when nothing of it is open.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ledger import cash, checks, membership, obligations, sets, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Exit, Resign, WithdrawResignation
from ledger.events import Event, MemberResigned
from ledger.rulebook import basis
from ledger.state import Draft
from wire.ids import Lei


def resign(draft: Draft, action: Resign, height: int) -> list[Event]:
    """Begin to leave; raises a `Rejection`, also for the last validator."""
    lei = action.member
    checks.active_member(draft, lei)
    events = validators.set_power(draft, lei, 0, height, o.Clause.RESIGNATION)
    events.append(membership.moved(draft, lei, o.MemberState.RESIGNING, o.Clause.RESIGNATION))
    rules = draft.must(t.RULEBOOK, t.rulebook_key()).membership
    leaves_from = height + rules.cooling_off_blocks
    _note(draft, lei, leaves_from)
    return [*events, MemberResigned(lei, leaves_from, basis(draft, o.Clause.RESIGNATION))]


def withdraw(draft: Draft, action: WithdrawResignation, _height: int) -> list[Event]:
    """Stay after all: it has been liable all the while, so nobody is worse off."""
    lei = action.member
    _resigning(draft, lei)
    _note(draft, lei, 0)
    return [membership.moved(draft, lei, o.MemberState.ACTIVE, o.Clause.RESIGNATION)]


def leave(draft: Draft, action: Exit, height: int) -> list[Event]:
    """Leave for good; raises `StillOpen` with everything that is open."""
    lei = action.member
    member = _resigning(draft, lei)
    if height < member.leaves_from:
        raise r.CoolingOff(f"until height {member.leaves_from}, this is {height}")
    still = [what for finds in WHAT_IS_OPEN for what in finds(draft, lei)]
    if still:
        raise r.StillOpen("; ".join(still[:NAMED_MAX]))
    membership.retire_all_keys(draft, lei, height)
    return [membership.moved(draft, lei, o.MemberState.EXITED, o.Clause.RESIGNATION)]


def _resigning(draft: Draft, lei: Lei) -> o.Member:
    member = checks.acting_member(draft, lei)
    if member.state != o.MemberState.RESIGNING:
        raise r.WrongMemberState(f"{lei} is {o.MemberState(member.state).name}")
    return member


def _note(draft: Draft, lei: Lei, leaves_from: int) -> None:
    key = t.MEMBERS.key(lei)
    row = draft.must(t.MEMBERS, key)
    draft.put(t.MEMBERS, key, msgspec.structs.replace(row, leaves_from=leaves_from))


# -------------------------------------------------------------------- what is open
NAMED_MAX: Final = 8
"""Open things that a rejection names; a member sees the rest in its account."""

Finds = Callable[[Draft, Lei], list[str]]
"""Draft and member -> what of one kind is open, each in a few words with its number."""


def _batches(draft: Draft, lei: Lei) -> list[str]:
    rows = [draft.must(t.BATCHES, key) for key in draft.indexed(t.BATCHES, t.of_member(lei))]
    return [f"batch {row.creator}/{row.reference}" for row in rows]


def _balances(draft: Draft, lei: Lei) -> list[str]:
    """Balances of every kind, escrows and custody included."""
    found = []
    for key in draft.indexed(t.BALANCES, t.of_member(lei)):
        amount = cash.balance(draft, key).balance
        if amount:
            _, kind, reference, asset = t.BALANCES.parts(key)
            name = " ".join(x for x in (o.AccountKind(kind).name, reference, asset) if x)
            found.append(f"{name} holds {amount}")
    return found


def _issues(draft: Draft, lei: Lei) -> list[str]:
    rows = [draft.must(t.ASSETS, key) for key in draft.indexed(t.ASSETS, 0)]
    return [
        f"{row.minted - row.redeemed} {row.code} not redeemed"
        for row in rows
        if row.issuer == lei and row.minted > row.redeemed
    ]


def _clients(draft: Draft, lei: Lei) -> list[str]:
    keys = draft.indexed(t.CLIENTS, t.of_member(lei))
    return [f"client account {t.CLIENTS.parts(key)[1]}" for key in keys]


def _collects(draft: Draft, lei: Lei) -> list[str]:
    collector = draft.must(t.RULEBOOK, t.rulebook_key()).fees.collector
    return ["the rulebook has it collect the fees"] if collector == lei else []


WHAT_IS_OPEN: Final[tuple[Finds, ...]] = (
    sets.open_of,
    _batches,
    _balances,
    _clients,
    _issues,
    _collects,
    obligations.of,
)
"""Cheap ones first. Custody, funds and estates are balances, so none of them is forgotten."""
