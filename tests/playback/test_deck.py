"""When which block is shown, by a clock that only the test winds."""

from hypothesis import given
from hypothesis import strategies as st

from node.playback.deck import Deck

TIMES = (10_000, 11_000, 11_500, 71_500, 71_500, 72_000)
FIRST = 40


def deck(speed: float = 1.0) -> Deck:
    return Deck(FIRST, TIMES, speed)


def show(one: Deck, now_s: float) -> int:
    """Show what is wanted now."""
    one.shown(now_s, one.wanted(now_s))
    return one.height


def test_blocks_come_at_the_pace_of_their_headers() -> None:
    one = deck()
    one.play(0)
    assert one.wait_s(0) == 1.0
    assert [show(one, at) for at in (0.9, 1.0, 1.4, 1.5, 61.4)] == [40, 41, 41, 42, 42]
    assert show(one, 61.5) == 44  # two blocks of one time
    assert one.wait_s(61.5) == 0.5
    assert show(one, 62.0) == 45
    assert (one.playing, one.wait_s(62.0)) == (False, None)


def test_twice_as_fast_takes_half_as_long_from_where_one_is() -> None:
    one = deck()
    one.play(0)
    show(one, 1.5)
    one.set_speed(31.5, 60)  # half of the minute is over
    assert one.wait_s(31.5) == 0.5
    assert show(one, 32.0) == 44


def test_a_pause_takes_no_time_of_the_network() -> None:
    one = deck()
    one.play(0)
    show(one, 1.2)
    one.pause(1.2)
    assert (one.wanted(900), one.wait_s(900)) == (41, None)
    one.play(900)
    assert round(one.wait_s(900) or 0, 6) == 0.3


def test_a_step_shows_one_block_and_stands_still() -> None:
    one = deck()
    one.play(0)
    one.step(0.1)
    assert show(one, 0.1) == 41
    assert (one.playing, one.wait_s(50)) == (False, None)
    one.play(100)
    assert one.wait_s(100) == 0.5


def test_speed_nought_knows_no_time() -> None:
    one = deck(0)
    assert one.wanted(5) == FIRST  # not before it plays
    one.play(5)
    assert (one.wanted(5), one.wait_s(5)) == (45, 0.0)
    one.shown(5, 42)
    one.set_speed(5, 1)
    assert one.wait_s(5) == 60


def test_a_jump_sets_the_network_s_time_and_play_goes_on_from_there() -> None:
    one = deck()
    one.play(0)
    one.jump(42)
    assert show(one, 7.0) == 42
    assert (one.target, one.playing, one.wait_s(7.0)) == (None, True, 60.0)
    one.jump(40)
    assert one.wanted(8.0) == 40
    one.shown(8.0, 40)
    assert one.wait_s(8.0) == 1.0


def test_at_the_end_there_is_nothing_to_play_until_one_goes_back() -> None:
    one = deck(0)
    one.play(0)
    show(one, 0)
    one.play(1)
    assert (one.playing, one.wanted(2), one.wait_s(2)) == (False, 45, None)
    one.step(3)
    assert show(one, 3) == 45
    one.jump(41)
    one.play(4)
    assert show(one, 4) == 41
    assert one.wanted(4) == 45


ACTS = st.one_of(
    st.sampled_from(["play", "pause", "step"]),
    st.tuples(st.just("jump"), st.integers(FIRST, FIRST + len(TIMES) - 1)),
    st.tuples(st.just("speed"), st.sampled_from([0, 0.5, 1, 60])),
)


@given(st.lists(st.tuples(ACTS, st.floats(0, 40)), max_size=30))
def test_whatever_it_is_told_it_shows_blocks_that_there_are_and_only_jumps_go_back(
    told: list[tuple[object, float]],
) -> None:
    one, now_s = deck(), 0.0
    for act, seconds in told:
        match act:
            case "play":
                one.play(now_s)
            case "pause":
                one.pause(now_s)
            case "step":
                one.step(now_s)
            case ("jump", int(height)):
                one.jump(height)
            case ("speed", int() | float() as speed):
                one.set_speed(now_s, speed)
        now_s += seconds
        target, before = one.target, one.height
        wanted = one.wanted(now_s)
        assert FIRST <= wanted <= one.last
        assert target is not None or wanted >= before
        wait_s = one.wait_s(now_s)
        assert wait_s is None or wait_s >= 0
        one.shown(now_s, wanted)
        assert one.target is None
        if one.playing and one.speed:  # never ahead of the network's time
            due_s = one.wait_s(now_s)
            assert due_s is not None
            one.shown(now_s + due_s, one.wanted(now_s + due_s + 1e-6))
            now_s += due_s
