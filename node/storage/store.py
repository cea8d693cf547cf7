"""The store: opened once, written by one task, one SQLite transaction a block."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import aiosqlite

from consensus.messages import Certificate
from ledger.receipts import Receipt
from ledger.state import State
from ledger.transactions import Transaction, tx_id
from node.blocks import DecidedBlock, decode_decided
from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.heap import undisturbed
from node.snapshots import Snapshot
from node.storage.errors import StoreDamaged, StoreOfAnotherChain, as_stored
from node.storage.light import keep_trail, keep_validators
from node.storage.migrations import require_current
from node.storage.records import (
    StoredTip,
    Submission,
    Undo,
    outcome,
    stored_tip,
    undone,
    validator_sets,
)
from node.storage.schema import SCHEMA
from node.storage.transaction import transaction
from wire.codec import Digest, decode, encode
from wire.errors import CodedError
from wire.limits import TRANSACTION_BYTES_MAX
from wire.version import STORE_VERSION

TIP_BYTES_MAX = 1 << 20
UNDO_BYTES_MAX = 256 << 20
SNAPSHOT_BYTES_MAX = 4 << 20
"""A snapshot without its rows, as it fits a frame."""

OLDEST_BYTES_MAX = 9
QUERY_VALUES_MAX = 500
"""Values in one SQL `IN`; SQLite's own limit is far above."""


