"""Whatever a client sends, it is told code, detail and remedy; nothing breaks, nothing is kept."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.api.app import make_app
from node.daemon import Daemon

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

LEI = "A" * 20
TRADE = {
    "uti": LEI + "1", "buyer": LEI, "seller": LEI, "instrument": "FWD-AA", "quantity": "1",
    "price": "1", "trade_date": "20080912", "source": "OTC", "reference": "",
}  # fmt: skip
LONG = "9" * 5_000
ODD: list[Any] = [
    None, True, -1, 1.5, 10**400, "", "\0", "é" * 300, "x" * 10_000, [], [[]], {}, {"a": 1},
]  # fmt: skip
QUERIES = f"""
/ /v2 /v1/nowhere /v1/blocks/-1 /v1/blocks/0 /v1/blocks/999999999999999 /v1/blocks/1e3
/v1/blocks/%F0%9F%92%A3 /v1/blocks/{LONG} /v1/accounts/%00 /v1/accounts/{LONG} /v1/trades/a/b
/v1/trades/%27%20OR%201=1 /v1/trades/{LONG} /v1/trades?limit=0 /v1/trades?limit=-1
/v1/trades?limit=501 /v1/trades?limit={LONG} /v1/trades?limit=x /v1/blotter?limit=0
/v1/blotter?limit={LONG} /v1/transactions/zz /v1/transactions/00 /v1/transactions/{LONG}
/v1/proof /v1/proof?table=balance /v1/proof?table=x&key=y /v1/proof?table=round&key={LONG}
/v1/light/x /v1/light/0 /v1/light/-1 /v1/light/%00 /v1/light/{LONG} /v1/light/latest/x
/v1/proof?table=round&key=%C2%B2 /v1/proof?table=round&key=%D9%A1
""".split()
BODIES = [
    b"", b"{", b"null", b"[]", b"\xff\xfe", b'"x"', b"1" * 5_000, b'{"tx": "\\ud800"}', b"NaN",
    b'{"trades": ["\\ud800"]}', b"[" * 100_000, b'{"a":' * 100_000, b'{"tx": 1e999}',
    b'{"tx": %d}' % 10**4_000, b'{"trades": [%d]}' % 10**4_000,
    b'{"tx": "' + b"00" * 5_500_000 + b'"}',
]  # fmt: skip


@pytest.fixture
async def client(filled_home: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the token; afterwards the node has kept nothing of what it sent."""
    shutil.copytree(filled_home, tmp_path / "home")
    daemon = await Daemon.open(tmp_path / "home")
    app: Any = make_app(daemon)
    through = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {daemon.home.token()}"}
    before = await kept(daemon)
    async with httpx.AsyncClient(
        transport=through, base_url="http://node", headers=headers
    ) as made:
        yield made
    assert await kept(daemon) == before
    daemon._log.close()
    await daemon.store.close()


async def kept(daemon: Daemon) -> list[Any]:
    book = await daemon.trades.blotter("", 1_000)
    return [len(await daemon.store.pending()), len(await daemon.trades.waiting()), book]


def assert_refused(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert set(answer.json()) == {"code", "detail", "remedy"}
    assert answer.json()["remedy"]
    assert "Traceback" not in answer.text


async def test_odd_queries(client: httpx.AsyncClient) -> None:
    for path in QUERIES:
        assert_refused(await client.get(path))


@pytest.mark.parametrize("path", ["/v1/trades", "/v1/blotter", "/v1/transactions", "/v1/evidence"])
async def test_odd_bodies(client: httpx.AsyncClient, path: str) -> None:
    odd: list[Any] = (
        [{"tx": x} for x in ODD] + [{"trades": x} for x in ODD] + [{"evidence": x} for x in ODD]
    )
    odd += [{"trades": [x]} for x in ODD]
    odd += [{"trades": [TRADE | {name: x}]} for x in ODD for name in [*TRADE, "surplus"]]
    for body in [*BODIES, *(json.dumps(x).encode() for x in odd)]:
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})
        assert_refused(answer)
    for kind in ("text/plain", "multipart/form-data", "application/x-msgpack", "x"):
        answer = await client.post(path, content=b"\x81\xa2tx", headers={"content-type": kind})
        assert_refused(answer)


async def test_other_methods_and_other_tokens(client: httpx.AsyncClient) -> None:
    for method in ("PUT", "DELETE", "PATCH", "POST"):
        assert_refused(await client.request(method, "/v1/status"))
    for token in (b"", b"Bearer", b"Bearer ", b"Basic eA==", b"Bearer " + b"x" * 10_000, b"\xff"):
        given = httpx.Headers([(b"authorization", token)])
        answer = await client.get("/v1/status", headers=given)
        assert answer.status_code == 401
        assert_refused(answer)
