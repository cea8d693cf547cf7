"""Debts: the one way they come about, so that each has an id, a due date and an origin."""

from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import AssetCode, Date, Party


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
    ident = sha256(encode(("dcn/obligation/1", origin.name, *about)))
    row = o.Obligation(
        debtor, creditor, asset, amount, due, origin, o.ObligationState.OPEN, instruction
    )
    key = t.OBLIGATIONS.key(ident)
    assert draft.get(t.OBLIGATIONS, key) is None, about
    draft.put(t.OBLIGATIONS, key, row)
    return ident
