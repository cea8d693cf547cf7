"""Snapshots in the store: taken here, served to peers, and fetched from them chunk by chunk.

A snapshot that is being taken or fetched has its rows in the same tables as a whole one; only its
`stage` tells them apart, so that a restart goes on with the one and forgets the other.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Final

from ledger import tables as t
from ledger.admission import check_nonces
from ledger.state import Draft, State
from ledger.transactions import Transaction, decode_transaction, utis
from node.blocks import LightBlock
from node.core.chain import Tip
from node.core.inputs import Arriving
from node.heap import undisturbed
from node.messages import (
    CHUNK_PART_BYTES,
    CHUNK_PARTS_MAX,
    SNAPSHOTS_OFFERED_MAX,
    TRAIL_MAX,
    ChunkReply,
    ChunkRequest,
    ServedReply,
    ServedRequest,
    SnapshotOffer,
    SnapshotReply,
    SnapshotRequest,
    SnapshotsReply,
    SnapshotsRequest,
)
from node.snapshots import Snapshot, digest
from node.storage.errors import StoreDamaged
from node.storage.light import keep_validators, light_block
from node.storage.records import stored_tip
from node.storage.store import SNAPSHOT_BYTES_MAX, Store
from node.storage.transaction import transaction
from wire.codec import decode, encode
from wire.errors import CodedError, Rejection
from wire.statechunks import Chunk

TAKING: Final = "taking"
ARRIVING: Final = "arriving"
WHOLE: Final = "whole"

CHUNK_BYTES_READ_MAX: Final = CHUNK_PARTS_MAX * CHUNK_PART_BYTES

UNKNOWN: Final = "unknown"
"""Status of a submission whose block, if it reached one, is older than the node's snapshot."""


