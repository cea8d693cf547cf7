"""Whom a node asks for blocks, when it asks somebody else, and what it does with answers."""

import pytest

from consensus.messages import Certificate, VoteKind
from node.blocks import Block, DecidedBlock, Header
from node.core.errors import BadBlocks
from node.core.pace import ANSWER_MS, COUNT_FIRST, REST_MS
from node.core.sync import BUFFERED_BYTES_MAX, GRACE_MS, IMPATIENT_MS, WINDOW, Sync
from node.messages import BLOCKS_PER_REQUEST_MAX, BlocksReply, BlocksRequest
from wire.limits import FRAME_BYTES_MAX

Asked = list[tuple[str, BlocksRequest]]


def block(height: int) -> DecidedBlock:
    """A block of which only the height is looked at here."""
    header = Header(1, "c", height, 0, *[b""] * 13, b"")  # type: ignore[arg-type]
    commit = Certificate(VoteKind.PRECOMMIT, height, 0, b"", ())
    return DecidedBlock(Block(header, None, (), (), (), None), commit)


def reply(request: BlocksRequest, count: int | None = None) -> BlocksReply:
    """An honest answer, of `count` blocks at most."""
    given = min(request.count, request.count if count is None else count)
    start = request.from_height
    return BlocksReply(start, 1, tuple(block(h) for h in range(start, start + given)))


def follow(sync: Sync, height: int) -> int:
    """Take the blocks that are next; the height reached."""
    while sync.next_block(height) is not None:
        height += 1
    return height


def test_far_behind_it_asks_at_once() -> None:
    sync = Sync()
    sync.heard("a", 10)
    assert sync.requests(3, 0) == [("a", BlocksRequest(4, 7))]
    assert sync.expects("a", BlocksReply(4, 1, ()))
    assert not sync.expects("a", BlocksReply(5, 1, ()))
    assert not sync.expects("b", BlocksReply(4, 1, ()))


def test_one_behind_it_waits_a_moment_for_the_votes() -> None:
    sync = Sync()
    sync.heard("a", 4)
    assert sync.requests(3, 0) == []
    assert sync.requests(3, GRACE_MS - 1) == []
    assert sync.requests(3, GRACE_MS) != []


def test_moving_on_starts_the_moment_anew() -> None:
    sync = Sync()
    sync.heard("a", 4)
    assert sync.requests(3, 0) == []
    sync.heard("a", 5)
    assert sync.requests(4, GRACE_MS) == []


def test_several_peers_are_asked_at_once_for_different_heights() -> None:
    sync = Sync()
    for name in "abc":
        sync.heard(name, 1_000)
    asked = sync.requests(0, 0)
    assert {name for name, _ in asked} == {"a", "b", "c"}
    heights = [
        height
        for _, request in asked
        for height in range(request.from_height, request.from_height + request.count)
    ]
    assert heights == list(range(1, 6 * COUNT_FIRST + 1))
    assert sync.requests(0, 1) == []


def test_blocks_are_given_out_in_order_whatever_order_they_come_in() -> None:
    sync = Sync()
    sync.heard("a", 100)
    sync.heard("b", 100)
    asked = sync.requests(0, 0)
    for name, request in reversed(asked[1:]):
        sync.answered(name, reply(request), 0, 10)
        assert sync.next_block(0) is None
    sync.answered(asked[0][0], reply(asked[0][1]), 0, 20)
    assert follow(sync, 0) == len(asked) * COUNT_FIRST
    assert sync.waiting == 0


def test_an_answer_cut_short_by_its_size_is_no_fault_and_the_rest_is_asked_again() -> None:
    sync = Sync()
    sync.heard("a", 10)
    _, request = sync.requests(0, 0)[0]
    sync.answered("a", reply(request, 3), 0, 10)
    assert follow(sync, 0) == 3
    assert sync.requests(3, 11) == [("a", BlocksRequest(4, 7))]


def test_a_silent_peer_is_left_for_another_and_its_late_answer_still_counts() -> None:
    sync = Sync()
    sync.heard("a", 10)
    asked = sync.requests(1, 0)
    sync.heard("b", 10)
    assert sync.requests(1, IMPATIENT_MS - 1) == []
    assert sync.requests(1, IMPATIENT_MS) == [("b", asked[0][1])]
    sync.requests(1, ANSWER_MS)  # now it is a failure
    assert sync.expects("a", reply(asked[0][1]))
    sync.answered("a", reply(asked[0][1]), 1, ANSWER_MS + 1)
    assert follow(sync, 1) == 10
    sync.answered("b", reply(asked[0][1]), 10, ANSWER_MS + 2)
    assert sync.waiting == 0


