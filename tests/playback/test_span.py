"""Which blocks are replayed, and what is said where there are none."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.events import DateClosed
from node.history import NotInHistory
from node.home import Home
from node.playback.errors import BadMoment, NothingToReplay
from node.playback.span import LEAD_BLOCKS, Wanted
from node.storage.errors import StoreDamaged, StoreMissing
from tests.node.stores import SNAPSHOT_AT, fill
from tests.playback.conftest import Incident, Replayed


def span(home: Home, folder: Path, wanted: Wanted) -> tuple[int, int]:
    shutil.rmtree(folder / "reel", ignore_errors=True)
    (folder / "reel").mkdir()
    replay = Replayed(home, wanted, folder / "reel")
    replay.store.close()
    return replay.reel.first, replay.reel.last


def test_a_case_begins_some_blocks_before_its_notice_and_goes_to_its_close(
    incident: Incident, home: Home, tmp_path: Path
) -> None:
    case = incident.live[len(incident.world.seen)]["case_steps"]
    opened = min(row[1] for row in case)
    first, last = span(home, tmp_path, Wanted(case=1))
    assert first == max(0, opened - LEAD_BLOCKS)
    assert opened < last <= len(incident.world.seen)
    with pytest.raises(NothingToReplay, match="no case 2"):
        span(home, tmp_path, Wanted(case=2))


def test_a_date_is_from_the_close_of_the_one_before_until_the_next_is_closed(
    incident: Incident, home: Home, tmp_path: Path
) -> None:
    closed = [
        (event.date, one.height)
        for one in incident.world.seen
        for event in one.applied.events
        if isinstance(event, DateClosed)
    ]
    (one, at), (two, then), (three, later) = closed
    assert span(home, tmp_path, Wanted(date=one)) == (0, then - 1)
    assert span(home, tmp_path, Wanted(date=two)) == (at, later - 1)
    assert span(home, tmp_path, Wanted(date=three)) == (then, len(incident.world.seen))
    with pytest.raises(NothingToReplay, match=f"19990101; closed .*{one}, {two}, {three}"):
        span(home, tmp_path, Wanted(date=19990101))


def test_heights_and_times_may_be_mixed(incident: Incident, home: Home, tmp_path: Path) -> None:
    last = len(incident.world.seen)
    # Block h is of 1,700,000,000 s + h: 2023-11-14T22:13:20 and so many seconds.
    assert span(home, tmp_path, Wanted(begin="5", end="2023-11-14T22:13:29.5")) == (5, 9)
    assert span(home, tmp_path, Wanted(begin="2023-11-14T23:13:25+01:00", end="5")) == (5, 5)
    assert span(home, tmp_path, Wanted(begin="2000-01-01")) == (0, last)
    assert span(home, tmp_path, Wanted(end="2100-01-01")) == (0, last)
    for text in ("x", "-1", "1e3", "9" * 16, "²", "2023-13-01"):
        with pytest.raises(BadMoment):
            span(home, tmp_path, Wanted(begin=text))
    with pytest.raises(NothingToReplay, match="from height 9 to 8"):
        span(home, tmp_path, Wanted(begin="9", end="8"))
    for outside in (Wanted(begin=str(last + 1)), Wanted(end=str(last + 1))):
        with pytest.raises(NotInHistory, match=f"begins at height 0 .* ends at {last} "):
            span(home, tmp_path, outside)


@pytest.fixture
def pruned(tmp_path: Path) -> Home:
    """A home that keeps no block below its snapshot."""
    home = Home(tmp_path / "pruned")
    fill(home, watched=True)
    line = [sys.executable, "-m", "node.cli.main", "prune", "--retain", "5"]
    done = subprocess.run(
        [*line, "--home", str(home.path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    return home


def test_of_a_pruned_home_what_is_kept_is_replayed_and_the_first_height_is_named(
    pruned: Home, tmp_path: Path
) -> None:
    assert span(pruned, tmp_path, Wanted()) == (SNAPSHOT_AT, 40)
    assert span(pruned, tmp_path, Wanted(begin="20", end="30")) == (20, 30)
    with pytest.raises(NotInHistory, match=f"height 3; .* begins at height {SNAPSHOT_AT} "):
        span(pruned, tmp_path, Wanted(begin="3"))
    with pytest.raises(NotInHistory, match=f"the first block kept is {SNAPSHOT_AT + 1}"):
        span(pruned, tmp_path, Wanted(begin="2001-01-01"))


def test_a_damaged_store_is_not_replayed(home: Home, tmp_path: Path) -> None:
    with sqlite3.connect(home.store) as db:
        db.execute("DELETE FROM blocks WHERE height=5")
    db.close()
    for wanted in (Wanted(begin="2"), Wanted(begin="8")):  # copied, or applied on the way
        with pytest.raises(StoreDamaged):
            span(home, tmp_path, wanted)
    with sqlite3.connect(home.store) as db:
        db.execute("UPDATE events SET event=x'00' WHERE height=8")
    db.close()
    with pytest.raises(StoreDamaged, match="block"):
        span(home, tmp_path, Wanted(case=1))
    home.store.write_bytes(b"this is no store" * 1_000)
    with pytest.raises(StoreDamaged):
        span(home, tmp_path, Wanted())
    home.store.unlink()
    with pytest.raises(StoreMissing):
        span(home, tmp_path, Wanted())
