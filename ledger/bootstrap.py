"""The bootstrap key: a network's first steps, alone, until it is retired for good.

A genesis may name one. It admits members and sets power, within the same criteria and bounds as a
vote; an event says each time that it did. It retires by a transaction, or at its last height.
"""

from typing import Final

import msgspec

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Bootstrap, RetireBootstrap
from ledger.enactment import enact, kind_of
from ledger.events import BootstrapActed, BootstrapRetired, Event
from ledger.rulebook import basis
from ledger.state import Draft
from wire.ids import Lei
from wire.limits import HEIGHT_MAX
from wire.signing import key_is_acceptable

OWNER: Final = ""
"""The key is no member's; its row in the table of keys keeps its nonces, and others from it."""


def found(draft: Draft, row: o.Bootstrap) -> None:
    """Give a new network its key; raises `BadListing`, `KeyTaken`."""
    key = t.KEYS.key(row.public_key)
    if draft.get(t.KEYS, key) is not None:
        raise r.KeyTaken(f"the bootstrap key {row.public_key.hex()[:16]}")
    sound = key_is_acceptable(row.public_key) and 0 < row.until <= HEIGHT_MAX and not row.retired
    if not sound:
        raise r.BadListing("the bootstrap key is no acceptable Ed25519 key, or has no last height")
    draft.put(t.KEYS, key, o.SigningKeyRow(Lei(OWNER), o.KeyRole.BOOTSTRAP, 0, 0))
    draft.put(t.BOOTSTRAP, t.bootstrap_key(), row)


def check_key(draft: Draft, key: bytes) -> o.Bootstrap:
    """The key is the one, and can act; raises `NotTheBootstrapKey`."""
    row = draft.get(t.BOOTSTRAP, t.bootstrap_key())
    if row is None or row.public_key != key or row.retired:
        raise r.NotTheBootstrapKey(f"key {key.hex()[:16]}")
    return row


def act(draft: Draft, action: Bootstrap, height: int) -> list[Event]:
    """Do what the key orders; raises a `Rejection`."""
    check_key(draft, action.key)
    did = BootstrapActed(kind_of(action.body), action.body.lei, basis(draft, o.Clause.BOOTSTRAP))
    return [did, *enact(draft, action.body, height, o.Clause.BOOTSTRAP)]


def retire(draft: Draft, action: RetireBootstrap, height: int) -> list[Event]:
    """The key gives up; raises a `Rejection`."""
    return [_retired(draft, check_key(draft, action.key), height)]


def due(draft: Draft, height: int) -> list[Event]:
    """The key's time is over after its last height."""
    row = draft.get(t.BOOTSTRAP, t.bootstrap_key())
    over = row is not None and not row.retired and height > row.until
    return [_retired(draft, row, height)] if row is not None and over else []


def _retired(draft: Draft, row: o.Bootstrap, height: int) -> Event:
    changed = msgspec.structs.replace(row, retired=height)
    draft.put(t.BOOTSTRAP, t.bootstrap_key(), changed)
    key = t.KEYS.key(row.public_key)
    signing = msgspec.structs.replace(draft.must(t.KEYS, key), retired=height)
    draft.put(t.KEYS, key, signing)
    return BootstrapRetired(basis(draft, o.Clause.BOOTSTRAP))
