"""This member's side of its trades before they reach the ledger: blotter and affirmations."""

from collections.abc import Iterable, Sequence

import aiosqlite

from ledger.objects import Trade
from ledger.transactions import Transaction, tx_id, utis
from node.messages import FieldDifference
from node.storage.transaction import transaction
from wire.codec import Record, decode, encode
from wire.limits import TRANSACTION_BYTES_MAX

QUERY_VALUES_MAX = 500
"""Values in one SQL `IN`; SQLite's own limit is far above."""

WAITING = "waiting"
"""For the counterparty's answer."""
AFFIRMED = "affirmed"
"""Signed by both; from here on it is a submission."""
REFUSED = "refused"
"""By the counterparty, for good; see code and differences."""
EXPIRED = "expired"
"""The valid-until height passed without an answer."""


class Differences(Record, frozen=True):
    """Stored form of an answer's differences."""

    fields: tuple[FieldDifference, ...]


class AffirmationRow(Record, frozen=True):
    """A trade that this node has initiated, on its way to the counterparty's signature."""

    tx: Transaction
    counterparty: str
    status: str
    code: str
    differences: tuple[FieldDifference, ...]


class Outcome(Record, frozen=True):
    """What became of one affirmation."""

    tx_id: bytes
    status: str
    code: str
    differences: tuple[FieldDifference, ...]


class TradeStore:
    """Blotter and affirmations, in the node's store."""

    def __init__(self, db: aiosqlite.Connection) -> None:
        self._db = db

    async def add_to_blotter(self, trades: Iterable[Trade]) -> int:
        """Enter trades of the own book; an entry with the same UTI is replaced. How many."""
        rows = [(trade.uti, encode(trade)) for trade in trades]
        async with transaction(self._db):
            await self._db.executemany("INSERT OR REPLACE INTO blotter VALUES (?, ?)", rows)
        return len(rows)

    async def blotter(self, after: str, count: int) -> list[Trade]:
        """The own book's first `count` trades behind the UTI `after`."""
        cursor = await self._db.execute(
            "SELECT trade FROM blotter WHERE uti>? ORDER BY uti LIMIT ?", (after, count)
        )
        rows = await cursor.fetchall()
        return [decode(bytes(raw), Trade, TRANSACTION_BYTES_MAX) for (raw,) in rows]

    async def in_blotter(self, wanted: Sequence[str]) -> dict[str, Trade]:
        """The own book's trades of these UTIs, as far as they are there."""
        found: dict[str, Trade] = {}
        for start in range(0, len(wanted), QUERY_VALUES_MAX):
            chunk = wanted[start : start + QUERY_VALUES_MAX]
            marks = ",".join("?" * len(chunk))
            cursor = await self._db.execute(
                f"SELECT uti, trade FROM blotter WHERE uti IN ({marks})", tuple(chunk)
            )
            for uti, raw in await cursor.fetchall():
                found[uti] = decode(bytes(raw), Trade, TRANSACTION_BYTES_MAX)
        return found

    async def begin(self, transactions: Sequence[tuple[Transaction, str]]) -> None:
        """Keep half-signed transactions, each with its counterparty's LEI."""
        async with transaction(self._db):
            await self._db.executemany(
                "INSERT OR REPLACE INTO affirmations VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (tx_id(tx), encode(tx), counterparty, WAITING, "", b"", tx.valid_until)
                    for tx, counterparty in transactions
                ],
            )
            await self._db.executemany(
                "INSERT OR REPLACE INTO affirmed_utis VALUES (?, ?)",
                [(uti, tx_id(tx)) for tx, _ in transactions for uti in utis(tx.action)],
            )

    async def waiting(self) -> list[AffirmationRow]:
        """What still waits for the counterparty."""
        return await self._select("WHERE status=?", (WAITING,))

    async def by_uti(self, uti: str) -> AffirmationRow | None:
        """The affirmation that registers `uti`."""
        found = await self._select(
            "JOIN affirmed_utis USING (tx_id) WHERE affirmed_utis.uti=?", (uti,)
        )
        return found[0] if found else None

    async def close(self, outcomes: Sequence[Outcome]) -> None:
        """Record what became of affirmations."""
        rows = [
            (one.status, one.code, encode(Differences(one.differences)), one.tx_id)
            for one in outcomes
        ]
        async with transaction(self._db):
            await self._db.executemany(
                "UPDATE affirmations SET status=?, code=?, differences=? WHERE tx_id=?", rows
            )

    async def _select(self, where: str, values: tuple[object, ...]) -> list[AffirmationRow]:
        cursor = await self._db.execute(
            "SELECT affirmations.tx, counterparty, status, code, differences FROM affirmations "
            + where,
            values,
        )
        rows = []
        for raw, counterparty, status, code, differing in await cursor.fetchall():
            tx = decode(bytes(raw), Transaction, TRANSACTION_BYTES_MAX)
            fields = decode(bytes(differing), Differences, 1 << 20).fields if differing else ()
            rows.append(AffirmationRow(tx, counterparty, status, code, fields))
        return rows
