"""Debts: the one way they come about, so that each has an id, a due date and an origin."""

from operator import itemgetter
from typing import Final

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import AssetCode, Date, Party, is_of


def owe(
    draft: Draft,
    about: tuple[str | int, ...],
    amount: int,
    debtor: Party,
    creditor: Party,
    asset: AssetCode,
    due: Date,
    origin: o.Origin,
    instruction: bytes = b"",
) -> bytes:
    """`debtor` owes `amount` (minor units; negative: the other way round); the debt's id.

    `about`: what makes it one of its kind; with the origin it gives the id.
    """
    assert amount, about
    if amount < 0:
        debtor, creditor, amount = creditor, debtor, -amount
    ident = ident_of(origin, about)
    row = o.Obligation(
        debtor, creditor, asset, amount, due, origin, o.ObligationState.OPEN, instruction
    )
    key = t.OBLIGATIONS.key(ident)
    assert draft.get(t.OBLIGATIONS, key) is None, about
    draft.put(t.OBLIGATIONS, key, row)
    return ident


def ident_of(origin: o.Origin, about: tuple[str | int, ...]) -> bytes:
    """The id of the debt of an origin about something."""
    return sha256(encode(("dcn/obligation/1", origin.name, *about)))


def of(draft: Draft, whose: str) -> list[str]:
    """The open debts, either way, of a member with its clients or of one client account: in a few
    words with their number, if there are any."""
    rows = waiting(draft, tuple(o.ObligationState))
    mine = [row for _, row in rows if is_of(row.debtor, whose) or is_of(row.creditor, whose)]
    return [f"{len(mine)} obligations"] if mine else []


UNHELD: Final = (o.ObligationState.OPEN, o.ObligationState.LATE, o.ObligationState.FAILED)
"""The states of debts that no round holds."""


def waiting(
    draft: Draft, states: tuple[o.ObligationState, ...] = UNHELD
) -> list[tuple[bytes, o.Obligation]]:
    """The debts in `states`, each with its id, in order of the ids."""
    return sorted((pair for state in states for pair in filed(draft, state)), key=itemgetter(0))


def filed(draft: Draft, index: int) -> list[tuple[bytes, o.Obligation]]:
    """The debts under an index value of their table, in whatever state, in order of the ids."""
    keys = draft.indexed(t.OBLIGATIONS, index)
    return [(t.OBLIGATIONS.parts(key)[0], draft.must(t.OBLIGATIONS, key)) for key in keys]


def put_state(draft: Draft, key: bytes, amount: int, state: o.ObligationState) -> None:
    """The debt of this key is of `amount` now, and in `state`."""
    row = draft.must(t.OBLIGATIONS, key)
    draft.put(t.OBLIGATIONS, key, msgspec.structs.replace(row, amount=amount, state=state))


def keep_open(
    draft: Draft, ident: bytes, left: int, failed: tuple[Party, ...], height: int
) -> None:
    """Remove what is discharged; what is left waits for the next round as LATE or FAILED. A debt is
    overdue from its debtor's first failure until it is paid, or late because of others."""
    key, overdue = t.OBLIGATIONS.key(ident), t.OVERDUES.key(ident)
    has_failed = left > 0 and draft.must(t.OBLIGATIONS, key).debtor in failed
    known = draft.get(t.OVERDUES, overdue) is not None
    if has_failed and not known:
        draft.put(t.OVERDUES, overdue, o.Overdue(height))
    elif known and not has_failed:
        draft.delete(overdue)
    if left == 0:
        draft.delete(key)
    else:
        state = o.ObligationState.FAILED if has_failed else o.ObligationState.LATE
        put_state(draft, key, left, state)


def discharge(draft: Draft, ident: bytes) -> None:
    """The debt is gone, and with it its call and its being overdue."""
    for key in (t.OBLIGATIONS.key(ident), t.CALLS.key(ident), t.OVERDUES.key(ident)):
        if draft.row(key) is not None:
            draft.delete(key)


def forgive(draft: Draft, ident: bytes) -> None:
    """The debt stays, but its debtor's failure to pay it is none."""
    if draft.row(t.OVERDUES.key(ident)) is not None:
        draft.delete(t.OVERDUES.key(ident))
