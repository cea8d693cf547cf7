"""The observer's page in Chromium, on a real network of six members and an observer.

While `dcn testnet run` replays market days and lets a member default, the page is watched; then
every view is looked at, exported, walked through by keyboard, and seen narrow and in the dark.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.cli.testnet.layout import Place, recall
from node.home import Home

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = os.environ.get("DCN_SCREENSHOTS", "")
"""Folder for pictures of the page; empty: none are taken."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]

MEMBERS, DEFAULTER = 6, 6
VIEWS = {
    "/": "Network",
    "/exposures": "Exposures",
    "/members": "Members",
    "/rounds": "Netting rounds",
    "/rounds/2": "Netting round 2",
    "/calls?which=all": "Calls and disputes",
    "/fund": "Default fund",
    "/cases": "Default cases",
    "/cases/1": "Case 1",
    "/blocks": "Blocks",
    "/blocks/5": "Block 5",
    "/trades": "Trades",
    "/alerts?which=all": "Alerts",
    "/reports": "Reports",
    "/reports/trades": "Trade report",
    "/reports/pqd": "Public quantitative disclosure",
    "/reports/daily": "Daily summary",
    "/search?q=Member": "Search",
}


class Watched:
    """The network under way, its observer, and a browser signed in there."""

    def __init__(self, run: "subprocess.Popen[bytes]", observer: Place, page: Any) -> None:
        self.run = run
        self.base = observer.url()
        self.token = Home(Path(observer.home)).token()
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:")):
            self.complaints.append(f"asks {request.url}")

    def get(self, path: str) -> Any:
        """The JSON behind a view."""
        answer = httpx.get(
            f"{self.base}/v1/observer{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        return answer.json() if answer.is_success else None

    def open(self, path: str) -> None:
        """Open a view, signed in."""
        self.page.goto(self.base + path)
        if "/login" in self.page.url:
            self.page.fill("#token", self.token)
            self.page.keyboard.press("Enter")
            self.page.wait_for_url(lambda url: "/login" not in url)
            self.page.goto(self.base + path)

    def is_over(self) -> bool:
        """Whether the case of the member that stops paying has come to its end."""
        case = self.get("/cases/1")
        return case is not None and case["case"]["state"] in ("RECOVERY", "CLOSED")

    def until(self, condition: Callable[[], bool], seconds_max: float = 90) -> None:
        """Wait for what the network does; the browser goes on meanwhile."""
        end = time.monotonic() + seconds_max
        while not condition():
            assert time.monotonic() < end, "the page has not got there"
            self.page.wait_for_timeout(100)

    def picture(self, name: str) -> None:
        """Keep what is seen, if asked to."""
        if PICTURES:
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The network has just been started."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("page") / "net"
    line = [sys.executable, "-m", "node.cli.main", "testnet"]
    words = f"--members {MEMBERS} --observers 1 --days 3 --trades 60 --keep".split()
    words += ["--default", f"{DEFAULTER}@20080915", "--json", str(folder.parent / "out.json")]
    with (
        subprocess.Popen(
            [*line, "run", "--dir", str(folder), *words], stdout=subprocess.DEVNULL
        ) as run,
        sync_playwright() as playwright,
    ):
        try:
            observer = observer_of(folder)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_context(
                viewport={"width": 1280, "height": 800}, color_scheme="light"
            ).new_page()
            page.set_default_timeout(15_000)
            yield Watched(run, observer, page)
            browser.close()
        finally:
            run.terminate()
            run.wait(30)
            subprocess.run([*line, "down", "--dir", str(folder)], check=True, capture_output=True)


@pytest.fixture
def later(watched: Watched) -> Watched:
    """The same when everything has happened, in whatever order and process tests come."""
    watched.until(watched.is_over, 120)
    watched.complaints.clear()
    return watched


def observer_of(folder: Path) -> Place:
    """The observer's place, once its node answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        known = recall(folder)
        if known is not None:
            place = next(place for place in known[0] if place.name.startswith("observer"))
            try:
                if httpx.get(place.url() + "/v1/health").is_success:
                    return place
            except httpx.HTTPError:
                pass
        time.sleep(0.2)
    raise AssertionError("the observer does not answer")


# The tests follow one run of the network, in their order.
def test_who_has_no_token_sees_nothing_and_a_wrong_one_is_refused(watched: Watched) -> None:
    page = watched.page
    page.goto(watched.base + "/members")
    assert "/login" in page.url
    page.fill("#token", "wrong")
    page.click("button:has-text('Sign in')")
    assert "API_UNAUTHORISED" in page.inner_text(".wrong")
    watched.complaints.clear()  # Chromium notes the 401
    page.fill("#token", watched.token)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Members')")


def test_the_network_is_live_while_trades_flow(watched: Watched) -> None:
    watched.open("/")
    page = watched.page
    page.wait_for_selector("#stream:has-text('live')")

    def contracts() -> int:
        card = page.locator("dl.facts div", has_text="Live contracts").locator("dd")
        return int(card.evaluate("dd => dd.firstChild.data.replaceAll(',', '')"))

    begun = int(page.inner_text("#height"))
    page.evaluate("window.unbroken = true")
    watched.until(lambda: contracts() >= 10)
    assert int(page.inner_text("#height")) > begun
    assert page.evaluate("window.unbroken"), "the page was loaded anew, not updated"
    page.wait_for_selector("figure[data-drawn=yes]")


def test_a_default_is_watched_from_its_trigger_to_its_close(watched: Watched) -> None:
    page = watched.page
    watched.open("/cases")
    page.wait_for_selector("text=No member has been in default.")
    seen: list[str] = []

    def now(where: str) -> str:
        """The state of the case as the page shows it at this moment."""
        state: str = page.evaluate(where)
        if state and state not in seen:
            seen.append(state)
        return state

    listed = "document.querySelector('#t-cases tbody tr td:nth-of-type(3)')?.textContent ?? ''"
    # Two states, one after the other, on a page that was not loaded anew.
    watched.until(lambda: bool(now(listed)) and len(seen) > 1, 120)
    page.click("#t-cases tbody a[href='/cases/1']")
    shown = "document.getElementById('case-state')?.firstChild.data ?? ''"
    watched.until(lambda: now(shown) in ("recovery", "closed"), 120)
    story = ["notice", "declared", "close out", "waterfall", "recovery", "closed"]
    places = [story.index(state) for state in seen]
    assert places == sorted(places), seen
    watched.until(lambda: "bears" in page.inner_text("ol.steps"))
    steps = page.inner_text("ol.steps")
    order = [steps.index(word) for word in ("given notice", "in default", "closed out", "bears")]
    assert order == sorted(order)
    case = watched.get("/cases/1")
    assert sum(one["amount"] for one in case["borne"]) == case["case"]["loss"] > 0
    assert watched.run.wait(120) == 0
    told = {one["name"]: one for one in watched.get("/alerts?which=all")["alerts"]}
    assert told["default"]["opened"] == case["case"]["opened"]
    report = watched.get("/reports/trades")
    assert report["differences"] == []
    assert sum(one["differences"] for one in report["reconciliation"]) == 0
    watched.open("/cases/1")
    watched.picture("case")


@pytest.mark.parametrize("path", VIEWS)
def test_a_view_is_whole_in_light_in_the_dark_and_on_a_phone(later: Watched, path: str) -> None:
    page = later.page
    later.complaints.clear()
    for width, colours in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 740})
        page.emulate_media(color_scheme=colours)
        later.open(path)
        assert page.inner_text("h1").startswith(VIEWS[path])
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{path} is {wide} wide at {width}"
        page.wait_for_function(
            "[...document.querySelectorAll('figure[data-chart]')].every(x => x.dataset.drawn)"
        )
        assert _contrast(page) >= 4.5
        assert page.evaluate(NAMELESS) == []
        for figure in page.locator("figure[data-chart]").all():
            assert figure.get_attribute("aria-label")
            table = figure.get_attribute("data-of")
            assert page.locator(f"#{table} tbody tr").count() > 0
    later.picture(f"phone-{path.strip('/').partition('?')[0].replace('/', '-') or 'network'}")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    later.open(path)
    page.wait_for_timeout(300)
    later.picture(path.strip("/").partition("?")[0].replace("/", "-") or "network")
    assert later.complaints == []


NAMELESS = """[...document.querySelectorAll('a, button, input:not([type=hidden]), select')]
  .filter(x => !(x.textContent.trim() || x.ariaLabel || x.labels?.length)).map(x => x.outerHTML)"""
"""Controls without a name for a screen reader."""


def _contrast(page: Any) -> float:
    """Of text against the page, by WCAG 2.2."""
    found: float = page.evaluate("""() => {
      const light = (text) => {
        const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map((x) => {
          const c = x / 255;
          return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const style = getComputedStyle(document.body);
      const [a, b] = [light(style.color), light(style.backgroundColor)];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }""")
    return found


def test_the_switch_overrides_the_system_and_is_remembered(later: Watched) -> None:
    page = later.page
    later.open("/members")
    page.emulate_media(color_scheme="light")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert before != after
    later.open("/rounds")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after
    later.picture("dark")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == before


def test_everything_is_reached_by_keyboard_and_the_slider_by_arrows(later: Watched) -> None:
    page = later.page
    later.open("/exposures")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", reached[-1]
        if reached[-1] == "slider":
            break
    assert reached[-1] == "slider", reached
    last = page.input_value("#date")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/exposures?date=*")
    assert page.input_value("#date") < last
    page.wait_for_function("document.activeElement.id === 'slider'")
    before = page.inner_text("#t-exposures")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("text => document.querySelector('#t-exposures').innerText !== text",
                           arg=before)  # fmt: skip


def test_search_as_one_types_and_by_the_whole_id(later: Watched) -> None:
    page = later.page
    later.open("/")
    page.fill("#q", "")
    page.type("#q", "Member 3")
    page.wait_for_selector("#hits a")
    assert "Member 3" in page.inner_text("#hits")
    block = later.get("/blocks/5")["block"]["id"]
    page.fill("#q", block)
    page.keyboard.press("Enter")
    page.click("main .found a")
    page.wait_for_selector("h1:has-text('Block 5')")
    tx = later.get("/blocks/latest")
    trade = later.get("/trades?limit=1")["trades"][0]
    assert tx is not None
    later.open(f"/search?q={trade['uti'][:30]}")
    assert trade["uti"] in page.inner_text("main")


def test_updates_can_be_paused(later: Watched) -> None:
    page = later.page
    later.open("/blocks")
    page.click("#pause")
    page.wait_for_selector("#pause[aria-pressed=true]")
    seen = page.get_attribute("#view", "data-height")
    assert seen is not None
    later.until(lambda: int(page.inner_text("#height")) >= int(seen) + 2)
    assert page.get_attribute("#view", "data-height") == seen
    page.click("#pause")
    later.until(lambda: page.get_attribute("#view", "data-height") != seen)


def test_what_if_a_member_defaulted(later: Watched) -> None:
    page = later.page
    member = later.get("/trades?state=LIVE&limit=1")["trades"][0]["buyer"]
    later.open(f"/members/{member}")
    later.picture("member")
    page.click("#whatif")
    page.wait_for_selector("#t-losses tbody tr", timeout=60_000)
    assert page.inner_text("h1").startswith("What if")
    later.picture("whatif")


def test_every_view_exports_what_it_shows(later: Watched) -> None:
    page = later.page
    later.open("/members")
    with page.expect_download() as waiting:
        page.click(".export >> text=figures as CSV")
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))
    assert len(rows) == page.locator("#t-figures tbody tr").count()
    shown = later.get("/members")["figures"]
    assert [row["notional"] for row in rows] == [str(one["notional"]) for one in shown]
    page.click(".export >> text=JSON")
    assert json.loads(page.inner_text("pre"))["figures"] == shown


def test_signing_out_ends_it(later: Watched) -> None:
    page = later.page
    later.open("/")
    page.click("button:has-text('Sign out')")
    page.goto(later.base + "/members")
    assert "/login" in page.url
