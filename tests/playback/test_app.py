"""A replay over HTTP: the node's page and views, the controls, and who may use them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from node.api.access import ALLOWED
from node.api.places import Places
from node.home import Home
from node.observer.live import stream_route
from node.observer.store import FILE
from node.playback.app import replay_app
from node.playback.sight import PlayedSight
from node.playback.span import Wanted
from node.tokens import Looking, Scope, Tokens
from tests.observer.conftest import client_of
from tests.playback.conftest import Incident, Replayed

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

COOKIE = "dcn_replay_1"


@pytest.fixture
def app(home: Home, whole: Replayed, tmp_path: Path) -> Iterator[Any]:
    sight = PlayedSight(tmp_path / FILE, whole.player)
    yield replay_app(home, whole.player, sight, COOKIE)
    sight.close()


@pytest.fixture
async def client(home: Home, app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app, home.token()) as made:
        yield made


async def told(client: httpx.AsyncClient, what: str, **body: Any) -> Any:
    answer = await client.post(f"/v1/replay/{what}", json=body or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_page_is_the_node_s_with_a_banner(
    client: httpx.AsyncClient, whole: Replayed, incident: Incident
) -> None:
    last = len(incident.world.seen)
    await told(client, "jump", to=str(last))
    whole.settle()
    for view in ("/", "/exposures", "/members", "/rounds", "/calls?which=all", "/fund", "/cases",
                 "/cases/1", "/blocks", "/trades", "/search?q=DCN", "/looks"):  # fmt: skip
        page = await client.get(view)
        assert page.status_code == 200, page.text
        assert "Replay of" in page.text
        assert f'<strong id="r-height">{last}</strong>' in page.text
        assert 'src="/static/replay.js"' in page.text
        said = (await client.get("/v1/observer" + ("/network" if view == "/" else view))).json()
        assert said["as_of_height"] == last
    assert (await client.get("/static/replay.js")).status_code == 200


async def test_what_if_is_asked_of_the_state_that_is_shown(
    client: httpx.AsyncClient, whole: Replayed, incident: Incident
) -> None:
    seen, who = incident.world.seen, incident.world.members[0].lei
    declared = next(mark.height for mark in whole.reel.marks if "is in default" in mark.what)
    for height in (declared - 3, declared - 1):
        await told(client, "jump", to=str(height))
        whole.settle()
        found = (await client.get(f"/v1/observer/whatif/{who}")).json()
        assert found["as_of_height"] == height
        assert found["state_root"] == seen[height - 1].applied.state.root.hex()
    await told(client, "jump", to="2")  # before anything is marked
    whole.settle()
    refused = await client.get(f"/v1/observer/whatif/{who}")
    assert (refused.status_code, refused.json()["code"]) == (422, "OBSERVER_REHEARSAL_REFUSED")


async def test_it_is_wound_by_api(client: httpx.AsyncClient, whole: Replayed) -> None:
    assert (await told(client, "step"))["jumping_to"] == 1
    whole.settle()
    at = (await client.get("/v1/replay")).json()
    assert (at["height"], at["playing"], at["jumping_to"], at["due_ms"]) == (1, False, None, None)
    assert (await told(client, "play"))["due_ms"] == 1_000
    assert (await told(client, "speed", speed=4))["due_ms"] == 250
    whole.clock.now_s += 0.5
    whole.settle()
    assert (await told(client, "pause"))["height"] == 3
    marks = (await client.get("/v1/replay/marks")).json()
    found = next(one["height"] for one in marks if one["kind"] == "late")
    assert (await told(client, "jump", next="late"))["jumping_to"] == found
    whole.settle()
    assert (await told(client, "jump", to="2023-11-14T22:13:27"))["jumping_to"] == 7
    whole.settle()
    assert (await client.get("/v1/health")).json() == {"status": "ok", "height": 7}


async def test_what_cannot_be_done_is_said_in_the_one_form(client: httpx.AsyncClient) -> None:
    for path, body, status, code in (
        ("jump", {"to": "9999"}, 422, "REPLAY_OUTSIDE"),
        ("jump", {"to": "soon"}, 422, "REPLAY_MOMENT"),
        ("jump", {}, 422, "REPLAY_MOMENT"),
        ("jump", {"to": "3", "next": "late"}, 422, "REPLAY_MOMENT"),
        ("jump", {"next": "rain"}, 400, "API_BAD_REQUEST"),
        ("jump", {"too": "3"}, 400, "API_BAD_REQUEST"),
        ("speed", {"speed": -1}, 400, "API_BAD_REQUEST"),
        ("speed", {"speed": 1e9}, 400, "API_BAD_REQUEST"),
        ("speed", None, 400, "API_BAD_REQUEST"),
        ("rewind", None, 404, "API_NOT_FOUND"),
    ):
        answer = await client.post(f"/v1/replay/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    document = (await client.get("/v1/openapi.json")).json()
    assert document["info"]["title"] == "DCN replay"
    assert {"/v1/replay", "/v1/replay/jump", "/v1/observer/cases"} <= set(document["paths"])
    assert "/v1/transactions" not in document["paths"]


async def test_a_token_of_the_home_is_the_only_way_in(app: Any, home: Home) -> None:
    async with client_of(app) as client:
        assert (await client.get("/members")).status_code == 303
        for path in ("/v1/replay", "/v1/replay/marks", "/v1/observer/network"):
            assert (await client.get(path)).status_code == 401
        assert (await client.post("/v1/replay/step")).status_code == 401
    trades = Tokens(home).create("trades", (Scope.TRADE,), 0, None)
    async with client_of(app, trades) as client:
        assert (await client.post("/v1/replay/step")).status_code == 403


async def test_a_session_winds_by_the_page_s_own_scripts_only(app: Any, home: Home) -> None:
    async with client_of(app) as client:
        answer = await client.post("/login", data={"token": home.token()})
        assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
        assert (await client.post("/v1/replay/step")).status_code == 401  # as another site would
        by_page = {"DCN-Page": "replay"}
        assert (await client.post("/v1/replay/step", headers=by_page)).status_code == 200
        assert (await client.post("/logout")).status_code == 303
        assert (await client.post("/v1/replay/step", headers=by_page)).status_code == 401


async def test_where_the_node_shows_its_own_the_replay_shows_no_more(
    home: Home, tmp_path: Path, incident: Incident
) -> None:
    me = incident.world.members[0]
    text = home.config_file.read_text().replace(incident.world.observer.lei, me.lei)
    home.config_file.write_text(text)  # and it shows everything, which no trading member's does
    (tmp_path / "own").mkdir()
    replay = Replayed(home, Wanted(), tmp_path / "own", 0)
    sight = PlayedSight(tmp_path / "own" / FILE, replay.player)
    app = replay_app(home, replay.player, sight, COOKIE)
    replay.player.play()
    replay.settle()
    async with client_of(app, home.token()) as client:
        found = (await client.get("/v1/observer/trades?limit=500")).json()["trades"]
        assert found
        assert all(me.lei in (one["buyer"], one["seller"]) for one in found)
        every = incident.live[replay.player.height]["trades"]
        assert len(found) < len(every)
        other = incident.world.members[1].lei
        assert (await client.get(f"/v1/observer/whatif/{other}")).status_code == 403
    sight.close()
    replay.store.close()


async def test_a_person_under_a_mandate_is_sent_to_where_looks_are_recorded(
    app: Any, home: Home
) -> None:
    looking = Looking("inspector 7", "M1", "complaint 12/24")
    person = Tokens(home).create("inspector", (Scope.READ,), 0, None, looking)
    async with client_of(app, person) as client:
        for path in ("/v1/observer/members", "/v1/replay", "/members", "/v1/observer/stream"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "VIEW_NOT_YOURS" in answer.text


async def test_the_stream_tells_of_blocks_and_of_the_replay(
    whole: Replayed, tmp_path: Path
) -> None:
    player = whole.player
    player._loop = asyncio.get_running_loop()
    route = stream_route(player, Places(1), PlayedSight(tmp_path / FILE, player))

    class Asked:
        state: ClassVar[dict[str, Any]] = {ALLOWED: lambda: True, "client": "somebody"}

    answer = await route.fn(Asked())
    messages = answer.iterator

    async def next_one() -> tuple[str, str]:
        async with asyncio.timeout(10):
            found = await anext(messages)
        fields = dict(line.split(": ", 1) for line in found.decode().splitlines() if line)
        return fields["event"], fields["data"]

    assert await next_one() == ("block", "0")
    kind, data = await next_one()
    assert (kind, '"playing":false' in data) == ("replay", True)
    player.step()
    kind, data = await next_one()
    assert (kind, '"jumping_to":1' in data) == ("replay", True)
    whole.settle()
    assert await next_one() == ("block", "1")
    assert (await next_one())[0] == "replay"
