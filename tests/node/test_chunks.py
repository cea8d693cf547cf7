"""Chunks of a snapshot: whom a node asks, and rows so large that they come in parts."""

import msgspec
import pytest

from node.core import effects as e
from node.core.chunks import Chunks
from node.core.outbox import Outbox
from node.core.pace import ANSWER_MS
from node.messages import CHUNK_PART_BYTES, ChunkReply, ChunkRequest
from node.snapshots import Anchor, BadSnapshot, Snapshot
from wire.codec import encode
from wire.statechunks import Chunk, cut, path_of
from wire.statetree import StateTree

HEIGHT = 7
LARGE = 2 * CHUNK_PART_BYTES + 1_000


class World:
    """A snapshot of small rows and two large ones, and what a `Chunks` asks for."""

    def __init__(self, held: tuple[int, ...] = ()) -> None:
        rows = {bytes([number]): bytes([number]) * 100 for number in range(40)}
        rows |= {b"large": bytes(LARGE), b"larger": bytes(LARGE + 5)}
        keys = sorted(rows, key=path_of)
        cuts = cut([(path_of(key), len(rows[key])) for key in keys], StateTree.of(rows), 1_000)
        self.data = [
            encode(Chunk(tuple((key, rows[key]) for key in keys[one.first : one.end])))
            for one in cuts
        ]
        self.rows = len(rows)
        header = msgspec.defstruct("Header", [("height", int)])(HEIGHT)
        anchor = Anchor(header, None, b"", b"", (), (), (), None)  # type: ignore[arg-type]
        self.outbox = Outbox()
        self.snapshot = Snapshot(anchor, tuple(one.piece for one in cuts))
        self.chunks = Chunks(self.snapshot, held, self.outbox)
        self.kept: dict[int, bytes] = {}
        self.assembling = 0

    def asked(self) -> list[tuple[str, ChunkRequest]]:
        """New requests; what else is wanted is done."""
        found = []
        for effect in self.outbox.take():
            match effect:
                case e.Send(peer=peer, message=ChunkRequest() as request):
                    found.append((peer, request))
                case e.KeepChunk(number=number, data=data):
                    self.kept[number] = data
                case e.AssembleState(height=height):
                    assert height == HEIGHT
                    self.assembling += 1
        return found

    def fetch_all(self, holders: list[str]) -> set[str]:
        """Answer every request honestly until there is none; who was asked."""
        served = set()
        self.chunks.ask(holders)
        waiting = self.asked()
        while waiting:
            peer, request = waiting.pop(0)
            served.add(peer)
            assert self.chunks.expects(peer, self.reply(request))
            assert self.chunks.arrived(peer, self.reply(request))
            self.chunks.ask(holders)
            waiting += self.asked()
        return served

    def reply(self, request: ChunkRequest) -> ChunkReply:
        """The honest answer."""
        data, size = self.data[request.number], CHUNK_PART_BYTES
        part = data[request.part * size : (request.part + 1) * size]
        return ChunkReply(HEIGHT, request.number, request.part, -(-len(data) // size), part)


def test_everything_is_fetched_from_several_peers_and_large_rows_part_by_part() -> None:
    world = World()
    assert world.fetch_all(["a", "b"]) == {"a", "b"}
    assert world.kept == dict(enumerate(world.data))
    assert (world.chunks.held, world.assembling) == (world.chunks.total, 1)


def test_what_is_kept_from_before_is_not_asked_for() -> None:
    world = World(held=(0, 1, 2))
    world.chunks.ask([f"p{number}" for number in range(50)])
    assert min(request.number for _, request in world.asked()) == 3
    assert world.chunks.held == 3


def test_with_everything_kept_it_is_only_assembled() -> None:
    world = World(held=tuple(range(len(World().data))))
    world.chunks.ask([])
    assert (world.asked(), world.assembling) == ([], 1)


def test_only_one_large_chunk_is_in_memory_whoever_sends_them() -> None:
    world = World()
    names = [f"p{number}" for number in range(60)]
    world.chunks.ask(names)
    asked = world.asked()
    large = [pair for pair in asked if len(world.data[pair[1].number]) > CHUNK_PART_BYTES]
    assert len(large) == 2
    for peer, request in large:
        world.chunks.arrived(peer, world.reply(request))
    following = [pair for pair in world.asked() if pair[1].part == 1]
    assert [peer for peer, _ in following] == [large[0][0]]


@pytest.mark.parametrize("change", [{"part": 2}, {"parts": 4}, {"data": b""}])
def test_parts_out_of_order_or_without_content_are_a_fault(change: dict[str, object]) -> None:
    world = World()
    names = [f"p{number}" for number in range(60)]
    world.chunks.ask(names)
    large = [p for p in world.asked() if len(world.data[p[1].number]) > CHUNK_PART_BYTES]
    peer, request = large[0]
    world.chunks.arrived(peer, world.reply(request))
    [(again, following)] = [pair for pair in world.asked() if pair[1].part == 1]
    assert again == peer
    wrong = msgspec.structs.replace(world.reply(following), **change)
    with pytest.raises(BadSnapshot):
        world.chunks.arrived(peer, wrong)
    for name in names:
        world.chunks.lost(name)
    world.fetch_all(["other"])
    assert world.kept == dict(enumerate(world.data))


def test_a_late_peer_is_left_for_another_and_its_answer_still_counts() -> None:
    world = World()
    world.chunks.ask(["a"])
    first = world.asked()[0][1]
    world.outbox.now_ms += ANSWER_MS
    world.chunks.ask(["a", "b"])
    again = world.asked()
    assert ("b", first) in again
    assert "a" not in {peer for peer, _ in again}
    assert world.chunks.arrived("a", world.reply(first))
    world.asked()
    assert first.number in world.kept
    assert world.chunks.arrived("b", world.reply(first))


def test_a_peer_without_the_chunk_is_told_apart_from_one_that_lies() -> None:
    world = World()
    world.chunks.ask(["a", "b"])
    (peer, request), *_ = world.asked()
    nothing = ChunkReply(HEIGHT, request.number, 0, 0, b"")
    assert not world.chunks.arrived(peer, nothing)
    assert not world.chunks.expects(peer, nothing)


def test_answers_that_nobody_asked_for_are_ignored() -> None:
    world = World()
    world.chunks.ask(["a"])
    asked = world.asked()
    stranger = ChunkReply(HEIGHT, asked[0][1].number, 0, 1, b"\x90")
    assert not world.chunks.expects("b", stranger)
    assert world.chunks.arrived("b", stranger)
    other = ChunkReply(HEIGHT + 1, asked[0][1].number, 0, 1, b"\x90")
    assert not world.chunks.expects("a", other)
    assert world.kept == {}
