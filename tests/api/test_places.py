"""Streams have places: so many of one client, so many in all."""

import asyncio
from typing import Any

import httpx
import pytest

from node.api.errors import TooManyStreams
from node.api.places import Places
from node.daemon import Daemon
from node.tokens import Scope, Tokens
from tests.api.served import served

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


def test_a_place_is_free_again_when_it_is_left() -> None:
    places = Places(2, in_all=3)
    with places.taken("a"):
        with places.taken("a"):
            with pytest.raises(TooManyStreams, match="a follows 2"):
                places.check("a")
            places.check("b")
            with places.taken("b"), pytest.raises(TooManyStreams, match="3 followers"):
                places.check("c")
        places.check("a")


@pytest.mark.parametrize("path", ["/v1/events/stream", "/v1/observer/stream"])
async def test_a_client_that_follows_enough_is_refused_and_another_is_not(
    daemon: Daemon, path: str
) -> None:
    tokens = Tokens(daemon.home)
    secrets = [tokens.create(name, (Scope.READ,), 0, None) for name in ("many", "one")]
    async with served(daemon, streams_per_client=2) as at, httpx.AsyncClient() as client:

        def follow(secret: str) -> Any:
            headers = {"Authorization": f"Bearer {secret}"}
            return client.stream("GET", f"http://{at}{path}", headers=headers)

        async with follow(secrets[0]) as first:
            begun = [first.aiter_bytes()]
            assert await anext(begun[0])
            async with follow(secrets[0]) as second:
                begun.append(second.aiter_bytes())
                assert await anext(begun[1])
                async with follow(secrets[0]) as third:
                    assert third.status_code == 429
                    assert third.headers["retry-after"] == "1"
                    await third.aread()
                    assert third.json()["code"] == "API_STREAMS_TAKEN"
                    assert "many follows 2" in third.json()["detail"]
                async with follow(secrets[1]) as other:
                    assert other.status_code == 200
            async with asyncio.timeout(10):  # the node notices that the second has gone
                while True:
                    async with follow(secrets[0]) as again:
                        if again.status_code == 200:
                            break
                    await asyncio.sleep(0.05)