def test_a_peer_that_vanishes_frees_what_it_was_asked_for() -> None:
    sync = Sync()
    sync.heard("a", 10)
    asked = sync.requests(1, 0)
    sync.lost("a")
    assert (sync.target(), sync.expects("a", reply(asked[0][1]))) == (0, False)
    sync.heard("b", 10)
    assert sync.requests(1, 1) == [("b", asked[0][1])]


def test_a_claimed_height_that_a_peer_does_not_have_costs_it_its_turn() -> None:
    sync = Sync()
    sync.heard("liar", 1_000_000)
    _, request = sync.requests(3, 0)[0]
    sync.heard("b", 9)
    sync.answered("liar", BlocksReply(request.from_height, 1, ()), 3, 1)
    sync.heard("liar", 1_000_000)
    assert sync.target() == 9
    asked = sync.requests(3, 2)
    assert [name for name, _ in asked] == ["b"]


def test_a_peer_that_has_pruned_is_no_liar_and_is_asked_for_what_it_keeps() -> None:
    sync = Sync()
    sync.heard("pruned", 500)
    for _, request in sync.requests(3, 0):
        sync.answered("pruned", BlocksReply(request.from_height, 400, ()), 3, 1)
    assert (sync.sources(3), sync.oldest_kept(), sync.target()) == ([], 400, 500)
    assert sync.requests(3, 2) == []
    sync.heard("archive", 500)
    asked = sync.requests(3, 3)
    assert {name for name, request in asked if request.from_height < 400} == {"archive"}
    assert min(request.from_height for name, request in asked if name == "pruned") == 400


@pytest.mark.parametrize("change", [lambda h: h + 1, lambda h: 7, lambda h: 13 - h])
def test_blocks_of_other_heights_are_a_fault(change: object) -> None:
    sync = Sync()
    sync.heard("a", 8)
    _, request = sync.requests(3, 0)[0]
    wrong = tuple(block(change(h)) for h in range(4, 9))  # type: ignore[operator]
    with pytest.raises(BadBlocks):
        sync.answered("a", BlocksReply(request.from_height, 1, wrong), 3, 1)
    assert sync.next_block(3) is None
    assert sync.requests(3, REST_MS) == []
    assert sync.requests(3, 1 + REST_MS) != []


def test_more_blocks_than_asked_for_are_a_fault() -> None:
    sync = Sync()
    sync.heard("a", 5)
    _, request = sync.requests(3, 0)[0]
    more = tuple(block(h) for h in range(4, 9))
    with pytest.raises(BadBlocks):
        sync.answered("a", BlocksReply(request.from_height, 1, more), 3, 1)


def test_a_refused_block_puts_aside_all_its_sender_sent() -> None:
    sync = Sync()
    sync.heard("bad", 20)
    sync.heard("good", 20)
    first, second = sync.requests(0, 0)[:2]
    for name, request in (first, second):
        sync.answered(name, reply(request), 0, 1)
    found = sync.next_block(0)
    assert found is not None
    sync.refused(found[0], 2)
    other = {"bad": "good", "good": "bad"}[found[0]]
    assert [name for name, _ in sync.requests(0, 3)] == [other] * len(sync.requests(0, 3) or [1])


def test_what_is_decided_here_meanwhile_is_forgotten() -> None:
    sync = Sync()
    sync.heard("a", 20)
    _, request = sync.requests(0, 0)[0]
    sync.answered("a", reply(request), 0, 1)
    sync.requests(18, 2)
    assert sync.waiting == 0


def test_a_slow_peer_gets_less_and_a_quick_one_more() -> None:
    sync = Sync()
    sync.heard("quick", 10_000)
    sync.heard("slow", 10_000)
    got = {"quick": 0, "slow": 0}
    due: list[tuple[int, str, BlocksRequest]] = []
    now = height = 0
    while height < 5_000:
        for name, request in sync.requests(height, now):
            each = 1 if name == "quick" else 100
            due.append((now + each * request.count, name, request))
        due.sort(key=lambda entry: entry[0])
        now, name, request = due.pop(0)
        sync.answered(name, reply(request), height, now)
        got[name] += request.count
        height = follow(sync, height)
    assert got["quick"] > 20 * got["slow"]
    paces = {name: pace for name, _, _, _, pace in sync.peers()}
    assert paces["quick"].count == BLOCKS_PER_REQUEST_MAX
    assert paces["slow"].count <= COUNT_FIRST


def test_what_waits_and_what_is_under_way_is_bounded() -> None:
    sync = Sync()
    for number in range(50):
        sync.heard(f"p{number}", 10**6)
    asked: Asked = []
    for now in range(100):
        fresh = sync.requests(0, now)
        asked += fresh
        for name, request in fresh:
            if request.from_height > 1:
                sync.answered(name, reply(request), 0, now)
    assert sync.waiting < WINDOW
    under_way = sum(len(pace.requests) for _, _, _, _, pace in sync.peers())
    assert under_way * FRAME_BYTES_MAX <= BUFFERED_BYTES_MAX
