"""Every view answers as JSON, as CSV and as a page."""

import csv
import io
import re
from collections import defaultdict
from typing import Any

import httpx
import pytest

from node.config import AlertsSection
from node.observer.alerts import reading
from node.observer.alerts.watch import watched
from node.observer.feed import Feed
from node.observer.views import calls, explorer, members, network, search
from node.viewing.viewer import Viewer, looking

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

LEI = "DCNMEMBER00000000107"
VIEWS = (
    "/network",
    "/exposures",
    "/exposures?date=20080912&kind=payments&netting=left",
    "/members",
    f"/members/{LEI}",
    "/rounds",
    "/rounds/1",
    "/calls",
    "/calls?which=all",
    "/fund",
    "/cases",
    "/blocks",
    "/blocks?before=10",
    "/blocks/9",
    "/trades",
    f"/trades?member={LEI}&state=LIVE&limit=3",
    f"/trades/{LEI}N0",
    "/search?q=DCN",
    "/search?q=9",
    f"/whatif/{LEI}",
    "/alerts",
    "/alerts?which=all",
    "/reports",
    "/reports/trades",
    f"/reports/trades?date=20080912&member={LEI}",
    "/reports/pqd",
    "/reports/daily",
    "/reports/daily?date=20080912",
)


async def test_every_view_has_three_forms_that_say_the_same(client: httpx.AsyncClient) -> None:
    for view in VIEWS:
        answer = await client.get(f"/v1/observer{view}")
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert said["as_of_height"] == 40
        page = await client.get(view)
        assert page.status_code == 200, page.text
        assert "<h1>" in page.text
        for name, rows in said.items():
            if isinstance(rows, list) and rows and isinstance(rows[0], dict):
                await _is_exported(client, view, name, rows)


async def _is_exported(
    client: httpx.AsyncClient, view: str, name: str, rows: list[dict[str, Any]]
) -> None:
    """A table's lines name their height and rule, and are all in the CSV."""
    if name != "cure":
        assert {"height", "rule"} <= set(rows[0]), (view, name)
    joint = "&" if "?" in view else "?"
    table = await client.get(f"/v1/observer{view}{joint}format=csv&table={name}")
    assert table.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(table.text)))
    assert len(lines) == len(rows) + 1
    assert sorted(lines[0]) == sorted(rows[0])


async def test_what_is_not_there_or_not_asked_well_is_said_in_the_one_form(
    client: httpx.AsyncClient,
) -> None:
    for path, status in {
        "/blocks/999": 404, "/blocks/x": 400, "/trades/none": 404, "/members/none": 404,
        "/rounds/99": 404, "/cases/1": 404, "/exposures?date=20010101": 404,
        f"/transactions/{'0' * 64}": 404, f"/calls/{'0' * 64}": 404, "/calls/zz": 400,
        "/whatif/none": 404, "/trades?limit=0": 400, "/trades?limit=501": 400,
        "/blocks?before=-1": 400, f"/search?q={'x' * 101}": 400, "/exposures?kind=odd": 400,
        "/members?format=xml": 400, "/members?format=csv&table=odd": 400,
        f"/blocks?before={10**30}": 400, f"/exposures?date={10**30}": 400,
    }.items():  # fmt: skip
        answer = await client.get(f"/v1/observer{path}")
        assert answer.status_code == status, (path, answer.text)
        assert set(answer.json()) == {"code", "detail", "remedy"}
        if "format" not in path:
            page = await client.get(path)
            assert page.status_code == status, path
            assert answer.json()["code"] in page.text


async def test_pages_of_a_view_follow_each_other_without_a_gap(client: httpx.AsyncClient) -> None:
    for path, table, key in (
        ("/trades?", "trades", "after"),
        (f"/trades?member={LEI}&", "trades", "after"),
        ("/blocks?", "blocks", "before"),
        ("/rounds?", "rounds", "before"),
        ("/calls?which=all&", "calls", "before"),
    ):
        whole = (await client.get(f"/v1/observer{path}limit=500")).json()
        assert whole["next"] is None
        assert whole[table]
        pieces: list[Any] = []
        following: Any = None
        while True:
            where = "" if following is None else f"&{key}={following}"
            page = (await client.get(f"/v1/observer{path}limit=2{where}")).json()
            pieces += page[table]
            following = page["next"]
            if following is None:
                break
        assert pieces == whole[table], path


