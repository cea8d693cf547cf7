"""Following what happens: nothing is missed, nothing comes twice, and one sees what one asked."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.events import Event
from node.api import events as news
from node.api.events import News, Wanted
from node.daemon import Daemon
from node.observer import live
from node.storage import events
from node.storage.events import EventId
from node.storage.store import Store
from node.tokens import Scope, Tokens
from node.viewing.viewer import Viewer, looks
from wire.codec import decode

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


@pytest.fixture
def filled(filled_watched: Path) -> Path:
    """A node that shows everything."""
    return filled_watched


async def stored(daemon: Daemon) -> list[tuple[int, str]]:
    cursor = await daemon.store.db.execute("SELECT height, event FROM events ORDER BY sequence")
    rows = await cursor.fetchall()
    return [(h, type(decode(bytes(raw), Event, 1 << 20)).__name__) for h, raw in rows]


async def test_pages_of_any_size_give_every_event_once(
    client: httpx.AsyncClient, daemon: Daemon
) -> None:
    wanted = await stored(daemon)
    assert len(wanted) > 10
    for limit in (1, 7, 500):
        found: list[Any] = []
        after: str | None = ""
        while after is not None:
            page = (await client.get("/v1/events", params={"after": after, "limit": limit})).json()
            found += page["items"]
            after = page["next"]
        assert [(x["height"], x["type"]) for x in found] == wanted
        assert len({x["id"] for x in found}) == len(found)
        assert all(x["event"]["type"] == x["type"] for x in found)


async def test_only_of_a_kind_or_about_a_member(client: httpx.AsyncClient) -> None:
    everything = (await client.get("/v1/events?limit=500")).json()["items"]
    kind = everything[-1]["type"]
    some = (await client.get(f"/v1/events?limit=500&kind={kind}")).json()["items"]
    assert some == [x for x in everything if x["type"] == kind]
    lei = "DCNMEMBER00000000107"
    mine = (await client.get(f"/v1/events?limit=500&member={lei}")).json()["items"]
    assert mine == [x for x in everything if f'"{lei}' in json.dumps(x)]
    assert 0 < len(mine) < len(everything)
    assert (await client.get("/v1/events?kind=Nothing")).status_code == 400


async def test_who_asks_for_what_is_nowhere_has_not_all_of_the_past_read_at_once(
    client: httpx.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = await stored(daemon)
    kind = wanted[-1][1]
    monkeypatch.setattr(events, "SCANNED_MAX", 2)
    reads: list[EventId] = []

    async def counted(store: Store, after: EventId) -> list[events.StoredEvent]:
        reads.append(after)
        return await events.events_after(store, after)

    monkeypatch.setattr(news, "events_after", counted)
    asked = {"kind": kind, "limit": 500, "after": ""}
    found: list[Any] = []
    while True:
        before = len(reads)
        page = (await client.get("/v1/events", params=asked)).json()
        assert len(reads) - before <= news.READS_MAX
        found += page["items"]
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    assert [(x["height"], x["type"]) for x in found] == [x for x in wanted if x[1] == kind]


async def test_a_page_costs_the_same_however_many_events_come_later(daemon: Daemon) -> None:
    """Steps of SQLite's machine, which are the same on every computer."""

    async def steps() -> int:
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        await daemon.store.db.set_progress_handler(step, 100)
        await events.events_after(daemon.store, EventId(0, -1))
        await daemon.store.db.set_progress_handler(None, 0)  # type: ignore[arg-type]
        return count

    copied = "INSERT INTO events (height, event) SELECT height + 10000, event FROM events"
    while len(await stored(daemon)) < 6_000:
        await daemon.store.db.execute(copied)
    few = await steps()
    for _ in range(3):
        await daemon.store.db.execute(copied)
    assert await steps() <= few + 5


async def test_an_odd_id_is_refused_and_the_end_is_empty(client: httpx.AsyncClient) -> None:
    for odd in ("x", "1", "1-", "-1", "1-x", "9" * 30 + "-1", "1--1"):
        assert (await client.get("/v1/events", params={"after": odd})).status_code == 400, odd
    assert (await client.get("/v1/events?after=latest")).json()["items"] == []


async def test_events_of_pruned_blocks_are_gone(client: httpx.AsyncClient, daemon: Daemon) -> None:
    await daemon.store.keep_from(10)
    answer = await client.get("/v1/events?after=3-0")
    assert (answer.status_code, answer.json()["code"]) == (410, "API_HEIGHT_PRUNED")


async def test_a_stream_goes_on_where_it_broke_off_and_waits_for_blocks(daemon: Daemon) -> None:
    looks(Viewer("test", everything=True))
    news = News(daemon)
    wanted = await stored(daemon)
    first = news.follow(EventId(0, -1), Wanted("", ""))
    seen = [await anext(first) for _ in range(5)]
    await first.aclose()  # type: ignore[attr-defined]
    height, index = str(seen[-1].id).split("-")
    again = news.follow(EventId(int(height), int(index)), Wanted("", ""))
    seen += [await anext(again) for _ in range(len(wanted) - 5)]
    assert [x.event for x in seen] == [kind for _, kind in wanted]

    waiting = asyncio.ensure_future(anext(again))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not waiting.done()
    await daemon.store.db.execute(
        "INSERT INTO events (height, event) SELECT height + 1, event FROM events "
        "ORDER BY sequence DESC LIMIT 1"
    )
    news._on_block(None)
    new = await asyncio.wait_for(waiting, 10)
    assert str(new.id).endswith("-0")
    await again.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/v1/events/stream", "/v1/observer/stream"])
async def test_a_stream_ends_with_the_token_that_it_was_asked_for_with(
    daemon: Daemon, app: Any, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (news, live):
        monkeypatch.setattr(module, "ALIVE_SECONDS", 0.01)
    tokens = Tokens(daemon.home)
    secret = tokens.create("follows", (Scope.READ,), 0, None)
    alive, ended = 0, asyncio.Event()

    async def told(message: Any) -> None:
        nonlocal alive
        if b"alive" in message.get("body", b""):
            alive += 1
            if alive == 3:
                tokens.revoke("follows")
        if not message.get("more_body", True):
            ended.set()

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def heard() -> Any:
        for first in asked:
            return first
        await ended.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [(b"authorization", f"Bearer {secret}".encode())], "state": {},
        "client": ("127.0.0.1", 1), "server": ("node", 80),
    }  # fmt: skip
    await asyncio.wait_for(app(scope, heard, told), 20)
    assert alive == 3
