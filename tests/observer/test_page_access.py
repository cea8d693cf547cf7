"""Who gets at the page: a token once, a session that only reads, nothing from elsewhere."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from node.api.sessions import SESSION_MS, SESSIONS_MAX, Sessions
from node.daemon import Daemon
from node.observer.app import POLICY
from node.observer.showing import HERE
from node.shell import now_ms
from node.tokens import Scope, Tokens
from tests.observer.conftest import client_of

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


@asynccontextmanager
async def signed_in(app: Any, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has a session."""
    async with client_of(app) as client:
        answer = await client.post("/login", data={"token": secret})
        assert answer.status_code == 303, answer.text
        yield client


async def test_without_a_token_every_view_leads_to_the_way_in(app: Any) -> None:
    async with client_of(app) as client:
        for path in ("/", "/members", "/cases/1", "/whatif/DCNMEMBER00000000107"):
            answer = await client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?next=")
        for path in ("/v1/observer/network", "/v1/observer/stream"):
            assert (await client.get(path)).status_code == 401
        part = await client.get("/", headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/login")


async def test_a_session_reads_and_does_nothing_else(app: Any, daemon: Daemon) -> None:
    async with signed_in(app, daemon.home.token()) as client:
        assert (await client.get("/members")).status_code == 200
        assert (await client.get("/v1/observer/members")).status_code == 200
        for path in ("/v1/transactions", "/v1/trades", "/v1/blotter", "/v1/evidence"):
            answer = await client.post(path, json={})
            assert (answer.status_code, answer.json()["code"]) == (401, "API_UNAUTHORISED"), path
        assert (await client.post("/logout")).status_code == 303
        assert (await client.get("/members")).status_code == 303


async def test_the_cookie_is_for_this_site_and_for_no_script(app: Any, daemon: Daemon) -> None:
    async with client_of(app) as client:
        answer = await client.post("/login", data={"token": daemon.home.token()})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert daemon.home.token() not in cookie


async def test_signing_in_leads_nowhere_else(app: Any, daemon: Daemon) -> None:
    for wanted, got in {
        "/rounds": "/rounds", "//evil.example": "/", "https://evil.example": "/",
        "/\\evil.example": "/", "": "/",
    }.items():  # fmt: skip
        async with client_of(app) as client:
            data = {"token": daemon.home.token(), "next": wanted}
            answer = await client.post("/login", data=data)
            assert answer.headers["location"] == got


async def test_a_token_that_may_not_read_or_is_revoked_or_expired_is_no_way_in(
    app: Any, daemon: Daemon
) -> None:
    tokens = Tokens(daemon.home)
    trades = tokens.create("trades", (Scope.TRADE,), now_ms(), None)
    reads = tokens.create("reads", (Scope.READ,), now_ms(), None)
    async with client_of(app) as client:
        for secret, status in ((trades, 403), ("nothing", 401), ("", 401)):
            answer = await client.post("/login", data={"token": secret})
            assert answer.status_code == status
            assert "set-cookie" not in answer.headers
    async with signed_in(app, reads) as client:
        assert (await client.get("/")).status_code == 200
        tokens.revoke("reads")
        assert (await client.get("/")).status_code == 303


def test_sessions_end_and_do_not_pile_up() -> None:
    sessions = Sessions()
    first = sessions.begin("a", 1_000)
    assert sessions.token(first, 1_000 + SESSION_MS - 1) == "a"
    assert sessions.token(first, 1_000 + SESSION_MS) is None
    idents = [sessions.begin(str(n), 0) for n in range(SESSIONS_MAX + 1)]
    assert sessions.token(idents[0], 1) is None
    assert sessions.token(idents[-1], 1) == str(SESSIONS_MAX)


async def test_pages_run_nothing_but_the_package_s_files(client: httpx.AsyncClient) -> None:
    for path in ("/", "/exposures", "/members", "/rounds/1", "/login"):
        answer = await client.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        for source in re.findall(r"""(?:src|href|action)=["']([^"']*)""", answer.text):
            assert source.startswith(("/", "?", "#", "data:,")), source
            if source.startswith("/static/"):
                assert (await client.get(source)).status_code == 200, source
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.text), path


def test_vendored_files_are_those_written_down() -> None:
    import hashlib

    said = (HERE / "static/VENDORED.md").read_text()
    files = [p for p in sorted((HERE / "static/vendor").iterdir()) if p.suffix in (".js", ".css")]
    assert files
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in said, path
    for name in re.findall(r"\((\w+\.LICENSE)", said):
        assert (HERE / "static/vendor" / name).is_file()


async def test_what_members_wrote_is_text_on_the_page(
    client: httpx.AsyncClient, app: Any, feed: Any
) -> None:
    from node.observer.catching_up import store_of

    store = store_of(feed._daemon.home)
    nasty = "<script>alert(1)</script>\"'>"
    store.db.execute("UPDATE members SET name=? WHERE trades_here", (nasty,))
    store.db.execute("UPDATE trades SET reference=?", (nasty,))
    store.close()
    app.state["sight"]._lexicon = None
    for path in ("/members", "/trades/DCNMEMBER00000000107N0", "/rounds/1", f"/search?q={nasty}"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    table = await client.get("/v1/observer/trades?format=csv")
    assert nasty.replace('"', '""') in table.text


def test_no_cell_of_an_export_is_a_formula(tmp_path: Path) -> None:
    from node.observer.showing import _cell

    assert _cell("=cmd|' /C calc'!A0") == "'=cmd|' /C calc'!A0"
    assert _cell(-5) == "-5"
    assert _cell(["a", "b"]) == '["a","b"]'
