"""Whom a node asks for blocks, when it asks somebody else, and when it waits."""

from node.core.sync import ANSWER_MS, GRACE_MS, Sync
from node.messages import BlocksRequest


def test_far_behind_it_asks_at_once() -> None:
    sync = Sync()
    sync.heard("a", 10)
    asked = sync.next_request(3, 0)
    assert asked is not None
    assert asked[0] == "a"
    assert asked[1] == BlocksRequest(4, 64)
    assert sync.is_asked("a")


def test_one_behind_it_waits_a_moment_for_the_votes() -> None:
    sync = Sync()
    sync.heard("a", 4)
    assert sync.next_request(3, 0) is None
    assert sync.next_request(3, GRACE_MS - 1) is None
    assert sync.next_request(3, GRACE_MS) is not None


def test_moving_on_starts_the_moment_anew() -> None:
    sync = Sync()
    sync.heard("a", 4)
    assert sync.next_request(3, 0) is None
    sync.heard("a", 5)
    assert sync.next_request(4, GRACE_MS) is None


def test_a_silent_peer_is_left_for_another() -> None:
    sync = Sync()
    sync.heard("a", 10)
    sync.heard("b", 9)
    first = sync.next_request(1, 0)
    assert first is not None
    assert first[0] == "a"
    assert sync.next_request(1, ANSWER_MS - 1) is None
    second = sync.next_request(1, ANSWER_MS)
    assert second is not None
    assert second[0] == "b"


def test_a_liar_is_asked_last() -> None:
    sync = Sync()
    sync.heard("liar", 1_000_000)
    sync.heard("b", 9)
    assert sync.next_request(1, 0) is not None
    sync.answered("liar", useful=False)
    sync.heard("liar", 1_000_000)
    asked = sync.next_request(1, 1)
    assert asked is not None
    assert asked[0] == "b"


def test_a_lost_peer_is_forgotten() -> None:
    sync = Sync()
    sync.heard("a", 10)
    sync.next_request(1, 0)
    sync.lost("a")
    assert (sync.target(), sync.is_asked("a"), sync.next_request(1, 1)) == (0, False, None)
