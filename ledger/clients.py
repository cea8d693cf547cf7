"""Client sub-accounts: what a member holds and trades for a client, apart from its house.

Client money moves from client to client, into an account from its member's house, and out of it
only to an issuer, to be redeemed, or against something for the client in the same batch. A house's
losses never reach it: every debt names one party, and only that party's account meets it.
"""

from ledger import cash, checks, obligations, sets, settlement
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CloseClientAccount, OpenClientAccount
from ledger.events import ClientAccountClosed, ClientAccountOpened, Event
from ledger.state import Draft
from wire import ids
from wire.errors import BadIdentifier
from wire.ids import Party

HASH_BYTES = 32


def open_(draft: Draft, action: OpenClientAccount, height: int) -> list[Event]:
    """Open an account; raises a `Rejection`."""
    checks.trading_member(draft, action.member)
    text = f"{action.member}:{action.reference}"
    try:
        party = ids.party(text)
    except BadIdentifier as bad:
        raise r.BadClientAccount(bad.detail) from None
    key = t.CLIENTS.key(action.member, action.reference)
    if len(action.name_hash) != HASH_BYTES or draft.get(t.CLIENTS, key) is not None:
        raise r.BadClientAccount(f"{text[:40]}, hash of {len(action.name_hash)} bytes")
    draft.put(t.CLIENTS, key, o.ClientAccount(action.name_hash, height))
    return [ClientAccountOpened(party)]


def close(draft: Draft, action: CloseClientAccount) -> list[Event]:
    """Close an account with nothing in it; raises `UnknownAccount`, `StillOpen`."""
    party = Party(f"{action.member}:{action.reference}")
    key = t.CLIENTS.key(action.member, action.reference)
    if not action.reference or draft.get(t.CLIENTS, key) is None:
        raise r.UnknownAccount(f"client account {party[:40]}")
    still = [
        *_balances(draft, party),
        *sets.open_of(draft, party),
        *obligations.of(draft, party),
        *settlement.open_of(draft, party),
    ]
    if still:
        raise r.StillOpen("; ".join(still))
    draft.delete(key)
    return [ClientAccountClosed(party)]


def _balances(draft: Draft, party: Party) -> list[str]:
    """What the client holds, and what it has in custody for a counterparty."""
    found = []
    for key in draft.indexed(t.BALANCES, t.of_member(party)):
        _, kind, reference, asset = t.BALANCES.parts(key)
        amount = cash.balance(draft, key).balance
        own = kind == o.AccountKind.CLIENT and reference == ids.client_of(party)
        custody = kind == o.AccountKind.IM_ESCROW and reference.startswith(f"{party}>")
        if amount and (own or custody):
            found.append(f"{o.AccountKind(kind).name} {asset} holds {amount}")
    return found
