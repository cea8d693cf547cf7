"""Keys that votes have given to a member: they do not sign for initial margin at once.

Whoever can win votes could otherwise take a member's keys, and with them its initial margin. So a
recovered key waits, and what it is exchanged for waits with it, while the other owners of that
margin and the authority may say no.
"""

from typing import Final

import msgspec

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import (
    Action,
    AgreeIm,
    AmendCsa,
    AmendTrade,
    CancelTrade,
    ConfirmTermination,
    ConsentNovation,
    ProposeNovation,
    RequestTermination,
    ReturnExcessIm,
    SubstituteCollateral,
    VetoKey,
)
from ledger.events import Event, KeyVetoed
from ledger.rulebook import basis
from ledger.state import Draft
from ledger.transactions import Transaction
from wire.ids import Lei, member_of

NEVER: Final = -1
"""From when a vetoed key signs for initial margin."""

SIGNS_FOR_IM: Final[tuple[type[Action], ...]] = (
    ReturnExcessIm, SubstituteCollateral, AgreeIm, AmendCsa, AmendTrade, CancelTrade,
    RequestTermination, ConfirmTermination, ProposeNovation, ConsentNovation,
)  # fmt: skip
"""What takes initial margin out of custody, or lowers what has to be in it."""


def check_keys(draft: Draft, tx: Transaction, height: int) -> None:
    """No key that waits signs for initial margin; raises `KeyWaits`."""
    if not isinstance(tx.action, SIGNS_FOR_IM):
        return
    for entry in tx.signatures:
        row = draft.must(t.KEYS, t.KEYS.key(entry.key))
        if row.im_from == NEVER:
            raise r.KeyWaits(f"key {entry.key.hex()[:16]} of {row.member} has been vetoed")
        if height < row.im_from:
            raise r.KeyWaits(f"key {entry.key.hex()[:16]} of {row.member}: from {row.im_from} on")


def veto(draft: Draft, action: VetoKey, height: int) -> list[Event]:
    """Say no to a key while it waits; raises a `Rejection`."""
    key = t.KEYS.key(action.key)
    row = draft.get(t.KEYS, key)
    if row is None or row.retired or not height < row.im_from:
        raise r.NotVetoable(f"key {action.key.hex()[:16]} does not wait")
    authority = o.Role.REGULATOR in checks.active_member(draft, action.vetoer).roles
    if not authority and not _own_margin_together(draft, row.member, action.vetoer):
        raise r.NotVetoable(f"{action.vetoer} and {row.member} have no initial margin together")
    draft.put(t.KEYS, key, msgspec.structs.replace(row, im_from=NEVER))
    because = basis(draft, o.Clause.MARGIN)
    return [KeyVetoed(row.member, action.key, action.vetoer, because)]


def _own_margin_together(draft: Draft, one: Lei, other: Lei) -> bool:
    """Whether one has something in custody for the other, either way."""
    for poster, secured in ((one, other), (other, one)):
        for key in draft.indexed(t.BALANCES, t.of_member(poster)):
            _, kind, reference, _ = t.BALANCES.parts(key)
            if (
                kind == o.AccountKind.IM_ESCROW
                and member_of(reference.partition(">")[2]) == secured
                and draft.must(t.BALANCES, key).balance
            ):
                return True
    return False
