"""The stream of events over real HTTP: a client that comes again goes on where it was."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from node.api.events import News
from node.client import AsyncNodeClient, NodeClient, clients
from node.daemon import Daemon
from node.tokens import Scope, Tokens
from tests.api.served import served
from wire.errors import CodedError

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


async def messages(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    """Server-sent events, as the standard reads them; comments are none."""
    fields: dict[str, str] = {}
    async for line in lines:
        if not line:
            if fields:
                yield fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")


async def follow(
    client: httpx.AsyncClient, count: int, last: str | None = None, **query: str
) -> list[dict[str, str]]:
    """The first `count` messages, and then the client is gone."""
    headers = {} if last is None else {"Last-Event-ID": last}
    found: list[dict[str, str]] = []
    async with client.stream("GET", "/v1/events/stream", params=query, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        async for message in messages(lines):
            found.append(message)
            if len(found) == count:
                break
    return found


def of(daemon: Daemon, at: str, token: str | None = None) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token or daemon.home.token()}"}
    return httpx.AsyncClient(base_url=f"http://{at}", headers=headers, trust_env=False)


async def everything(client: httpx.AsyncClient) -> list[Any]:
    found: list[Any] = (await client.get("/v1/events?limit=500")).json()["items"]
    return found


async def test_a_client_that_comes_again_misses_nothing_and_gets_nothing_twice(
    daemon: Daemon,
) -> None:
    async with served(daemon) as at, of(daemon, at) as client:
        wanted = await everything(client)
        seen = await follow(client, 7)
        while len(seen) < len(wanted):
            seen += await follow(client, min(11, len(wanted) - len(seen)), last=seen[-1]["id"])
        assert [json.loads(one["data"]) for one in seen] == wanted
        assert [one["event"] for one in seen] == [one["type"] for one in wanted]
        # The header of a client that comes again wins over the query it began with.
        again = await follow(client, 1, last=wanted[4]["id"], after=wanted[0]["id"])
        assert again[0]["id"] == wanted[5]["id"]


async def test_what_happens_while_one_follows_comes_at_once(daemon: Daemon) -> None:
    async with served(daemon) as at, of(daemon, at) as client:
        wanted = await everything(client)
        waiting = asyncio.ensure_future(follow(client, 1, after=wanted[-1]["id"]))
        cursor = await daemon.store.db.execute(
            "INSERT INTO events (height, event) SELECT height + 1, event FROM events "
            "ORDER BY sequence DESC LIMIT 1 RETURNING height"
        )
        row = await cursor.fetchone()
        assert row is not None
        while not waiting.done():  # whether the client has come before the block or after it
            _tell(daemon)
            await asyncio.sleep(0.01)
        assert (await waiting)[0]["id"] == f"{row[0]}-0"


async def test_a_stream_of_some_only(daemon: Daemon) -> None:
    async with served(daemon) as at, of(daemon, at) as client:
        wanted = await everything(client)
        kind = wanted[-1]["type"]
        some = [one["id"] for one in wanted if one["type"] == kind]
        seen = await follow(client, len(some), kind=kind)
        assert [one["id"] for one in seen] == some


async def test_a_stream_is_refused_in_the_one_form_of_errors(daemon: Daemon) -> None:
    trader = Tokens(daemon.home).create("trader", (Scope.TRADE,), 0, None)
    async with served(daemon) as at:
        async with of(daemon, at) as client:
            for query in ("after=x", "kind=Nothing"):
                answer = await client.get(f"/v1/events/stream?{query}")
                assert (answer.status_code, answer.json()["code"]) == (400, "API_BAD_REQUEST")
            odd = await client.get("/v1/events/stream", headers={"Last-Event-ID": "1-x"})
            assert odd.status_code == 400
        async with of(daemon, at, trader) as client:
            assert (await client.get("/v1/events/stream")).status_code == 403


async def test_when_the_node_stops_who_follows_is_let_go(daemon: Daemon) -> None:
    async with served(daemon) as at, of(daemon, at) as client:
        wanted = await everything(client)
        ended = asyncio.Event()

        async def whole() -> list[dict[str, str]]:
            found = []
            async with client.stream("GET", "/v1/events/stream") as answer:
                try:
                    async for message in messages(answer.aiter_lines()):
                        found.append(message)
                        if len(found) == len(wanted):
                            ended.set()
                except httpx.HTTPError:
                    pass
            return found

        following = asyncio.ensure_future(whole())
        await ended.wait()
    assert len(await asyncio.wait_for(following, 10)) == len(wanted)


async def test_the_typed_clients_go_on_when_the_node_comes_back(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "AGAIN_SECONDS", 0.01)
    token, found = daemon.home.token(), []
    async with served(daemon) as at, of(daemon, at) as plain:
        wanted = [one["id"] for one in await everything(plain)]
    port = int(at.split(":")[1])
    async with AsyncNodeClient(f"http://{at}", token) as client:
        async with served(daemon, port=port):
            following = client.follow(after=wanted[0])
            found = [(await anext(following)).id for _ in range(3)]
        async with served(daemon, port=port):
            found += [(await anext(following)).id for _ in range(len(wanted) - 4)]
        await following.aclose()  # type: ignore[attr-defined]
    assert found == wanted[1:]


async def test_the_waiting_client_follows_too_and_is_told_of_errors(daemon: Daemon) -> None:
    async with served(daemon) as at:

        def first() -> list[str]:
            with NodeClient(f"http://{at}", daemon.home.token()) as client:
                following = client.follow()
                found = [next(following).id for _ in range(4)]
                following.close()  # type: ignore[attr-defined]
                return found

        def refused() -> str:
            with NodeClient(f"http://{at}", "wrong") as client, pytest.raises(CodedError) as seen:
                next(client.follow(after="0-0"))
            return seen.value.code

        found = await asyncio.to_thread(first)
        assert len(set(found)) == 4
        assert await asyncio.to_thread(refused) == "API_UNAUTHORISED"


async def test_only_what_is_new(daemon: Daemon) -> None:
    token = daemon.home.token()
    async with served(daemon) as at, AsyncNodeClient(f"http://{at}", token) as client:
        following = client.follow(after="latest")
        waiting = asyncio.ensure_future(anext(following))
        height = daemon.shell.tip.height + 1
        await daemon.store.db.execute(
            "INSERT INTO events (height, event) SELECT ?, event FROM events LIMIT 1", (height,)
        )
        while not waiting.done():
            _tell(daemon)
            await asyncio.sleep(0.01)
        assert (await waiting).id == f"{height}-0"
        await following.aclose()  # type: ignore[attr-defined]


def _tell(daemon: Daemon) -> None:
    """Those who follow events look again, as after a block."""
    for told in daemon.shell.on_block:
        if isinstance(getattr(told, "__self__", None), News):
            told(None)  # type: ignore[arg-type]