class Store:
    """Blocks, receipts, results, events, state rows and this node's own submissions."""

    def __init__(self, db: aiosqlite.Connection, genesis_hash: bytes) -> None:
        """Use `open`."""
        self.db = db
        self.genesis_hash = genesis_hash

    @classmethod
    async def open(cls, path: Path, genesis_hash: bytes) -> Self:
        """Open or create the store at `path`.

        Raises `StoreOutdated`, `StoreVersion`, `StoreDamaged`, `StoreUnusable`.
        """
        with as_stored():
            path.parent.mkdir(parents=True, exist_ok=True)
            db = await aiosqlite.connect(path)
        try:
            with as_stored():
                await _prepare(db, path)
        except BaseException:
            await db.close()
            raise
        return cls(db, genesis_hash)

    async def close(self) -> None:
        """Close the file."""
        await self.db.close()

    # ---------------------------------------------------------------- the chain
    async def load_tip(self, at_genesis: Tip) -> Tip:
        """The stored tip; an empty store is given the rows of `at_genesis` first.

        The state is rebuilt from its rows and its root compared. Raises `StoreDamaged`.
        """
        stored = await self.stored_tip()
        if stored is None:
            await self._found(at_genesis)
            return at_genesis
        if stored.genesis_hash != self.genesis_hash:
            raise StoreOfAnotherChain(f"genesis {stored.genesis_hash.hex()[:16]}")
        try:
            rows = await self.state_rows()
            with undisturbed():
                state = State.load(iter(rows))
        except CodedError as error:
            raise StoreDamaged(f"height {stored.height}: a state row: {error}") from None
        if state.root != stored.state_root:
            raise StoreDamaged(
                f"height {stored.height}: state root is {state.root.hex()[:16]}, "
                f"recorded is {stored.state_root.hex()[:16]}"
            )
        decided = await self.block(stored.height)
        last, validators, upcoming = validator_sets(stored)
        return Tip(
            chain_id=stored.chain_id,
            height=stored.height,
            block_id=Digest(stored.block_id),
            time_ms=stored.time_ms,
            state=state,
            commit=await self._commit_of_snapshot(stored) if decided is None else decided.commit,
            receipts_root=stored.receipts_root,
            results_root=stored.results_root,
            last_validators=last,
            validators=validators,
            next_validators=upcoming,
            rotation=stored.rotation,
        )

    async def _commit_of_snapshot(self, stored: StoredTip) -> Certificate | None:
        """The commit of a tip whose block the node has never had; None before block 1."""
        query = f"SELECT snapshot FROM snapshots WHERE height={stored.height}"
        raw = await _scalar(self.db, query)
        if raw is None:
            return None
        try:
            return decode(bytes(raw), Snapshot, SNAPSHOT_BYTES_MAX).anchor.commit
        except CodedError as error:
            raise StoreDamaged(f"height {stored.height}: the snapshot: {error}") from None

    async def _found(self, at_genesis: Tip) -> None:
        """Write the state before block 1."""
        rows = [(key, encode(row)) for key, row in at_genesis.state.rows()]
        record = encode(stored_tip(at_genesis, self.genesis_hash))
        async with transaction(self.db):
            await self.db.executemany("INSERT INTO state VALUES (?, ?)", rows)
            await self.db.execute("INSERT INTO meta VALUES ('tip', ?)", (record,))
            await keep_validators(self.db, [at_genesis])

    async def stored_tip(self) -> StoredTip | None:
        """The tip's record; raises `StoreDamaged`."""
        raw = await _scalar(self.db, "SELECT value FROM meta WHERE key='tip'")
        try:
            return None if raw is None else decode(bytes(raw), StoredTip, TIP_BYTES_MAX)
        except CodedError as error:
            raise StoreDamaged(f"the tip record: {error}") from None

    async def state_rows(self) -> list[tuple[bytes, bytes]]:
        """Every (key, encoded row)."""
        cursor = await self.db.execute("SELECT key, row FROM state ORDER BY key")
        return [(bytes(key), bytes(row)) for key, row in await cursor.fetchall()]

    async def commit_blocks(self, blocks: Sequence[CommitBlock]) -> None:
        """Write consecutive blocks with everything that follows from them, or nothing."""
        last = blocks[-1]
        async with transaction(self.db):
            for entry in blocks:
                if entry is last:
                    undo = await self._undo(entry)
                await self._write(entry)
            record = encode(stored_tip(last.tip, self.genesis_hash))
            await self.db.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                [("tip", record), ("undo", encode(undo))],
            )
            await keep_validators(self.db, [entry.tip for entry in blocks])
            await keep_trail(self.db, blocks)

    async def _write(self, entry: CommitBlock) -> None:
        applied, height, db = entry.applied, entry.tip.height, self.db
        await db.execute(
            "INSERT INTO blocks VALUES (?, ?, ?)",
            (height, entry.tip.block_id, encode(entry.decided)),
        )
        rows: dict[str, list[tuple[object, ...]]] = {
            "INSERT INTO receipts VALUES (?, ?, ?, ?)": [
                (height, n, x.tx_id, encode(x)) for n, x in enumerate(applied.receipts)
            ],
            "INSERT INTO results VALUES (?, ?, ?)": [
                (height, n, encode(x)) for n, x in enumerate(applied.results)
            ],
            "INSERT INTO events (height, event) VALUES (?, ?)": [
                (height, encode(x)) for x in applied.events
            ],
            "INSERT OR REPLACE INTO state VALUES (?, ?)": [
                (key, row) for key, row in applied.changes if row is not None
            ],
            "DELETE FROM state WHERE key=?": [
                (key,) for key, row in applied.changes if row is None
            ],
            "UPDATE submissions SET status=?, code=?, detail=?, height=? "
            "WHERE tx_id=? AND status='pending'": [
                (*outcome(x), height, x.tx_id) for x in applied.receipts
            ],
            "UPDATE submissions SET status='expired', height=? "
            "WHERE status='pending' AND valid_until<=?": [(height, height)],
        }
        for query, values in rows.items():
            if values:
                await db.executemany(query, values)

    async def _undo(self, entry: CommitBlock) -> Undo:
        """The rows that a block changes, as they are now."""
        keys = sorted(key for key, _ in entry.applied.changes)
        before: dict[bytes, bytes] = {}
        for start in range(0, len(keys), QUERY_VALUES_MAX):
            chunk = keys[start : start + QUERY_VALUES_MAX]
            marks = ",".join("?" * len(chunk))
            cursor = await self.db.execute(
                f"SELECT key, row FROM state WHERE key IN ({marks})", chunk
            )
            before |= {bytes(key): bytes(row) for key, row in await cursor.fetchall()}
        return Undo(entry.tip.height, tuple((key, before.get(key)) for key in keys))

    async def state_before(self, tip: Tip, root: bytes) -> State | None:
        """The state one block before the stored `tip`, which has `root`; None if it is not to be
        had, as before block 1."""
        raw = await _scalar(self.db, "SELECT value FROM meta WHERE key='undo'")
        try:
            state = undone(tip.state, decode(bytes(raw or b""), Undo, UNDO_BYTES_MAX))
        except CodedError:
            return None
        return state if state.root == root else None

    async def block(self, height: int) -> DecidedBlock | None:
        """The block at `height`; raises `StoreDamaged`."""
        found = await self.blocks(height, 1)
        return found[0] if found and found[0].block.header.height == height else None

    async def blocks(
        self, from_height: int, count: int, bytes_max: int | None = None
    ) -> list[DecidedBlock]:
        """Up to `count` consecutive blocks, of `bytes_max` together but at least one.

        Raises `StoreDamaged`.
        """
        query = "SELECT height, decided FROM blocks WHERE height>=? ORDER BY height LIMIT ?"
        found: list[DecidedBlock] = []
        size = 0
        async with self.db.execute(query, (from_height, count)) as cursor:
            while (row := await cursor.fetchone()) is not None:
                size += len(row[1])
                if found and bytes_max is not None and size > bytes_max:
                    break
                try:
                    found.append(decode_decided(bytes(row[1])))
                except CodedError as error:
                    raise StoreDamaged(f"height {row[0]}: the block: {error}") from None
        return found

    async def oldest(self) -> int:
        """The lowest height that is kept: what is older has been pruned, or was never here."""
        raw = await _scalar(self.db, "SELECT value FROM meta WHERE key='oldest'")
        try:
            return oldest_of(None if raw is None else bytes(raw))
        except CodedError as error:
            raise StoreDamaged(f"the record of the oldest height: {error}") from None

    async def keep_from(self, height: int) -> None:
        """Record that `height` is the lowest that is kept from now on; in a transaction."""
        await self.db.execute("INSERT OR REPLACE INTO meta VALUES ('oldest', ?)", (encode(height),))

    async def results(self, height: int) -> list[bytes]:
        """The round results of the block at `height`, encoded, in order."""
        cursor = await self.db.execute(
            "SELECT result FROM results WHERE height=? ORDER BY position", (height,)
        )
        return [bytes(row[0]) for row in await cursor.fetchall()]

    # ---------------------------------------------------------------- own submissions
    async def keep(self, transactions: Sequence[Transaction]) -> None:
        """Write accepted submissions; what is decided already stays as it is."""
        async with transaction(self.db):
            await self.db.executemany(
                "INSERT OR IGNORE INTO submissions VALUES (?, ?, ?, 'pending', '', '', 0)",
                [(tx_id(tx), encode(tx), tx.valid_until) for tx in transactions],
            )
            for tx in transactions:
                await self._already(tx_id(tx))

    async def _already(self, ident: bytes) -> None:
        """A submission that has reached a block by another way, before it was kept, says so."""
        cursor = await self.db.execute(
            "SELECT height, receipt FROM receipts WHERE tx_id=? ORDER BY height, position LIMIT 1",
            (ident,),
        )
        found = await cursor.fetchone()
        if found is not None:
            receipt = decode(bytes(found[1]), Receipt, TRANSACTION_BYTES_MAX)
            await self.db.execute(
                "UPDATE submissions SET status=?, code=?, detail=?, height=? "
                "WHERE tx_id=? AND status='pending'",
                (*outcome(receipt), found[0], ident),
            )

    async def submission(self, ident: bytes) -> Submission | None:
        """What became of a transaction that this node accepted."""
        found = await self._submissions("tx_id=?", (ident,))
        return found[0] if found else None

    async def pending(self) -> list[Submission]:
        """Submissions that are neither decided nor rejected nor expired."""
        return await self._submissions("status='pending'", ())

    async def _submissions(self, where: str, values: Iterable[object]) -> list[Submission]:
        cursor = await self.db.execute(
            "SELECT tx_id, tx, valid_until, status, code, detail, height FROM submissions "
            f"WHERE {where}",
            tuple(values),
        )
        return [Submission(*row) for row in await cursor.fetchall()]


def oldest_of(record: bytes | None) -> int:
    """The height in the record of the oldest one; without a record, 1. Raises `CodedError`."""
    return 1 if record is None else decode(record, int, OLDEST_BYTES_MAX)


async def _prepare(db: aiosqlite.Connection, path: Path) -> None:
    """Durability first, then the tables; an existing store must be of this version."""
    db.text_factory = _text
    await db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file: pruning gives space back
    await db.execute("PRAGMA journal_mode=WAL")
    await db.execute("PRAGMA synchronous=FULL")
    version = await _scalar(db, "PRAGMA user_version")
    if version == 0:
        await db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={STORE_VERSION}; COMMIT;")
    else:
        require_current(path, version)


def _text(raw: bytes) -> str:
    """Damaged text must not stop the reading before it can be said what is damaged."""
    return raw.decode("utf-8", "replace")


async def _scalar(db: aiosqlite.Connection, query: str) -> Any:
    cursor = await db.execute(query)
    row = await cursor.fetchone()
    return None if row is None else row[0]
