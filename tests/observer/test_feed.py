"""The read store follows the node, behind it, whatever happens to either."""

import asyncio
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger.genesis import genesis_hash
from node.core.effects import CommitBlock
from node.daemon import Daemon
from node.history import steps
from node.home import Home
from node.observer.app import observed_app, served
from node.observer.catching_up import catch_up, store_of
from node.observer.feed import Feed
from node.observer.store import FILE
from tests.observer.chains import contents
from tests.observer.conftest import client_of, reached

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


def told(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a home's read store says."""
    with closing(store_of(home)) as store:
        return contents(store)


async def fed(daemon: Daemon, height: int) -> None:
    """A feed of its own, until it is there."""
    feed = Feed(daemon)
    feed.start()
    try:
        await reached(feed, height)
    finally:
        feed.stop()


async def test_a_store_that_was_lost_is_made_again_from_the_blocks(
    daemon: Daemon, filled: Path
) -> None:
    before = told(Home(filled))
    assert before["blocks"]
    (daemon.home.data / FILE).unlink()
    await fed(daemon, daemon.shell.tip.height)
    assert told(daemon.home) == before


@pytest.mark.parametrize("damage", ["garbage", "version", "chain", "rows"])
async def test_a_store_that_is_no_good_is_made_again(
    daemon: Daemon, filled: Path, damage: str
) -> None:
    path = daemon.home.data / FILE
    if damage == "garbage":
        path.write_bytes(b"not a database" * 1_000)
    else:
        with closing(store_of(daemon.home)) as store:
            match damage:
                case "version":
                    store.db.execute("PRAGMA user_version=999")
                case "chain":
                    store.note("chain", "00")
                case _:
                    store.db.execute("DROP TABLE blocks")
                    store.db.execute("UPDATE meta SET value=20 WHERE key='height'")
    await fed(daemon, daemon.shell.tip.height)
    assert told(daemon.home) == told(Home(filled))


async def test_blocks_that_come_are_projected_as_they_would_be_later(
    daemon: Daemon, filled: Path
) -> None:
    """The store stands at an earlier block, the node's last ones come one by one."""
    kept = 30
    all_steps = list(steps(daemon.home))
    (daemon.home.data / FILE).unlink()
    with closing(store_of(daemon.home)) as store:
        from ledger.genesis import genesis_state
        from node.observer.projection import Seen, begin, project

        begin(store, genesis_state(daemon.genesis))
        project(store, [Seen(x.decided, x.applied, x.before) for x in all_steps[:kept]])
    tip = daemon.shell.tip
    daemon.shell.tip = _at(tip, kept, all_steps[kept].before)
    feed = Feed(daemon)
    feed.start()
    for step in all_steps[kept:]:
        after = _at(tip, step.height, step.applied.state)
        daemon.shell.tip = after
        for call in daemon.shell.on_block:
            call(CommitBlock(step.decided, step.applied, after))
    await reached(feed, tip.height)
    feed.stop()
    assert told(daemon.home) == told(Home(filled))


async def test_after_a_snapshot_the_store_begins_anew(daemon: Daemon) -> None:
    feed = Feed(daemon)
    feed.start()
    tip = daemon.shell.tip
    await reached(feed, tip.height)
    jumped = _at(tip, tip.height, tip.state)
    for call in daemon.shell.on_jump:
        call(jumped)
    async with asyncio.timeout(30):
        while True:
            with feed.readers.reader() as db:
                if db.from_height == tip.height + 1:
                    break
            await asyncio.sleep(0.01)
    with feed.readers.reader() as db:
        assert db.scalar("SELECT COUNT(*) FROM blocks") == 0
        assert db.scalar("SELECT COUNT(*) FROM trades") == 12
    feed.stop()


async def test_while_the_store_is_made_views_say_so_and_a_failure_is_on_the_page(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(daemon)  # not begun
    app = observed_app(daemon, feed)
    async with client_of(app, daemon.home.token()) as client:
        answer = await client.get("/v1/observer/network")
        assert (answer.status_code, answer.json()["code"]) == (503, "OBSERVER_BEHIND")
        page = await client.get("/")
        assert (page.status_code, "OBSERVER_BEHIND" in page.text) == (503, True)
        feed.start()
        await reached(feed, daemon.shell.tip.height)
        monkeypatch.setattr("node.observer.feed.project", _broken)
        for call in daemon.shell.on_block:
            if getattr(call, "__self__", None) is feed:
                call(CommitBlock(None, None, daemon.shell.tip))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            while not feed.failed:
                reached_on = feed.reached()
                for call in daemon.shell.on_block:
                    if getattr(call, "__self__", None) is feed:
                        call(CommitBlock(None, None, daemon.shell.tip))  # type: ignore[arg-type]
                await asyncio.wait_for(reached_on.wait(), 30)
        page = await client.get("/")
        assert page.status_code == 200
        assert "does not go on" in page.text
    feed.stop()


async def test_a_store_ahead_of_the_node_begins_anew(daemon: Daemon, filled: Path) -> None:
    """The node's own store was put back to a backup."""
    with closing(store_of(daemon.home)) as store:
        store.reached(10_000)
    await fed(daemon, daemon.shell.tip.height)
    assert told(daemon.home) == told(Home(filled))


def test_catching_up_twice_changes_nothing(filled: Path, tmp_path: Path) -> None:
    home = Home(shutil.copytree(filled, tmp_path / "home"))
    with closing(store_of(home)) as store:
        before = contents(store)
        assert catch_up(home, store) == 40
        assert contents(store) == before
        assert store.chain == genesis_hash(home.genesis()).hex()


def _broken(*_: object) -> int:
    raise RuntimeError("the projection has a bug")


def _at(tip: Any, height: int, state: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(tip, height=height, state=state)


async def test_the_stream_tells_where_the_store_is(daemon: Daemon, feed: Feed) -> None:
    from tests.api.served import served

    async with served(daemon) as at:
        headers = {"authorization": f"Bearer {daemon.home.token()}"}
        async with (
            httpx.AsyncClient(base_url=f"http://{at}", headers=headers) as client,
            client.stream("GET", "/v1/observer/stream") as stream,
        ):
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    assert line.split(":")[1].strip() == str(daemon.shell.tip.height)
                    break


async def test_a_node_without_the_page_keeps_no_store_for_it(daemon: Daemon) -> None:
    plain = msgspec.structs.replace(daemon.config.api, page=False)
    daemon.config = msgspec.structs.replace(daemon.config, api=plain)
    before = set(daemon.home.path.rglob("observer*"))
    with served(daemon) as app:
        paths = {route.path for route in app.routes}
    assert "/v1/trades" in paths
    assert not any("observer" in path or path == "/" for path in paths)
    assert set(daemon.home.path.rglob("observer*")) == before
