"""Debts: the one way they come about, so that each has an id, a due date and an origin."""

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
    keys = [key for state in o.ObligationState for key in draft.indexed(t.OBLIGATIONS, state)]
    rows = [draft.must(t.OBLIGATIONS, key) for key in keys]
    mine = [row for row in rows if is_of(row.debtor, whose) or is_of(row.creditor, whose)]
    return [f"{len(mine)} obligations"] if mine else []


def discharge(draft: Draft, ident: bytes) -> None:
    """The debt is gone, and with it its call and its being overdue."""
    for key in (t.OBLIGATIONS.key(ident), t.CALLS.key(ident), t.OVERDUES.key(ident)):
        if draft.row(key) is not None:
            draft.delete(key)


def forgive(draft: Draft, ident: bytes) -> None:
    """The debt stays, but its debtor's failure to pay it is none."""
    if draft.row(t.OVERDUES.key(ident)) is not None:
        draft.delete(t.OVERDUES.key(ident))
