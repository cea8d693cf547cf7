"""A node with nothing but its keys takes its state from snapshots, whatever its peers send."""

import random
from collections.abc import Callable

import msgspec
import pytest

from ledger.actions import Mint
from ledger.genesis import genesis_hash
from ledger.transactions import signed, unsigned
from node.blocks import LightBlock, block_id
from node.core.chain import Tip
from node.core.statesync import CatchUp
from node.founding import CURRENCY, Founded, Plan, found
from node.light.root import GenesisRoot, NamedHeader
from node.light.verify import Options as LightOptions
from node.messages import ChunkReply, ServedReply, ServedRequest, SnapshotReply, SnapshotsReply
from simulator.checkers import check_all
from simulator.network import Options, SimulatedNetwork
from simulator.node import Death
from simulator.shelf import Shelf
from wire.ids import Date
from wire.limits import TIME_MS_MAX

EVERY = 10
CHUNK = 600
LINKS = 1 << 10

Lie = Callable[[ServedReply], ServedReply]


class LyingShelf(Shelf):
    """Serves what a function makes of the truth."""

    def __init__(self, lie: Lie) -> None:
        super().__init__(EVERY, chunk_bytes_max=CHUNK)
        self.lie = lie

    def serve(
        self, request: ServedRequest, tip_height: int, successor: LightBlock | None
    ) -> ServedReply:
        return self.lie(super().serve(request, tip_height, successor))


def founded() -> Founded:
    plan = Plan(
        chain_id="sync-test",
        seed=5,
        members=4,
        observers=1,
        time_ms=1_700_000_000_000,
        shares=("KO", "PG"),
        calendar=(Date(20080912),),
        maturity=Date(20081219),
        seed_chain_length=LINKS,
    )
    return found(plan)


class World:
    """Four members that take snapshots and have pruned; the observer joins late."""

    def __init__(self, seed: int = 1, *, pruned: bool = True, **options: int) -> None:
        self.founded = founded()
        self._nonce = 0
        self.network = SimulatedNetwork(self.founded, Options(seed=seed, **options), LINKS)
        self.members = [self.network.nodes[who.lei] for who in self.founded.members]
        self.late = self.network.nodes[self.founded.observers[0].lei]
        for node in self.network.nodes.values():
            node.disk.shelf = Shelf(EVERY, chunk_bytes_max=CHUNK)
        self.late.may_catch_up(self.catch_up(EVERY))
        self.network.start([node.name for node in self.members])
        self.grow(3 * EVERY + 4)
        known = [one.block.header for one in self.members[0].disk.blocks]
        self.ids = {header.height: block_id(header) for header in known}
        if pruned:
            for node in self.members:
                del node.disk.blocks[: EVERY + 5]

    def catch_up(self, behind_min: int) -> CatchUp:
        genesis = self.founded.genesis
        validators = Tip.at_genesis(genesis).validators.members
        root = GenesisRoot(genesis.chain_id, genesis_hash(genesis), genesis.time_ms, validators)
        return CatchUp(root, behind_min, LightOptions(trusting_period_ms=TIME_MS_MAX))

    def trusting(self, height: int, ident: bytes) -> CatchUp:
        """As `catch_up`, and the operator trusts a header."""
        return msgspec.structs.replace(self.catch_up(EVERY), checkpoint=NamedHeader(height, ident))

    def header_id(self, height: int) -> bytes:
        return self.ids[height]

    def grow(self, height: int) -> None:
        bank = self.founded.issuer.key("treasury")
        for who in self.founded.members * 3:
            self._nonce += 1
            mint = Mint(CURRENCY, who.lei, 1_000 + self._nonce, f"reserve {self._nonce}")
            tx = unsigned(self.founded.genesis.chain_id, mint, nonce=self._nonce, valid_until=400)
            self.network.submit(self.members[0].name, signed(tx, bank))
        assert self.network.run(lambda: min(self.network.heights()) >= height, 200_000)

    def start_late(self) -> None:
        self.network.start([self.late.name])

    def caught_up(self) -> bool:
        tips = [node.core.tip.height for node in self.network.nodes.values() if node.up]
        return min(tips) == max(tips)

    def run(self, ms_max: int = 200_000) -> None:
        assert self.network.run(self.caught_up, ms_max)
        height = self.late.core.tip.height
        assert self.network.run(lambda: self.late.core.tip.height >= height + 2, 60_000)
        found = check_all(self.network.record())
        assert [one for one in found if one.checker != "faults"] == []  # see `blamed`

    def blamed(self) -> set[str]:
        """Whom the late node has accused."""
        said = [text for text in self.network.faults if text.startswith(self.late.name)]
        return {text.split(" says of ")[1].split(":")[0] for text in said}


def test_a_node_with_an_empty_store_joins_a_pruned_network() -> None:
    world = World()
    world.start_late()
    world.run()
    assert world.late.disk.oldest > EVERY
    assert world.network.counts["snapshot_installed"] == 1
    assert world.blamed() == set()


def test_it_serves_its_snapshot_to_the_next_one() -> None:
    world = World()
    world.start_late()
    world.run()
    height = max(world.late.disk.shelf.whole)
    for node in world.members:
        assert node.disk.shelf.whole.keys() >= {height} or height % EVERY == 0
    assert 1 in world.late.disk.shelf.trail


def test_near_the_tip_blocks_are_applied_one_by_one() -> None:
    world = World(pruned=False)
    world.late.may_catch_up(world.catch_up(1_000))
    world.start_late()
    world.run()
    assert world.network.counts["snapshot_installed"] == 0
    assert world.late.disk.oldest == 1


def test_far_behind_a_snapshot_is_taken_though_every_block_could_be_had() -> None:
    world = World(pruned=False)
    world.start_late()
    world.run()
    assert world.network.counts["snapshot_installed"] == 1


