"""Tokens: out of scope one sees nothing, expired and revoked ones are none, and each has a pace."""

import stat
from typing import Any

import httpx
import pytest

from node.api.access import Pace
from node.daemon import Daemon
from node.home import HomeIncomplete
from node.tokens import NoSuchToken, Scope, TokenExists, Tokens
from tests.api.conftest import client_of

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

OPEN = ("/v1/health", "/metrics", "/v1/openapi.json")
NOW = 1_900_000_000_000


async def test_a_token_without_a_scope_gets_403_on_every_route_that_needs_it(
    daemon: Daemon, app: Any
) -> None:
    tokens = Tokens(daemon.home)
    has = {scope: tokens.create(scope, (scope,), NOW, None) for scope in Scope}
    paths = app.openapi_schema.to_schema()["paths"]
    for scope, token in has.items():
        async with client_of(app, token) as client:
            for path, methods in paths.items():
                for method in methods:
                    if path in OPEN or path.endswith("/stream"):
                        continue
                    needed = Scope.READ if method == "get" else Scope.TRADE
                    needed = {
                        "/v1/marks": Scope.ADMIN,
                        "/v1/prune": Scope.ADMIN,
                        "/v1/prune/plan": Scope.ADMIN,
                        "/v1/transactions/check": Scope.READ,
                        "/v1/trades/check": Scope.READ,
                        "/v1/sign": Scope.READ if method == "get" else Scope.SIGN,
                        "/v1/sign/{ident}/approve": Scope.APPROVE,
                        "/v1/sign/{ident}/refuse": Scope.APPROVE,
                    }.get(path, needed)
                    answer = await client.request(method.upper(), path, json={})
                    refused = answer.status_code == 403
                    assert refused == (scope != needed), (scope, method, path, answer.text)
                    if refused:
                        assert answer.json()["code"] == "API_OUT_OF_SCOPE"


async def test_expired_and_revoked_tokens_are_none(daemon: Daemon, app: Any) -> None:
    tokens = Tokens(daemon.home)
    expired = tokens.create("expired", (Scope.READ,), 1, 2)
    good = tokens.create("good", (Scope.READ,), NOW, None)

    async def status(token: str) -> int:
        async with client_of(app, token) as client:
            return (await client.get("/v1/status")).status_code

    assert (await status(expired), await status(good)) == (401, 200)
    tokens.revoke("good")
    assert await status(good) == 401  # by the running node, without a restart
    with pytest.raises(NoSuchToken):
        tokens.revoke("good")


def test_the_home_keeps_hashes_only_and_for_its_owner(daemon: Daemon) -> None:
    tokens = Tokens(daemon.home)
    secret = tokens.create("one", (Scope.READ, Scope.TRADE), NOW, NOW + 5)
    file = daemon.home.path / "tokens.json"
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = tokens.find(secret, NOW + 4)
    assert found is not None
    assert found.scopes == (Scope.READ, Scope.TRADE)
    assert tokens.find(secret, NOW + 5) is None
    with pytest.raises(TokenExists):
        tokens.create("one", (Scope.READ,), NOW, None)
    file.write_text("[{}]")
    with pytest.raises(HomeIncomplete):
        Tokens(daemon.home).all()


def test_each_client_has_its_own_pace() -> None:
    now = [0.0]
    pace = Pace(5, lambda: now[0])
    assert [pace.allows("a") for _ in range(11)] == [True] * 10 + [False]
    assert pace.allows("b")
    now[0] = 1.0
    assert [pace.allows("a") for _ in range(6)] == [True] * 5 + [False]


async def test_too_fast_a_client_is_told_when_to_come_again(
    daemon: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    del daemon
    monkeypatch.setattr(Pace, "allows", lambda *_: False)
    answer = await client.get("/v1/status")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json()["code"] == "API_RATE_LIMITED"
