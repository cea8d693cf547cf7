"""Every view answers as JSON, as CSV and as a page."""

import csv
import io

import httpx
import pytest

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
)


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_has_three_forms(client: httpx.AsyncClient, view: str) -> None:
    answer = await client.get(f"/v1/observer{view}")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["as_of_height"] == 40
    page = await client.get(view)
    assert page.status_code == 200, page.text
    assert "<h1>" in page.text
    for name, rows in said.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            assert {"height", "rule"} <= set(rows[0]), name
            joint = "&" if "?" in view else "?"
            table = await client.get(f"/v1/observer{view}{joint}format=csv&table={name}")
            assert table.headers["content-type"].startswith("text/csv")
            lines = list(csv.reader(io.StringIO(table.text)))
            assert len(lines) == len(rows) + 1
            assert sorted(lines[0]) == sorted(rows[0])
