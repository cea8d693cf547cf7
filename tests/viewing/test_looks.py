"""A person's look is recorded or refused; what is public is no look at anybody."""

from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger import objects as o
from ledger.mandates import digest_of
from node.daemon import Daemon
from node.storage.looks import COMMITTED, DISCLOSED, MADE, Register
from tests.viewing.conftest import MEMBERS, WATCH, client_of, person
from wire.codec import Digest

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

PUBLIC = ("/v1/status", "/v1/rulebook", "/v1/rounds", "/v1/observer/network", "/v1/observer/blocks",
    "/v1/observer/rounds", "/v1/observer/looks", "/v1/tables/mandate",
    "/v1/observer/reports", "/reports/pqd", "/v1/events?kind=DateClosed",
)  # fmt: skip
LOOKS = ("/v1/trades", "/v1/observer/trades", f"/v1/accounts/{MEMBERS[1]}", "/v1/tables/balance",
    f"/members/{MEMBERS[1]}", "/v1/observer/members?format=csv&table=figures", "/trades",
    "/v1/events?kind=TradeRegistered", f"/v1/observer/search?q={MEMBERS[1]}", "/v1/blocks/9",
    "/v1/observer/reports/trades", "/reports/trades", "/reports/daily", "/v1/observer/alerts",
)  # fmt: skip


async def test_a_look_that_cannot_go_on_record_is_refused(authority: tuple[Daemon, Any]) -> None:
    daemon, app = authority  # it has no peers
    async with client_of(app, person(daemon, "ALL")) as client:
        for path in LOOKS:
            answer = await client.get(path)
            assert (answer.status_code, "LOOK_REFUSED" in answer.text) == (503, True), path
            assert "N1" not in answer.text
        for path in PUBLIC:
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text)
    with closing(Register(daemon.home.data)) as kept:
        assert kept.open() == []


async def test_a_person_follows_no_stream_and_sees_nothing_of_the_node_s_own(
    authority: tuple[Daemon, Any],
) -> None:
    daemon, app = authority

    async def code(client: httpx.AsyncClient, path: str) -> str:
        answer = await client.get(path)
        return str(answer.json()["code"])

    async with client_of(app, person(daemon, "ALL")) as client:
        for path in (
            "/v1/blotter",
            "/v1/sign",
            f"/v1/transactions/{'0' * 64}",
            "/v1/events/stream",
        ):
            assert await code(client, path) == "VIEW_NOT_YOURS", path


def look(number: int) -> o.Look:
    return o.Look(
        authority=MEMBERS[0], mandate="M", person="p", member=MEMBERS[1], what=f"/{number}",
        height=1, time_ms=1_000 + number, purpose="why", salt=bytes(32),
    )  # fmt: skip


def test_the_register_keeps_a_look_until_it_is_disclosed(tmp_path: Path) -> None:
    register = Register(tmp_path)
    first, second = look(1), look(2)
    register.put([first, second], routine=False, disclosure_blocks=9, asked=4)
    assert register.seen_since(first, 1_001)
    assert not register.seen_since(first, 1_002)
    register.drop([second])
    digest = Digest(digest_of(first))
    register.step(digest, COMMITTED, 30)
    register.drop([first])  # what is on the ledger is never forgotten
    register.close()
    again = Register(tmp_path)
    (kept,) = again.open()
    assert (kept.look, kept.state, kept.due, kept.asked) == (first, COMMITTED, 30, 0)
    again.ask([digest], 12)
    assert again.open()[0].asked == 12
    again.step(digest, DISCLOSED, 0)
    assert again.open() == []
    again.close()
    assert MADE < COMMITTED < DISCLOSED
    assert WATCH