class SnapshotStore:
    """The snapshots of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    # ---------------------------------------------------------------- taken here
    async def take(
        self, snapshot: Snapshot, chunks: Iterator[Chunk], kept: int, needed: int = 0
    ) -> None:
        """Write a snapshot, a chunk a transaction, and drop all but the newest `kept` and the
        newest below the height `needed`, from which on the past must stay computable.

        Chunks are made in a thread: the node goes on meanwhile.
        """
        height = snapshot.height
        async with transaction(self._db):
            await self._forget("stage=?", TAKING)
            await self._insert(snapshot, TAKING)
        for number in range(len(snapshot.outline)):
            data = await asyncio.to_thread(_next_encoded, chunks)
            await self.keep(height, number, data)
        async with transaction(self._db):
            await self._db.execute("UPDATE snapshots SET stage=? WHERE height=?", (WHOLE, height))
            await self._forget(
                "stage=?1 AND height NOT IN "
                "(SELECT height FROM snapshots WHERE stage=?1 ORDER BY height DESC LIMIT ?2) AND "
                "height IS NOT (SELECT max(height) FROM snapshots WHERE stage=?1 AND height<?3)",
                WHOLE,
                kept,
                needed,
            )

    async def heights(self) -> list[int]:
        """Of the whole snapshots, ascending."""
        query = "SELECT height FROM snapshots WHERE stage=? ORDER BY height"
        cursor = await self._db.execute(query, (WHOLE,))
        return [int(row[0]) for row in await cursor.fetchall()]

    async def tidy(self) -> None:
        """Forget a snapshot that was being taken when the node stopped."""
        async with transaction(self._db):
            await self._forget("stage=?", TAKING)

    async def _insert(self, snapshot: Snapshot, stage: str) -> None:
        await self._db.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)",
            (snapshot.height, stage, encode(snapshot)),
        )
        await self._db.execute("DELETE FROM chunks WHERE height=?", (snapshot.height,))

    async def _forget(self, where: str, *values: object) -> None:
        await self._db.execute(f"DELETE FROM snapshots WHERE {where}", values)
        await self._db.execute(
            "DELETE FROM chunks WHERE height NOT IN (SELECT height FROM snapshots)"
        )

    # ---------------------------------------------------------------- served to peers
    async def serve(self, request: ServedRequest, tip_height: int) -> ServedReply:
        """The answer to a peer, the tip being at `tip_height`. Raises `StoreDamaged`."""
        match request:
            case SnapshotsRequest():
                return await self._offers(tip_height)
            case SnapshotRequest(height=height):
                return await self._whole(height)
            case ChunkRequest(height=height, number=number, part=part):
                return await self._part(height, number, part)

    async def _offers(self, tip_height: int) -> SnapshotsReply:
        """Those whose next header is decided: it is their proof."""
        found = []
        for height in (await self.heights())[-SNAPSHOTS_OFFERED_MAX:]:
            snapshot = await self.snapshot(height, WHOLE)
            if snapshot is not None and height < tip_height:
                found.append(SnapshotOffer(height, digest(snapshot)))
        return SnapshotsReply(tuple(found))

    async def _whole(self, height: int) -> SnapshotReply:
        snapshot = await self.snapshot(height, WHOLE)
        successor = await light_block(self._store, height + 1)
        if snapshot is None or successor is None:
            return SnapshotReply(height, None, None, ())
        query = "SELECT height FROM trail WHERE height<=? ORDER BY height LIMIT ?"
        cursor = await self._db.execute(query, (height, TRAIL_MAX))
        trail = tuple(int(row[0]) for row in await cursor.fetchall())
        return SnapshotReply(height, snapshot, successor, trail)

    async def _part(self, height: int, number: int, part: int) -> ChunkReply:
        cursor = await self._db.execute(
            "SELECT length(data), substr(data, ?, ?) FROM chunks "
            "JOIN snapshots USING (height) WHERE height=? AND number=? AND stage=?",
            (part * CHUNK_PART_BYTES + 1, CHUNK_PART_BYTES, height, number, WHOLE),
        )
        row = await cursor.fetchone()
        parts = 0 if row is None else -(-int(row[0]) // CHUNK_PART_BYTES)
        if row is None or part >= parts:
            return ChunkReply(height, number, part, 0, b"")
        return ChunkReply(height, number, part, parts, bytes(row[1]))

    async def snapshot(self, height: int, stage: str) -> Snapshot | None:
        """The snapshot of `height`, without its rows; raises `StoreDamaged`."""
        query = "SELECT snapshot FROM snapshots WHERE height=? AND stage=?"
        cursor = await self._db.execute(query, (height, stage))
        row = await cursor.fetchone()
        try:
            return None if row is None else decode(bytes(row[0]), Snapshot, SNAPSHOT_BYTES_MAX)
        except CodedError as error:
            raise StoreDamaged(f"height {height}: the snapshot: {error}") from None

    # ---------------------------------------------------------------- fetched from peers
    async def begin(self, snapshot: Snapshot, trail: tuple[LightBlock, ...]) -> None:
        """Remember the verified snapshot that is being fetched, and what proves it."""
        async with transaction(self._db):
            await self._forget("stage=?", ARRIVING)
            await self._insert(snapshot, ARRIVING)
            await self._db.executemany(
                "INSERT OR REPLACE INTO trail VALUES (?, ?)",
                [(block.header.height, encode(block)) for block in trail],
            )

    async def keep(self, height: int, number: int, data: bytes) -> None:
        """Keep an encoded chunk."""
        async with transaction(self._db):
            await self._db.execute(
                "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?)", (height, number, data)
            )

    async def arriving(self) -> Arriving | None:
        """The snapshot whose fetching was interrupted, if any; raises `StoreDamaged`."""
        cursor = await self._db.execute("SELECT height FROM snapshots WHERE stage=?", (ARRIVING,))
        row = await cursor.fetchone()
        snapshot = None if row is None else await self.snapshot(int(row[0]), ARRIVING)
        if snapshot is None:
            return None
        query = "SELECT number FROM chunks WHERE height=? ORDER BY number"
        cursor = await self._db.execute(query, (snapshot.height,))
        return Arriving(snapshot, tuple(int(row[0]) for row in await cursor.fetchall()))

    async def assembled(self, height: int) -> State | None:
        """The state of the chunks of `height`, built in a thread; None if one cannot be read."""
        chunks = await self._chunks(height)
        try:
            return await asyncio.to_thread(state_of, chunks)
        except CodedError:
            return None

    async def _chunks(self, height: int) -> list[bytes]:
        query = "SELECT data FROM chunks WHERE height=? ORDER BY number"
        cursor = await self._db.execute(query, (height,))
        return [bytes(row[0]) for row in await cursor.fetchall()]

    async def install(self, snapshot: Snapshot, tip: Tip) -> None:
        """Make the fetched snapshot the store's state: the chain is known from there on."""
        db, record = self._db, encode(stored_tip(tip, self._store.genesis_hash))
        chunks = await self._chunks(tip.height)
        rows = await asyncio.to_thread(lambda: [row for data in chunks for row in rows_of(data)])
        async with transaction(db):
            for table in ("blocks", "receipts", "results", "events", "state"):
                await db.execute(f"DELETE FROM {table}")
            await db.executemany("INSERT INTO state VALUES (?, ?)", rows)
            await db.execute("DELETE FROM meta WHERE key='undo'")
            await db.execute("INSERT OR REPLACE INTO meta VALUES ('tip', ?)", (record,))
            await self._store.keep_from(tip.height + 1)
            await keep_validators(db, [tip])
            await self._forget("stage<>?", ARRIVING)
            await db.execute("UPDATE snapshots SET stage=?", (WHOLE,))
            await self._settle(tip)

    async def _settle(self, tip: Tip) -> None:
        """What became of own submissions in blocks that this node will never see, as far as the
        state tells."""
        for kept in await self._store.pending():
            status = _fate(tip, decode_transaction(kept.tx))
            if status is not None:
                await self._db.execute(
                    "UPDATE submissions SET status=?, height=?, detail=? WHERE tx_id=?",
                    (status, tip.height, "before the snapshot that this node took", kept.tx_id),
                )


def _fate(tip: Tip, tx: Transaction) -> str | None:
    """The status of a pending submission at `tip`; None: it can still be decided."""
    names = utis(tx.action)
    if names and all(tip.state.get(t.CONTRACTS, t.CONTRACTS.key(uti)) for uti in names):
        return "decided"
    try:
        check_nonces(Draft(tip.state), tx)
    except Rejection:
        return UNKNOWN
    return UNKNOWN if tx.valid_until <= tip.height else None


def state_of(chunks: list[bytes]) -> State:
    """The state of encoded chunks; raises `CodedError`."""
    with undisturbed():
        return State.load(row for data in chunks for row in rows_of(data))


def rows_of(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """The rows of an encoded chunk; raises `CodedError`."""
    return decode(data, Chunk, CHUNK_BYTES_READ_MAX).rows


def _next_encoded(chunks: Iterator[Chunk]) -> bytes:
    return encode(next(islice(chunks, 1)))
