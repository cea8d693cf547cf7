"""What a home's store says without a node to open it: the tip, its commit, its member's row.

Read in one SQLite read transaction, so a running node is not disturbed.
"""

import sqlite3
from typing import cast

import msgspec

from consensus.messages import Certificate
from ledger.objects import Member, SigningKeyRow
from ledger.tables import KEYS, MEMBERS, decode_row
from node.audit.source import Source, blob
from node.blocks import DecidedBlock, decode_decided
from node.home import Home
from node.storage.errors import StoreDamaged
from node.storage.records import StoredTip
from node.storage.store import TIP_BYTES_MAX
from wire.codec import decode
from wire.errors import CodedError


class StoreReading(msgspec.Struct, frozen=True):
    """What the store says at one moment."""

    tip: StoredTip | None
    """None: no genesis rows yet."""
    commit: Certificate | None
    """Of the tip's block; None before block 1 and right after a snapshot was installed."""
    member: Member | None
    """The ledger's row of the home's legal entity; None: it is not on the ledger."""
    unusable: frozenset[bytes]
    """Signing keys among those asked for that the ledger no longer takes, or never did."""


def read_store(home: Home, lei: str, signing_keys: tuple[bytes, ...] = ()) -> StoreReading:
    """The tip and what belongs to `lei`. Raises `StoreMissing`, `StoreVersion`, `StoreDamaged`."""
    try:
        with Source(home.store) as source:
            raw = source.scalar("SELECT value FROM meta WHERE key='tip'")
            if raw is None:
                return StoreReading(None, None, None, frozenset())
            tip = decode(blob(raw), StoredTip, TIP_BYTES_MAX)
            block = source.scalar("SELECT decided FROM blocks WHERE height=?", tip.height)
            commit = None if block is None else decode_decided(blob(block)).commit
            member = cast("Member | None", _row(source, MEMBERS.key(lei)))
            rows = {key: cast("SigningKeyRow | None", _row(source, KEYS.key(key)))
                    for key in signing_keys}  # fmt: skip
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"the store cannot be read: {error}") from None
    except CodedError as error:
        if error.code.startswith("STORE"):
            raise
        raise StoreDamaged(f"the tip cannot be read: {error}") from None
    unusable = frozenset(key for key, row in rows.items() if row is None or row.retired)
    return StoreReading(tip, commit, member, unusable)


def last_blocks(home: Home, count: int) -> list[DecidedBlock]:
    """The newest `count` blocks, oldest first. Raises as `read_store`."""
    query = "SELECT decided FROM blocks ORDER BY height DESC LIMIT ?"
    try:
        with Source(home.store) as source:
            return [decode_decided(blob(raw)) for (raw,) in source.rows(query, count)][::-1]
    except (sqlite3.DatabaseError, CodedError) as error:
        raise StoreDamaged(f"the last blocks cannot be read: {error}") from None


def quick_check(home: Home) -> None:
    """SQLite's own quick check of the store's file; raises `StoreDamaged` and as `read_store`."""
    try:
        with Source(home.store) as source:
            found = [line for (line,) in source.rows("PRAGMA quick_check(3)") if line != "ok"]
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"the store cannot be read: {error}") from None
    if found:
        raise StoreDamaged(f"the store's file: {found[0]}")


def _row(source: Source, key: bytes) -> object:
    raw = source.scalar("SELECT row FROM state WHERE key=?", key)
    return None if raw is None else decode_row(key, blob(raw))
