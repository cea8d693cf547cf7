"""The estate of a defaulter: what is its own, and what counterparties owe it at close-out."""

import msgspec

from ledger import cash
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases
from ledger.events import EstateCredited, EstatePaid, Event
from ledger.obligations import discharge, owe
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import AssetCode, Date, Party, member_of


def debt_id(row: o.CloseOut) -> bytes:
    """The obligation by which a counterparty owes its close-out amount."""
    name = ("dcn/obligation/1", "CLOSE_OUT", row.case, row.debtor, row.creditor)
    return sha256(encode(name))


def owe_estate(draft: Draft, row: o.CloseOut, asset: AssetCode, date: Date) -> None:
    """The counterparty of a negative close-out owes the estate."""
    about = (row.case, row.debtor, row.creditor)
    owe(draft, about, -row.amount, row.creditor, row.debtor, asset, date, o.Origin.CLOSE_OUT)


def collect(draft: Draft, height: int) -> list[Event]:
    """Take what is due to estates; who cannot pay is overdue like any debtor."""
    events: list[Event] = []
    for key in draft.indexed(t.CLOSE_OUTS, t.close_outs_in(o.CloseOutState.DUE)):
        row = draft.must(t.CLOSE_OUTS, key)
        if row.due <= height:
            events += _collected(draft, key, row, height)
    return events


def _collected(draft: Draft, key: bytes, row: o.CloseOut, height: int) -> list[Event]:
    ident = debt_id(row)
    debt = draft.get(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
    if debt is None:  # paid out of turn, or part of the payer's own close-out
        _done(draft, key, row)
        return []
    if cases.in_default(draft, debt.debtor):
        return []
    source = t.own_account(debt.debtor, debt.asset)
    if cash.free(draft, source) >= debt.amount:
        estate = t.estate(member_of(row.debtor), row.case, debt.asset)
        cash.move(draft, source, estate, debt.amount)
        discharge(draft, ident)
        _done(draft, key, row)
        return [EstatePaid(row.case, debt.debtor, debt.amount)]
    if draft.get(t.OVERDUES, t.OVERDUES.key(ident)) is None:
        failed = msgspec.structs.replace(debt, state=o.ObligationState.FAILED)
        draft.put(t.OBLIGATIONS, t.OBLIGATIONS.key(ident), failed)
        draft.put(t.OVERDUES, t.OVERDUES.key(ident), o.Overdue(height))
    return []


def _done(draft: Draft, key: bytes, row: o.CloseOut) -> None:
    draft.put(t.CLOSE_OUTS, key, msgspec.structs.replace(row, state=o.CloseOutState.DONE))
    give_back(draft, row.creditor, row.debtor)


def give_back(draft: Draft, poster: Party, secured: Party) -> None:
    """The set has ended and its poster owes nothing: its margin is its own again."""
    for asset in assets(draft):
        source = t.im_escrow(poster, secured, asset)
        amount = cash.free(draft, source)
        if amount:
            target = cases.receiving_account(draft, poster, asset)
            cash.move(draft, source, target, amount)


def take_over(draft: Draft, number: int, row: o.DefaultCase) -> list[Event]:
    """The defaulter's own cash and securities are its estate's; its clients' are not touched."""
    events: list[Event] = []
    for asset in assets(draft):
        source = t.own_account(row.defaulter, asset)
        events += credit(draft, number, row, source, asset, "own account")
    return events


def credit(
    draft: Draft, number: int, row: o.DefaultCase, source: bytes, asset: AssetCode, reason: str
) -> list[Event]:
    """Everything free in `source` goes to the estate."""
    amount = cash.free(draft, source)
    if not amount:
        return []
    cash.move(draft, source, t.estate(row.defaulter, number, asset), amount)
    return [EstateCredited(number, asset, amount, reason)]


def assets(draft: Draft) -> list[AssetCode]:
    """Every asset, ascending."""
    return [t.ASSETS.parts(key)[0] for key in draft.indexed(t.ASSETS, 0)]
