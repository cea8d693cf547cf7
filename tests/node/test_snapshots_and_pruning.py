"""Snapshots in a real store: taken under load, served, fetched again; pruning frees the disk."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ledger.actions import Action, Mint, Transfer
from ledger.events import DateClosed
from ledger.genesis import genesis_hash
from ledger.transactions import Transaction, signed, tx_id, unsigned
from node.audit.audit import Audit, audit
from node.cli.main import main
from node.config import StoreSection
from node.core.chain import Tip
from node.core.snapshot import anchor_of, tip_of
from node.founding import CURRENCY, Founded
from node.home import Home, Keys
from node.messages import (
    ChunkRequest,
    SnapshotReply,
    SnapshotRequest,
    SnapshotsReply,
    SnapshotsRequest,
)
from node.snapshots import Snapshot, check_snapshot, outline_of
from node.startup import checked_tip
from node.storage.pruning import plan_pruning, prune_step, statements_from, vacuum_step
from node.storage.snapshots import UNKNOWN, SnapshotStore
from node.storage.store import Store
from node.upkeep import Upkeep
from simulator.chain import Scribe
from tests.node.stores import CONFIG, SEED_LINKS, small_network
from wire.codec import decode, encode
from wire.ids import Date
from wire.statechunks import Chunk, check_chunk, starts

EVERY = 20
BLOCKS = 130


class World:
    """A home, and a chain to fill its store with."""

    def __init__(self, path: Path) -> None:
        self.founded: Founded = small_network()
        self.scribe = Scribe(self.founded, SEED_LINKS)
        self.genesis = Tip.at_genesis(self.founded.genesis)
        self.home = Home(path)
        me = self.founded.members[0]
        keys = Keys(me.peer, me.consensus, me.trade, me.treasury, me.governance, me.seed_chain)
        self.home.write(CONFIG.format(lei=me.lei), self.founded.genesis, keys)
        self._nonce = 0

    def payment(self, valid_until: int = 900) -> Transaction:
        """The first one mints what the others pay to and fro."""
        self._nonce += 1
        one, other = self.founded.members[:2]
        if self._nonce % 2:
            one, other = other, one
        action: Action = Transfer(CURRENCY, one.lei, other.lei, 100, "x" * 100)
        key = one.key("treasury")
        if self._nonce == 1:
            action, key = (
                Mint(CURRENCY, one.lei, 100, "x" * 100),
                self.founded.issuer.key("treasury"),
            )
        tx = unsigned(
            self.founded.genesis.chain_id, action, nonce=self._nonce, valid_until=valid_until
        )
        return signed(tx, key)

    async def open(self) -> Store:
        store = await Store.open(self.home.store, genesis_hash(self.founded.genesis))
        await store.load_tip(self.genesis)
        return store

    async def write(self, store: Store, upkeep: Upkeep, count: int) -> None:
        """Blocks, each as a node stores it; upkeep runs beside."""
        for _ in range(count):
            entry = self.scribe.write([self.payment() for _ in range(20)])
            await store.commit_blocks([entry])
            upkeep.on_block(entry)
            await asyncio.sleep(0)

    def run(self, work: Callable[[Store, SnapshotStore], Coroutine[Any, Any, Any]]) -> Any:
        """Do `work` with the open store."""

        async def opened() -> Any:
            store = await self.open()
            try:
                return await work(store, SnapshotStore(store))
            finally:
                await store.close()

        return asyncio.run(opened())

    def audit(self) -> Audit:
        return audit(self.home, lambda _height, _last: None)


async def fill(world: World, store: Store, config: StoreSection, count: int = BLOCKS) -> None:
    """Write blocks with upkeep running, and let it finish."""
    upkeep = Upkeep(store, SnapshotStore(store), config)
    task = asyncio.ensure_future(upkeep.run())
    await world.write(store, upkeep, count)
    await upkeep.settled.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


def config(**changed: int) -> StoreSection:
    return StoreSection(**({"snapshot_every": EVERY, "snapshots_kept": 2} | changed))


def test_snapshots_are_taken_while_blocks_are_stored_and_only_the_newest_are_kept(
    world: World,
) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config())
        heights = await snapshots.heights()
        assert len(heights) == 2
        assert all(height % EVERY == 0 for height in heights)
        offers = await snapshots.serve(SnapshotsRequest(), BLOCKS)
        assert isinstance(offers, SnapshotsReply)
        assert [offer.height for offer in offers.offers] == heights
        for height in heights:
            reply = await snapshots.serve(SnapshotRequest(height), BLOCKS)
            assert isinstance(reply, SnapshotReply)
            assert reply.snapshot is not None
            assert reply.successor is not None
            check_snapshot(reply.snapshot, reply.successor.header)
            assert reply.trail == (1,)

    world.run(work)
    assert world.audit().findings == []


def test_the_chunks_served_are_the_pieces_of_the_outline(world: World) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(), EVERY + 1)
        outline, chunks = outline_of(world.scribe.tip.state, 2_000)
        tip = world.scribe.tip
        last = await store.block(tip.height)
        assert last is not None
        await snapshots.take(Snapshot(anchor_of(tip, last.block.header), outline), chunks, 2)
        assert len(outline) > 5
        for number, (piece, start) in enumerate(zip(outline, starts(outline), strict=True)):
            reply = await snapshots.serve(ChunkRequest(tip.height, number, 0), tip.height)
            assert reply.parts == 1  # type: ignore[union-attr]
            check_chunk(piece, start, decode(reply.data, Chunk, 1 << 20))  # type: ignore[union-attr]
        missing = await snapshots.serve(ChunkRequest(tip.height, len(outline), 0), tip.height)
        assert missing.parts == 0  # type: ignore[union-attr]
        state = await snapshots.assembled(tip.height)
        assert state is not None
        assert state.root == tip.state.root

    world.run(work)


def test_pruning_frees_the_disk_and_what_is_left_can_be_verified(world: World) -> None:
    sizes: list[int] = []

    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(retain_blocks=0))
        await store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(world.home.store.stat().st_size)
        await fill(world, store, config(retain_blocks=10), 2 * EVERY)
        while await prune_step(store, 0) or await vacuum_step(store):
            pass
        await store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(world.home.store.stat().st_size)
        oldest, heights = await store.oldest(), await snapshots.heights()
        assert oldest == heights[0] + 1
        assert await store.block(oldest - 1) is None
        assert await store.block(oldest) is not None

    world.run(work)
    assert sizes[1] < sizes[0] * 3 // 4, sizes
    found = world.audit()
    assert found.findings == []
    assert 0 < found.since < found.replayed == found.height


def test_the_blocks_before_the_oldest_snapshot_are_checked_for_what_they_show(
    world: World,
) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(snapshots_kept=1))
        kept = await snapshots.heights()
        while await prune_step(store, kept[0] - 15):
            pass

    world.run(work)
    found = world.audit()
    assert found.findings == []
    assert found.since > 80

    async def damage(store: Store, _: SnapshotStore) -> None:
        await store.db.execute(
            "UPDATE receipts SET receipt=x'90' WHERE height=? AND position=3", (found.since - 5,)
        )
        await store.db.commit()

    world.run(damage)
    assert found.since - 5 in [one.height for one in world.audit().findings]


def test_a_pruned_store_starts(world: World) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(retain_blocks=5))

    world.run(work)

    async def start(store: Store, _: SnapshotStore) -> Tip:
        return await checked_tip(world.home, store, world.genesis)

    assert world.run(start).block_id == world.scribe.tip.block_id


def test_a_store_filled_from_a_snapshot_starts_and_can_be_verified(
    world: World, tmp_path: Path
) -> None:
    async def source(store: Store, snapshots: SnapshotStore) -> tuple[SnapshotReply, list[bytes]]:
        await fill(world, store, config())
        height = (await snapshots.heights())[-1]
        reply = await snapshots.serve(SnapshotRequest(height), BLOCKS)
        assert isinstance(reply, SnapshotReply)
        assert reply.snapshot is not None
        chunks = []
        for number in range(len(reply.snapshot.outline)):
            part = await snapshots.serve(ChunkRequest(height, number, 0), BLOCKS)
            chunks.append(part.data)  # type: ignore[union-attr]
        return reply, chunks

    reply, chunks = world.run(source)
    snapshot = reply.snapshot
    other = World(tmp_path / "other")
    expired, used = other.payment(valid_until=5), other.payment()  # both nonces are in the chain
    waiting = [other.payment() for _ in range(20 * BLOCKS)][-1]

    async def begin(store: Store, snapshots: SnapshotStore) -> None:
        await store.keep([expired, used, waiting])
        await snapshots.begin(snapshot, ())
        await snapshots.keep(snapshot.height, 0, chunks[0])
        arriving = await snapshots.arriving()
        assert arriving is not None
        assert (arriving.snapshot, arriving.held) == (snapshot, (0,))

    other.run(begin)

    async def finish(store: Store, snapshots: SnapshotStore) -> None:
        arriving = await snapshots.arriving()
        assert arriving is not None
        for number, data in enumerate(chunks):
            await snapshots.keep(snapshot.height, number, data)
        state = await snapshots.assembled(snapshot.height)
        assert state is not None
        await snapshots.install(snapshot, tip_of(snapshot, state))
        assert await snapshots.arriving() is None
        assert await store.oldest() == snapshot.height + 1
        found = [await store.submission(tx_id(tx)) for tx in (expired, used, waiting)]
        assert [one and one.status for one in found] == [UNKNOWN, UNKNOWN, "pending"]

    other.run(finish)

    async def start(store: Store, _: SnapshotStore) -> Tip:
        return await checked_tip(other.home, store, other.genesis)

    tip = other.run(start)
    assert tip.height == snapshot.height
    assert tip.commit is not None
    found = other.audit()
    assert found.findings == []
    assert (found.since, found.height, found.replayed) == (tip.height,) * 3


def test_a_snapshot_that_was_being_taken_at_a_crash_is_forgotten(world: World) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(), EVERY + 1)
        before = await snapshots.heights()
        await store.db.execute("INSERT INTO snapshots VALUES (21, 'taking', x'90')")
        await store.db.execute("INSERT INTO chunks VALUES (21, 0, x'90')")
        await store.db.commit()
        assert await snapshots.heights() == before
        await snapshots.tidy()
        rows = await (await store.db.execute("SELECT count(*) FROM snapshots")).fetchone()
        assert rows is not None
        assert rows[0] == len(before)

    world.run(work)
    assert world.audit().findings == []


def _close_date(store: Store, height: int) -> Coroutine[Any, Any, Any]:
    event = encode(DateClosed(Date(20080912)))
    return store.db.execute("INSERT INTO events (height, event) VALUES (?, ?)", (height, event))


def test_the_snapshot_before_the_last_closed_date_is_kept_for_its_statements(world: World) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(), 3 * EVERY)
        for height in (2 * EVERY + 5, 2 * EVERY + 7):
            await _close_date(store, height)
        await store.db.commit()
        assert await statements_from(store) == 2 * EVERY + 6
        await fill(world, store, config(retain_blocks=5), 4 * EVERY)
        heights = await snapshots.heights()
        assert heights == [2 * EVERY, 6 * EVERY, 7 * EVERY]
        assert await store.oldest() == 2 * EVERY + 1

    world.run(work)


def test_blocks_from_genesis_stay_while_only_they_lead_to_the_last_closed_date(
    world: World,
) -> None:
    async def work(store: Store, snapshots: SnapshotStore) -> None:
        await fill(world, store, config(), EVERY + 5)
        for height in (3, 5):
            await _close_date(store, height)
        plan = await plan_pruning(store, await snapshots.heights(), EVERY + 5, 2)
        assert (plan.keep_from, plan.blocks, plan.because) == (1, 0, "statements")

    world.run(work)


def test_the_command_deletes_what_it_has_said(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(store: Store, _: SnapshotStore) -> None:
        await fill(world, store, config(), 3 * EVERY + 5)

    world.run(work)
    capsys.readouterr()

    def told(*words: object) -> Any:
        line = ["dcn", "prune", "--home", str(world.home.path), *map(str, words), "--json"]
        monkeypatch.setattr("sys.argv", line)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, json.loads(capsys.readouterr().out)

    code, said = told("--retain", 2, "--dry-run")
    assert (code, said["because"], said["begun"]) == (0, "sync", False)
    code, done = told("--retain", 2)
    assert {**done, "begun": False} == said
    assert done["keep_from"] == 2 * EVERY + 1
    found = world.audit()
    assert (found.findings, found.since) == ([], 2 * EVERY)
    code, again = told("--retain", 2)
    assert (code, again["blocks"], again["keep_from"]) == (0, 0, done["keep_from"])
    code, refused = told()
    assert (code, refused["code"]) == (2, "USAGE")
