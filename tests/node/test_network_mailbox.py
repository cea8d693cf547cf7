"""The hand-off between the two threads: bounded, ordered, fair, and never silent about a loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.network.errors import BadFrame
from node.network.events import Direct, PeerDown, PeerUp
from node.network.faults import BAR_S_FIRST, BAR_S_MAX, FORGIVEN_S, FORGOTTEN_S, FaultBook
from node.network.framing import LengthFrames, VarintFrames, encode_frames
from node.network.mailbox import Inbox, Outbox
from node.network.tally import NAMES, Tally
from wire.errors import Oversize

messages = st.lists(st.binary(max_size=40), max_size=30)


def opened(messages_max: int = 4, bytes_max: int = 100) -> tuple[Outbox, list[str]]:
    """A connected outbox and the calls that woke its link."""
    outbox, woken = Outbox(messages_max, bytes_max), list[str]()
    outbox.open(lambda: woken.append("woken"))
    return outbox, woken


def test_an_outbox_without_a_link_takes_nothing() -> None:
    outbox = Outbox(4, 100)
    assert not outbox.connected
    assert not outbox.put(b"x")


def test_an_outbox_is_bounded_in_messages_and_in_bytes() -> None:
    outbox, _ = opened()
    assert [outbox.put(b"x") for _ in range(5)] == [True] * 4 + [False]
    outbox, _ = opened()
    assert outbox.put(bytes(60))
    assert not outbox.put(bytes(41))
    assert outbox.put(bytes(40))


def test_an_empty_outbox_takes_one_message_of_any_size() -> None:
    outbox, _ = opened(bytes_max=10)
    assert outbox.put(bytes(50))
    assert not outbox.put(b"x")


def test_what_is_in_flight_counts_until_it_is_written() -> None:
    outbox, _ = opened(messages_max=2)
    assert outbox.put(b"a")
    assert outbox.put(b"b")
    batch = outbox.take(1_000)
    assert batch == [b"a", b"b"]
    assert not outbox.put(b"c")
    outbox.written(batch)
    assert outbox.put(b"c")


def test_a_batch_stops_at_its_size_and_has_at_least_one_message() -> None:
    outbox, woken = opened(messages_max=9, bytes_max=1_000)
    for size in (30, 30, 30, 200):
        assert outbox.put(bytes(size))
    assert [len(m) for m in outbox.take(70)] == [30, 30]
    assert [len(m) for m in outbox.take(70)] == [30]
    assert [len(m) for m in outbox.take(70)] == [200]
    assert outbox.take(70) == []
    assert woken == ["woken"], "only the first message found the link idle"


def test_a_link_that_ends_says_how_many_messages_are_lost() -> None:
    outbox, _ = opened()
    outbox.put(b"a")
    outbox.put(b"b")
    outbox.take(1)
    assert outbox.close() == 2
    assert not outbox.connected
    assert outbox.close() == 0
    outbox.open(lambda: None)
    assert outbox.take(100) == [], "a new link does not send what an old one lost"
    assert [outbox.put(b"x") for _ in range(5)] == [True] * 4 + [False]


def test_lanes_take_turns() -> None:
    inbox = Inbox(lambda: None)
    for number in range(3):
        assert inbox.offer("loud", Direct("loud", bytes([number])), 1, 10, 10)
    assert inbox.offer("quiet", Direct("quiet", b"vote"), 4, 10, 10)
    order = [inbox.take() for _ in range(4)]
    assert [event.peer for event in order if isinstance(event, Direct)] == [
        "loud",
        "quiet",
        "loud",
        "loud",
    ]
    assert inbox.take() is None


def test_a_full_lane_refuses_and_wakes_its_source_when_it_is_empty() -> None:
    woken: list[str] = []
    inbox = Inbox(lambda: woken.append("daemon"))
    assert inbox.offer("a", Direct("a", b"1"), 1, 1, 100)
    assert not inbox.offer("a", Direct("a", b"2"), 1, 1, 100)
    assert inbox.offer("b", Direct("b", b"1"), 1, 1, 100), "another lane has its own bound"
    assert inbox.when_room("a", lambda: woken.append("source"))
    inbox.take()
    assert woken == ["daemon", "source"]
    assert not inbox.when_room("a", lambda: None), "there is room at once"
    assert inbox.offer("a", Direct("a", b"2"), 1, 1, 100)


def test_a_lane_is_bounded_in_bytes_but_takes_one_message_of_any_size() -> None:
    inbox = Inbox(lambda: None)
    assert inbox.offer("a", Direct("a", bytes(99)), 99, 10, 50)
    assert not inbox.offer("a", Direct("a", b"x"), 1, 10, 50)


def test_events_without_a_size_are_never_refused_and_keep_their_place() -> None:
    inbox = Inbox(lambda: None)
    inbox.note("a", PeerUp("a"))
    assert inbox.offer("a", Direct("a", b"1"), 1, 1, 1)
    inbox.note("a", PeerDown("a", "gone"))
    assert not inbox.offer("a", Direct("a", b"2"), 1, 1, 1)
    assert [inbox.take() for _ in range(3)] == [
        PeerUp("a"),
        Direct("a", b"1"),
        PeerDown("a", "gone"),
    ]


@given(messages, st.integers(1, 17))
def test_frames_come_back_however_the_stream_is_cut(bodies: list[bytes], step: int) -> None:
    stream = encode_frames(bodies)
    frames = LengthFrames(40)
    got = [f for i in range(0, len(stream), step) for f in frames.feed(stream[i : i + step])]
    assert got == bodies
    assert not frames.partial


@given(messages, st.integers(1, 17))
def test_gossip_frames_come_back_however_the_stream_is_cut(bodies: list[bytes], step: int) -> None:
    stream = b"".join(bytes([len(body)]) + body for body in bodies)
    frames = VarintFrames(40)
    got = [f for i in range(0, len(stream), step) for f in frames.feed(stream[i : i + step])]
    assert got == bodies


@given(st.binary(max_size=200))
def test_random_bytes_end_in_a_frame_a_wait_or_a_fault(noise: bytes) -> None:
    for frames in (LengthFrames(64), VarintFrames(64)):
        try:
            assert all(len(frame) <= 64 for frame in frames.feed(noise))
        except (Oversize, BadFrame):
            continue


def test_a_length_above_the_limit_is_refused_before_its_body_comes() -> None:
    with pytest.raises(Oversize, match="4097"):
        LengthFrames(4_096).feed((4_097).to_bytes(4, "big"))
    with pytest.raises(Oversize, match="129"):
        VarintFrames(128).feed(b"\x81\x01")
    with pytest.raises(BadFrame):
        VarintFrames(128).feed(b"\xff" * 5)
    assert VarintFrames(300).feed(b"\xac\x02" + bytes(300)) == [bytes(300)]


def test_a_stream_that_ends_in_a_frame_is_known_to_be_cut() -> None:
    frames = LengthFrames(100)
    assert frames.feed(encode_frames([b"whole"]) + b"\0\0") == [b"whole"]
    assert frames.partial


def test_two_faults_are_tolerated_and_the_third_bars() -> None:
    book = FaultBook()
    assert [book.record("a", t) for t in (0.0, 1.0, 2.0)] == [0, 0, BAR_S_FIRST]
    assert book.barred_for("a", 3.0) == BAR_S_FIRST - 1
    assert book.barred_for("a", 2.0 + BAR_S_FIRST) == 0
    assert book.barred_for("b", 3.0) == 0


def test_rare_faults_are_forgiven() -> None:
    book = FaultBook()
    assert not any(book.record("a", t * FORGIVEN_S) for t in range(20))


def test_bars_double_up_to_a_limit_and_are_forgotten_in_the_end() -> None:
    book, now = FaultBook(), 0.0
    bars = []
    for _ in range(12):
        book.record("a", now)
        book.record("a", now)
        bars.append(book.record("a", now))
        now += bars[-1]
    assert bars[:4] == [BAR_S_FIRST * 2**n for n in range(4)]
    assert bars[-1] == BAR_S_MAX
    now += FORGOTTEN_S + 1
    book.record("a", now)
    book.record("a", now)
    assert book.record("a", now) == BAR_S_FIRST
    book.forget("a")
    assert book.barred_for("a", now) == 0


def test_counts_have_names_and_no_others() -> None:
    tally = Tally()
    tally.add("faults", 2)
    assert tally.snapshot() == dict.fromkeys(NAMES, 0) | {"faults": 2}
    with pytest.raises(KeyError):
        tally.add("falts")
