"""A default replayed in Chromium from the store of an observer whose node runs on.

A real network of members and an observer lets a member default. Then `dcn replay` shows it once
more: in the same views, from its trigger to its end, and with the very rows of the live observer.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from node.cli.testnet.layout import Place
from node.home import Home
from node.observer.store import FILE
from tests.e2e.test_page import CHROMIUM, NAMELESS, Watched, observer_of
from tests.observer.chains import tables

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]

LINE = [sys.executable, "-m", "node.cli.main"]
MEMBERS, DEFAULTER = 6, 6


@pytest.fixture(scope="module")
def observer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The observer of a network in which the default of a member has come to its end."""
    folder = tmp_path_factory.mktemp("incident") / "net"
    words = f"run --members {MEMBERS} --observers 1 --days 3 --trades 60 --keep".split()
    words += ["--default", f"{DEFAULTER}@20080915", "--dir", str(folder)]
    try:
        done = subprocess.run(
            [*LINE, "testnet", *words], stdout=subprocess.DEVNULL, check=False, timeout=240
        )
        assert done.returncode == 0
        yield observer_of(folder)
    finally:
        down = [*LINE, "testnet", "down", "--dir", str(folder)]
        subprocess.run(down, check=True, capture_output=True)


def copy_of(store: Path, to: Path) -> tuple[int, dict[str, list[tuple[Any, ...]]]]:
    """Height and rows of a read store, of one moment."""
    source = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        height = copy.execute("SELECT value FROM meta WHERE key='height'").fetchone()[0]
        return height, tables(copy)


class Running:
    """A replay, and what it says."""

    def __init__(self, home: Home, folder: Path, *words: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.process = subprocess.Popen(
            [*LINE, "replay", "--home", str(home.path), "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            said = json.loads(raw)
            if said["event"] == "ready":
                self.url = said["address"].rstrip("/")
                break
        else:
            raise AssertionError(said)

    @property
    def store(self) -> Path:
        """Its read store."""
        (working,) = self.folder.glob("dcn-replay-*")
        return working / FILE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdout is not None
        self.process.terminate()
        self.process.stdout.close()
        assert self.process.wait(10) == 0


def test_a_default_is_replayed_from_its_trigger_to_its_end_row_for_row(
    observer: Place, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    home = Home(Path(observer.home))
    headers = {"Authorization": f"Bearer {home.token()}"}
    case = httpx.get(f"{observer.url()}/v1/observer/cases/1", headers=headers).json()
    height, live = copy_of(home.data / FILE, tmp_path / "live")
    begin = str(case["case"]["opened"] - 10)
    words = ("--from", begin, "--to", str(height), "--speed", "0.5", "--paused")
    with Running(home, tmp_path / "replay", *words) as replay, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(15_000)
        watched = Watched(replay.process, observer, page)
        watched.base = replay.url
        play(watched, int(begin))
        step_through(watched, case, int(begin))
        go_wrong_and_to_the_end(watched, height)
        assert watched.complaints == []
        browser.close()
        assert copy_of(replay.store, tmp_path / "replayed") == (height, live)
        # The node behind it has gone on, and nobody took anything of it.
        assert httpx.get(f"{observer.url()}/v1/health").json()["height"] >= height


HEIGHT = "document.getElementById('r-height').textContent"
STATE = "document.getElementById('r-state').textContent"
STOOD = f"before => {HEIGHT} !== before && ['paused', 'at the end'].includes({STATE})"


def play(watched: Watched, begin: int) -> None:
    """Played, the states of the case come one after the other on a page that is not loaded anew."""
    page = watched.page
    watched.open("/cases")
    page.wait_for_selector("text=No member has been in default.")
    assert page.inner_text("#r-height") == str(begin)
    assert page.inner_text("#r-state") == "paused"
    page.evaluate("window.unbroken = true")
    seen: list[str] = []
    told = "document.querySelector('#t-cases tbody tr td:nth-of-type(3)')?.textContent ?? ''"

    def two_states() -> bool:
        state: str = page.evaluate(told)
        if state and state not in seen:
            seen.append(state)
        return len(seen) > 1

    page.focus("#r-play")
    page.keyboard.press("Enter")
    watched.until(two_states)
    story = ["notice", "declared", "close out", "waterfall", "recovery", "closed"]
    places = [story.index(state) for state in seen]
    assert places == sorted(places)
    assert page.evaluate("window.unbroken")
    page.keyboard.press("Enter")
    page.wait_for_selector("#r-play:has-text('Play')")


def step_through(watched: Watched, case: Any, begin: int) -> None:
    """Back to the beginning, then from one step of the default to the next, by keyboard."""
    page = watched.page
    jump(page, begin)
    page.wait_for_selector("text=No member has been in default.")
    headers = {"Authorization": f"Bearer {watched.token}"}
    marks = httpx.get(f"{watched.base}/v1/replay/marks", headers=headers).json()
    for height in sorted({mark["height"] for mark in marks if mark["kind"] == "default"}):
        before = page.inner_text("#r-height")
        page.focus("#r-next button")
        page.keyboard.press("Enter")
        page.wait_for_function(STOOD, arg=before)
        watched.open("/cases/1")
        assert page.inner_text("#r-height") == str(height)
        found = httpx.get(f"{watched.base}/v1/observer/cases/1", headers=headers).json()
        assert found["steps"] == [one for one in case["steps"] if one["height"] <= height]
        assert page.locator("ol.steps li").count() == len(found["steps"])
        assert found["as_of_height"] == height
    watched.picture("replay")
    before = page.inner_text("#r-height")
    page.focus("#r-back")
    page.keyboard.press("Enter")
    page.wait_for_function(STOOD, arg=before)
    assert int(page.inner_text("#r-height")) == int(before) - 1


def jump(page: Any, to: int) -> None:
    """By the form."""
    page.fill("#r-to", str(to))
    page.keyboard.press("Enter")
    page.wait_for_function(f"to => {HEIGHT} === to", arg=str(to))


def go_wrong_and_to_the_end(watched: Watched, last: int) -> None:
    """What cannot be is said on the page; on a phone everything has its place, too."""
    page = watched.page
    assert watched.complaints == []
    page.fill("#r-to", "9999999")
    page.keyboard.press("Enter")
    page.wait_for_selector("#r-said:has-text('REPLAY_OUTSIDE')")
    watched.complaints.clear()  # Chromium notes the 422
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(NAMELESS) == []
    jump(page, last)
    page.wait_for_selector("#r-state:has-text('at the end')")
    assert page.is_hidden("#r-said")
