"""A member of a real network stops paying: the default runs by the rules, the others go on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node.cli.testnet.plan import BadReplay, make_replay
from wire.ids import member_of


@pytest.mark.e2e
def test_a_default_on_the_real_network_is_closed_out_and_borne(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    line = [sys.executable, "-m", "node.cli.main", "testnet", "run", "--dir", str(tmp_path / "net")]
    words = ["--days", "3", "--trades", "40", "--default", "2@20080915", "--json", str(out)]
    done = subprocess.run([*line, *words], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    said: Any = json.loads(out.read_text())
    case = said["default"]
    assert said["verdict"]
    assert case["state"] in ("RECOVERY", "CLOSED")
    assert case["trigger"] == "UNPAID"
    assert sum(x["amount"] for x in case["applied"]) == case["loss"]
    assert 0 < said["trades_cleared"] < said["trades_submitted"]


def test_from_the_next_day_on_nobody_trades_with_it() -> None:
    made = make_replay(members=4, observers=0, days=3, trades=60, seed=1, default="2@20080912")
    assert made.failure is not None
    first, *later = made.days
    lei = made.failure.lei
    assert any(lei in (member_of(x.buyer), member_of(x.seller)) for x in first.trades)
    for day in later:
        assert all(lei not in (member_of(x.buyer), member_of(x.seller)) for x in day.trades)


@pytest.mark.parametrize("default", ["9@20080912", "2@20080916", "2", "2@20080101"])
def test_a_default_that_cannot_be_is_refused(default: str) -> None:
    with pytest.raises(BadReplay):
        make_replay(members=4, observers=0, days=3, trades=6, seed=1, default=default)


def test_who_has_nothing_to_pay_cannot_stop_paying() -> None:
    with pytest.raises(BadReplay, match="has nothing to pay at the close of 20080915; these have"):
        make_replay(members=4, observers=0, days=3, trades=40, seed=1, default="4@20080915")