async def test_search_finds_anything_by_its_beginning(client: httpx.AsyncClient) -> None:
    async def found(query: str) -> set[tuple[str, str]]:
        answer = await client.get("/v1/observer/search", params={"q": query})
        return {(hit["kind"], hit["path"]) for hit in answer.json()["hits"]}

    block = (await client.get("/v1/observer/blocks/9")).json()
    tx = block["transactions"][0]["id"]
    call = (await client.get("/v1/observer/calls?which=all")).json()["calls"][0]["id"]
    assert await found(block["block"]["id"][:10]) == {("block", "/blocks/9")}
    assert await found(tx[:12]) == {("transaction", f"/transactions/{tx}")}
    assert await found(tx.upper()) == {("transaction", f"/transactions/{tx}")}
    assert await found(call[:12]) == {("call", f"/calls/{call}")}
    assert ("block", "/blocks/9") in await found("9")
    assert ("round", "/rounds/2") in await found("2")
    assert ("round", "/rounds/1") in await found("20080912")
    assert ("member", f"/members/{LEI}") in await found("member 1")
    assert ("member", f"/members/{LEI}") in await found(LEI[:18].lower())
    assert await found(f"{LEI}N0") == {("trade", f"/trades/{LEI}N0")}
    for odd in ("", " ", "%", "_", "'", '"; DROP TABLE trades', "\\", "\x00", "é"):
        assert await found(odd) == set(), odd


GROWING = re.compile(
    r"SCAN (trades|transactions|blocks|calls|contract_steps|looks|disputes|a)(?! USING)"
)
READS = (
    lambda db: network.decided_blocks(db, 100),
    lambda db: explorer._block(db, 9, -1, 100),
    lambda db: explorer._trades(db, "", "", "", 50),
    lambda db: explorer._trades(db, LEI, "LIVE", LEI, 50),
    lambda db: list(search._hits(db, "deadbeef")),
    lambda db: list(search._hits(db, "12345")),
    lambda db: members._positions(db, LEI),
    lambda db: members._calls(db, LEI),
    lambda db: members._from_calls(db, defaultdict(members._Sums), ""),
    calls._open,
    reading._open,
    lambda db: reading._all(db, None, 100),
    lambda db: reading.changed_since(db, 39),
    lambda db: watched(db, AlertsSection()),
    lambda db: calls._all(db, None, 100),
)


async def test_no_view_looks_through_a_table_that_grows(feed: Feed) -> None:
    """With an index, whatever is asked of trades, transactions, blocks, calls and balances."""
    looked: list[str] = []
    with looking(Viewer("test", everything=True)), feed.readers.reader() as db:
        kept = db._db
        views: list[tuple[str, tuple[Any, ...]]] = []
        kept.set_trace_callback(lambda query: views.append((query, ())))
        for read in READS:
            read(db)
        kept.set_trace_callback(None)
        for query, values in views:
            if query.startswith("SELECT"):
                for *_, plan in kept.execute(f"EXPLAIN QUERY PLAN {query}", values):
                    if GROWING.match(plan):
                        looked.append(f"{plan}: {query}")
    assert looked == []


def test_every_event_of_a_case_has_its_sentence() -> None:
    from typing import get_args

    from ledger.events import Event
    from node.observer.views.cases import TOLD

    of_cases = [kind for kind in get_args(Event) if "case" in kind.__struct_fields__]
    assert {kind.__name__ for kind in of_cases} == set(TOLD)
    for kind in of_cases:
        named = set(re.findall(r"\{(\w+)\}", TOLD[kind.__name__]))
        assert named <= set(kind.__struct_fields__), kind
