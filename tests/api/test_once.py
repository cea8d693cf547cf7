"""A client that lost an answer asks again with the same key: it is told the same, done is once."""

import asyncio
from typing import Any

import httpx
import pytest

from node.daemon import Daemon
from node.storage.answered import KEPT_MS, answered, keep_answer
from node.tokens import Scope, Tokens
from tests.api.conftest import client_of

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

TRADE = {
    "uti": "DCNMEMBER00000000107NEW1", "buyer": "DCNMEMBER00000000107",
    "seller": "DCNMEMBER00000000204", "instrument": "FWD-AA", "quantity": "1", "price": "1",
    "trade_date": "20080912", "source": "OTC", "reference": "",
}  # fmt: skip


def body(**changed: str) -> dict[str, Any]:
    return {"trades": [TRADE | changed]}


async def test_the_same_again_is_answered_and_not_done(
    client: httpx.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    add = daemon.trades.add_to_blotter

    async def counted(trades: Any) -> int:
        done.append(1)
        return await add(trades)

    monkeypatch.setattr(daemon.trades, "add_to_blotter", counted)
    key = {"Idempotency-Key": "one"}
    first = await client.post("/v1/blotter", json=body(), headers=key)
    again = await client.post("/v1/blotter", json=body(), headers=key)
    assert first.status_code == again.status_code == 201, first.text
    assert first.json() == again.json()
    assert len(done) == 1
    other = await client.post("/v1/blotter", json=body(price="2"), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "API_KEY_REUSED")
    elsewhere = await client.post("/v1/trades", json=body(), headers=key)
    assert elsewhere.json()["code"] == "API_KEY_REUSED"


async def test_a_refused_request_leaves_its_key_free(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "two"}
    assert (await client.post("/v1/blotter", json=body(price="0"), headers=key)).status_code == 400
    assert (await client.post("/v1/blotter", json=body(), headers=key)).status_code == 201


async def test_of_two_at_once_one_is_done(
    client: httpx.AsyncClient, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(_: Any) -> int:
        begun.set()
        await go.wait()
        return 1

    monkeypatch.setattr(daemon.trades, "add_to_blotter", slow)
    key = {"Idempotency-Key": "three"}
    first = asyncio.ensure_future(client.post("/v1/blotter", json=body(), headers=key))
    await begun.wait()
    second = await client.post("/v1/transactions", json={"tx": "00"}, headers=key)
    assert second.status_code == 409
    assert second.json()["code"] == "API_KEY_IN_USE"
    go.set()
    assert (await first).status_code == 201


async def test_keys_are_each_clients_own_and_end_after_a_day(daemon: Daemon, app: Any) -> None:
    tokens = Tokens(daemon.home)
    key = {"Idempotency-Key": "x"}
    for name in ("one", "two"):
        token = tokens.create(name, (Scope.TRADE,), 0, None)
        async with client_of(app, token) as client:
            price = "1" if name == "one" else "2"
            answer = await client.post("/v1/blotter", json=body(price=price), headers=key)
            assert answer.status_code == 201
    cursor = await daemon.store.db.execute("SELECT at_ms FROM answered WHERE client='one'")
    row = await cursor.fetchone()
    assert row is not None
    known = await answered(daemon.store, "one", "x", row[0] + 1)
    assert known is not None
    assert await answered(daemon.store, "one", "x", row[0] + KEPT_MS) is None
    await keep_answer(daemon.store, "three", "y", known, row[0] + KEPT_MS + 60_000)
    cursor = await daemon.store.db.execute("SELECT client FROM answered")
    assert [tuple(x) for x in await cursor.fetchall()] == [("three",)]


async def test_odd_keys_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/blotter", json=body(), headers={"Idempotency-Key": "x" * 101})
    assert answer.status_code == 400
