"""What a replay shows is what an observer saw that was there, however one winds it."""

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.home import Home
from node.playback import checkpoints
from node.playback.errors import OutsideReplay
from node.playback.span import Wanted
from tests.playback.conftest import Incident, Replayed


def test_a_replay_from_trigger_to_close_is_row_for_row_what_was_seen_live(
    incident: Incident, home: Home, tmp_path: Path
) -> None:
    replay = Replayed(home, Wanted(case=1), tmp_path)
    player, marks = replay.player, replay.reel.marks
    assert replay.contents() == incident.live[replay.reel.first]
    steps = [mark.what for mark in marks if mark.kind == "default"]
    assert "is in default" in " ".join(steps)
    player.play()
    for height in range(replay.reel.first + 1, replay.reel.last + 1):
        wait_s = replay.settle()
        assert wait_s is not None
        replay.clock.now_s += wait_s
        replay.settle()
        assert player.height == height
        assert replay.contents() == incident.live[height], height
    assert (player.position().playing, replay.settle()) == (False, None)
    replay.store.close()


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_any_way_of_winding_leads_to_the_same_rows(
    incident: Incident, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    apart = data.draw(st.sampled_from([1, 3, 32]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "APART_BLOCKS", apart)
        patch.setattr(checkpoints, "KEPT_MAX", 4)
        replay = Replayed(Home(incident.path), Wanted(), tmp_path_factory.mktemp("wound"), 0)
        first, last = replay.reel.first, replay.reel.last
        for _ in range(data.draw(st.integers(1, 6))):
            match data.draw(st.sampled_from(["jump", "step", "play"])):
                case "jump":
                    replay.player.jump(data.draw(st.integers(first, last)))
                case "step":
                    replay.player.step()
                case "play":
                    replay.player.play()
            for _ in range(data.draw(st.integers(0, 3))):  # it may be told more on the way
                replay.player.turn()
            assert replay.contents() == incident.live[replay.player.now.height]
        replay.settle()
        assert replay.contents() == incident.live[replay.player.now.height]
        assert replay.player.now.state.root == (
            incident.world.first if replay.player.now.height == 0
            else incident.world.seen[replay.player.now.height - 1].applied.state
        ).root  # fmt: skip
        replay.store.close()


def test_the_next_mark_of_each_kind_is_found(whole: Replayed) -> None:
    for kind in ("date", "round", "default"):
        heights = sorted({mark.height for mark in whole.reel.marks if mark.kind == kind})
        assert heights
        whole.player.jump(0)
        for height in heights:
            whole.player.jump_to_next(kind)  # type: ignore[arg-type]
            whole.settle()
            assert whole.player.height == height
        with pytest.raises(OutsideReplay, match=kind):
            whole.player.jump_to_next(kind)  # type: ignore[arg-type]
    late = [mark for mark in whole.reel.marks if mark.kind == "late"]
    assert late
    assert all("did not pay in full" in mark.what for mark in late)


def test_followers_are_not_told_of_blocks_on_the_way_of_a_jump(whole: Replayed) -> None:
    last = whole.reel.last
    whole.player.jump(last)
    whole.player.turn()
    assert 0 < whole.player.position().height < last
    assert whole.player.height == 0
    whole.settle()
    assert whole.player.height == last


def test_a_jump_that_is_stopped_on_its_way_is_told_of_where_it_stands(whole: Replayed) -> None:
    whole.player.jump(whole.reel.last)
    whole.player.turn()
    whole.player.pause()
    whole.settle()
    assert whole.player.height == whole.player.position().height > 0


def test_a_jump_to_where_it_is_and_a_step_at_the_end_have_arrived(whole: Replayed) -> None:
    whole.player.jump(0)
    whole.settle()
    assert whole.player.position().jumping_to is None
    whole.player.jump(whole.reel.last)
    whole.settle()
    whole.player.step()
    whole.settle()
    assert whole.player.position().jumping_to is None


@pytest.mark.parametrize("speed", [5e-324, 1e-300, 1e-12])
def test_the_slowest_replay_waits_and_still_hears_what_it_is_told(
    whole: Replayed, speed: float
) -> None:
    whole.player.play()
    whole.player.set_speed(speed)
    wait_s = whole.settle()
    assert wait_s is not None
    assert 0 < wait_s <= threading.TIMEOUT_MAX
    assert whole.player.position().due_ms == wait_s * 1_000
    whole.player.set_speed(0)
    assert whole.settle() is None
    assert whole.player.height == whole.reel.last


def test_outside_of_its_blocks_a_replay_does_not_go(home: Home, tmp_path: Path) -> None:
    replay = Replayed(home, Wanted(begin="3", end="9"), tmp_path)
    for height in (2, 10):
        with pytest.raises(OutsideReplay, match="3 to 9"):
            replay.player.jump(height)
    replay.player.jump(9)
    replay.settle()
    assert replay.player.height == 9
    replay.store.close()


def test_a_block_damaged_on_the_way_ends_the_replay_and_is_named(whole: Replayed) -> None:
    path = whole.reel.path
    at, length = whole.reel.places[5]
    damaged = bytearray(path.read_bytes())
    damaged[at + length // 2] ^= 1
    path.write_bytes(damaged)
    whole.player.jump(9)
    whole.player._run()  # ends by itself
    position = whole.player.position()
    assert position.trouble.startswith("STORE_DAMAGED: block 6")
    assert not position.playing
    assert whole.player.height == 0