def test_a_node_that_fell_hopelessly_behind_drops_its_old_blocks() -> None:
    world = World(pruned=False)
    world.late.may_catch_up(None)
    world.start_late()
    world.run()
    world.network.crash(world.late.name)
    left_at = world.late.disk.tip.height
    world.grow(left_at + 4 * EVERY)
    world.late.may_catch_up(world.catch_up(EVERY))
    world.start_late()
    world.run()
    assert world.late.disk.oldest > left_at


def _other_rows(reply: ServedReply) -> ServedReply:
    if isinstance(reply, ChunkReply):
        return msgspec.structs.replace(reply, data=reply.data[:-1] + bytes([reply.data[-1] ^ 1]))
    return reply


def _other_snapshot(reply: ServedReply) -> ServedReply:
    if isinstance(reply, SnapshotReply) and reply.snapshot is not None:
        anchor = msgspec.structs.replace(reply.snapshot.anchor, receipts_root=bytes(32))
        snapshot = msgspec.structs.replace(reply.snapshot, anchor=anchor)
        return msgspec.structs.replace(reply, snapshot=snapshot)
    return reply


def _no_successor(reply: ServedReply) -> ServedReply:
    if isinstance(reply, SnapshotReply) and reply.successor is not None:
        commit = msgspec.structs.replace(reply.successor.commit, signatures=())
        successor = msgspec.structs.replace(reply.successor, commit=commit)
        return msgspec.structs.replace(reply, successor=successor)
    return reply


def _chunks_of_others(reply: ServedReply) -> ServedReply:
    if isinstance(reply, ChunkReply):
        return msgspec.structs.replace(reply, data=b"\x91\x90")
    return reply


def _many_parts(reply: ServedReply) -> ServedReply:
    return msgspec.structs.replace(reply, parts=64) if isinstance(reply, ChunkReply) else reply


def _from_the_future(reply: ServedReply) -> ServedReply:
    if isinstance(reply, SnapshotsReply):
        offers = [msgspec.structs.replace(offer, height=10**9) for offer in reply.offers]
        return SnapshotsReply(tuple(offers))
    return reply


@pytest.mark.parametrize(
    ("lie", "is_fault"),
    [
        (_other_rows, True),
        (_other_snapshot, True),
        (_no_successor, True),
        (_chunks_of_others, True),
        (_many_parts, False),
        (_from_the_future, False),
    ],
)
@pytest.mark.parametrize("seed", [2, 3])
def test_lying_peers_are_found_and_the_others_are_enough(
    lie: Lie, is_fault: bool, seed: int
) -> None:
    world = World(seed)
    liars = world.members[:3]
    for node in liars:
        honest = node.disk.shelf
        node.disk.shelf = LyingShelf(lie)
        node.disk.shelf.whole, node.disk.shelf.trail = honest.whole, honest.trail
    world.start_late()
    world.run(400_000)
    assert world.blamed() <= {node.name for node in liars}
    assert world.blamed() or not is_fault


@pytest.mark.parametrize("effects", [3, 7, 10, 12, 15, 20, 26])
def test_a_restart_in_the_middle_goes_on_where_it_was(effects: int) -> None:
    world = World()
    world.start_late()
    world.late.death = Death(effects)
    world.network.run(lambda: not world.late.up, 60_000)
    world.network.crash(world.late.name)
    held = len(world.late.disk.shelf.chunks)
    world.start_late()
    world.run()
    if held:
        assert world.network.counts["snapshot_resumed"] == 1
    assert world.blamed() == set()


def test_peers_that_vanish_and_come_back_do_not_stop_it() -> None:
    world = World(loss_permille=100)
    world.start_late()
    draw = random.Random(3)
    for _ in range(6):
        world.network.run(lambda: False, 300)
        other = draw.choice(world.members).name
        world.network.cut(world.late.name, other)
        world.network.run(lambda: False, 500)
        world.network.join(world.late.name, other)
    world.run(400_000)


def test_damaged_chunks_on_the_own_disk_are_fetched_again() -> None:
    world = World()
    world.start_late()
    while len(world.late.disk.shelf.chunks) <= 2:
        world.network.run(lambda: False, 3)
    world.network.crash(world.late.name)
    first = min(world.late.disk.shelf.chunks)
    world.late.disk.shelf.chunks[first] = b"\x91\x90"
    world.start_late()
    world.run()
    assert world.network.counts["snapshot_given_up"] >= 1


@pytest.mark.parametrize("height", [2 * EVERY + 5, 3 * EVERY])
def test_a_snapshot_is_taken_that_the_trusted_header_leads_to(height: int) -> None:
    world = World()
    world.late.may_catch_up(world.trusting(height, world.header_id(height)))
    world.start_late()
    world.run()
    assert world.network.counts["snapshot_installed"] == 1
    assert world.blamed() == set()


@pytest.mark.parametrize("height", [1, 2 * EVERY + 5, 3 * EVERY, 3 * EVERY + 1])
def test_no_snapshot_is_taken_that_contradicts_the_trusted_header(height: int) -> None:
    world = World()
    world.late.may_catch_up(world.trusting(height, bytes(31) + b"\x01"))
    world.start_late()
    assert not world.network.run(lambda: world.late.core.tip.height > 0, 30_000)
    assert world.network.counts["snapshot_installed"] == 0
    assert world.blamed()


def test_nobody_is_blamed_for_having_pruned_the_block_of_the_trusted_header() -> None:
    world = World()
    world.late.may_catch_up(world.trusting(7, world.header_id(7)))
    world.start_late()
    assert not world.network.run(lambda: world.late.core.tip.height > 0, 30_000)
    assert world.blamed() == set()
