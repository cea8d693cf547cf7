"""Settlement cash: mint, redeem, transfer; and the one function that moves a balance."""

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Mint, Redeem, Transfer
from ledger.events import CashMoved, Event
from ledger.state import Draft
from wire import ids
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


def paid_into(draft: Draft, party: str, asset: str) -> bytes:
    """The account that whatever `party` is paid goes to: a blocked member's money waits.

    A client account stays the client's: its member cannot act on it anyway while it is blocked.
    """
    lei = ids.member_of(party)
    house = not ids.client_of(party)
    if house and checks.is_blocked(draft.must(t.MEMBERS, t.MEMBERS.key(lei))):
        return t.blocked_account(lei, asset)
    return t.own_account(party, asset)


def means(draft: Draft, party: str, asset: str, delivers: int = 0) -> int:
    """What `party` can meet a scheduled obligation with, blocked money included: being off the
    white list is no default.

    In a token that its own group issues it pays nothing it owes, for that is a promise, no payment;
    but it delivers what it has instructed, `delivers`, as anybody does: that is an exchange.
    """
    has = free(draft, t.own_account(party, asset)) + _blocked(draft, party, asset)
    own = checks.is_of_group(draft, checks.asset(draft, asset).issuer, party)
    return min(has, delivers) if own else has


def settle_net(draft: Draft, party: str, asset: str, net: int) -> None:
    """Pay `party` its net of a round, or (negative) take it: its own money first, then blocked."""
    if net >= 0:
        credit(draft, paid_into(draft, party, asset), net)
        return
    own = t.own_account(party, asset)
    from_own = min(-net, free(draft, own))
    credit(draft, own, -from_own)
    if net + from_own:
        credit(draft, t.blocked_account(party, asset), net + from_own)


def _blocked(draft: Draft, party: str, asset: str) -> int:
    return 0 if ids.client_of(party) else free(draft, t.blocked_account(party, asset))


def mint(draft: Draft, action: Mint, height: int) -> list[Event]:
    """The issuer creates `amount` for the receiver, on the reserve that it names."""
    asset = checks.asset(draft, action.asset)
    checks.amount(action.amount)
    checks.text(action.reference)
    if not action.reference.strip():
        raise r.NoReserve(f"{action.amount} {asset.code}")
    checks.payable_member(draft, action.to)
    minted = asset.minted + action.amount
    if minted > AMOUNT_MAX:
        raise r.BadAmount(f"minted would be {minted}, at most {AMOUNT_MAX}")
    credit(draft, paid_into(draft, action.to, asset.code), action.amount)
    row = o.Minting(action.to, action.amount, action.reference, height)
    draft.put(t.MINTINGS, t.MINTINGS.key(asset.code, asset.minted), row)
    draft.put(t.ASSETS, t.ASSETS.key(asset.code), _supply(asset, minted, asset.redeemed))
    return [CashMoved(asset.code, None, ids.house(action.to), action.amount)]


def redeem(draft: Draft, action: Redeem) -> list[Event]:
    """The issuer takes `amount`, returned to its own account before, out of circulation."""
    asset = checks.asset(draft, action.asset)
    checks.amount(action.amount)
    checks.text(action.reference)
    _debit(draft, t.own_account(asset.issuer, asset.code), action.amount)
    redeemed = asset.redeemed + action.amount
    draft.put(t.ASSETS, t.ASSETS.key(asset.code), _supply(asset, asset.minted, redeemed))
    return [CashMoved(asset.code, ids.house(asset.issuer), None, action.amount)]


def transfer(draft: Draft, action: Transfer) -> list[Event]:
    """A party pays another from its own account."""
    asset = checks.asset(draft, action.asset)
    checks.amount(action.amount)
    checks.text(action.reference)
    if action.sender == action.to:
        raise r.SelfTransfer(f"{action.sender} to itself")
    checks.open_account(draft, action.sender)
    checks.payable_party(draft, action.to)
    _check_segregation(action, asset)
    source = t.own_account(action.sender, action.asset)
    move(draft, source, paid_into(draft, action.to, action.asset), action.amount)
    return [CashMoved(action.asset, action.sender, action.to, action.amount)]


def _check_segregation(action: Transfer, asset: o.Asset) -> None:
    """Client money stays client money, until an issuer takes it back."""
    inside = ids.member_of(action.sender) == ids.member_of(action.to)
    match bool(ids.client_of(action.sender)), bool(ids.client_of(action.to)):
        case False, True:
            allowed = inside
        case True, False:
            allowed = action.to == ids.house(asset.issuer) and not inside
        case _:
            allowed = True
    if not allowed:
        raise r.ClientSegregated(f"{action.sender} to {action.to}")


def _supply(asset: o.Asset, minted: int, redeemed: int) -> o.Asset:
    return o.Asset(asset.code, asset.kind, asset.issuer, asset.exponent, minted, redeemed)
