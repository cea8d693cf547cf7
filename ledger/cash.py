"""Settlement cash: mint, redeem, transfer; and the one function that moves a balance."""

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Mint, Redeem, Transfer
from ledger.events import CashMoved, Event
from ledger.state import Draft
from wire.limits import AMOUNT_MAX

NOTHING = o.Balance(0, 0)


def balance(draft: Draft, account: bytes) -> o.Balance:
    """The balance row of an account; an account that has never held anything holds zero."""
    return draft.get(t.BALANCES, account) or NOTHING


def free(draft: Draft, account: bytes) -> int:
    """What the account can pay: balance less what is locked."""
    row = balance(draft, account)
    return row.balance - row.locked


def credit(draft: Draft, account: bytes, amount: int) -> None:
    """Add `amount` (negative: take, which the caller has checked to be free)."""
    row = balance(draft, account)
    total = row.balance + amount
    if total > AMOUNT_MAX:
        raise r.BadAmount(f"balance would be {total}, at most {AMOUNT_MAX}")
    assert total >= row.locked, (account, row, amount)
    draft.put(t.BALANCES, account, o.Balance(total, row.locked))


def _debit(draft: Draft, account: bytes, amount: int) -> None:
    has = free(draft, account)
    if has < amount:
        raise r.InsufficientFunds(f"has {has}, needs {amount}")
    credit(draft, account, -amount)


def move(draft: Draft, source: bytes, target: bytes, amount: int) -> None:
    """Move `amount` from one account to another of the same asset; an emptied escrow is gone."""
    _debit(draft, source, amount)
    credit(draft, target, amount)
    kind = t.BALANCES.parts(source)[1]
    if kind == o.AccountKind.ESCROW and balance(draft, source) == NOTHING:
        draft.delete(source)


def mint(draft: Draft, action: Mint) -> list[Event]:
    """The issuer creates `amount` in the receiver's own account."""
    asset = checks.asset(draft, action.asset)
    checks.amount(action.amount)
    checks.text(action.reference)
    checks.active_member(draft, action.to)
    minted = asset.minted + action.amount
    if minted > AMOUNT_MAX:
        raise r.BadAmount(f"minted would be {minted}, at most {AMOUNT_MAX}")
    credit(draft, t.own_account(action.to, asset.code), action.amount)
    draft.put(t.ASSETS, t.ASSETS.key(asset.code), _supply(asset, minted, asset.redeemed))
    return [CashMoved(asset.code, None, action.to, action.amount)]


def redeem(draft: Draft, action: Redeem) -> list[Event]:
    """The issuer takes `amount`, returned to its own account before, out of circulation."""
    asset = checks.asset(draft, action.asset)
    checks.amount(action.amount)
    checks.text(action.reference)
    _debit(draft, t.own_account(asset.issuer, asset.code), action.amount)
    redeemed = asset.redeemed + action.amount
    draft.put(t.ASSETS, t.ASSETS.key(asset.code), _supply(asset, asset.minted, redeemed))
    return [CashMoved(asset.code, asset.issuer, None, action.amount)]


def transfer(draft: Draft, action: Transfer) -> list[Event]:
    """A member pays another from its own account."""
    checks.asset(draft, action.asset)
    checks.amount(action.amount)
    checks.text(action.reference)
    if action.sender == action.to:
        raise r.SelfTransfer(f"{action.sender} to itself")
    checks.active_member(draft, action.to)
    source, target = (t.own_account(lei, action.asset) for lei in (action.sender, action.to))
    move(draft, source, target, action.amount)
    return [CashMoved(action.asset, action.sender, action.to, action.amount)]


def _supply(asset: o.Asset, minted: int, redeemed: int) -> o.Asset:
    return o.Asset(asset.code, asset.kind, asset.issuer, asset.exponent, minted, redeemed)
