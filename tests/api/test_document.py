"""The OpenAPI document says what is so: every route's answers fit their schema, errors too."""

from typing import Any

import httpx
import pytest

from ledger import objects as o
from ledger import tables as t
from node.apitypes.shown import Line, Shown, from_json
from node.daemon import Daemon

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_the_document_is_open_api_3_1_and_types_every_answer(
    client: httpx.AsyncClient,
) -> None:
    found = await document(client)
    assert found["openapi"].startswith("3.1")
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], path
            good = [x for status, x in operation["responses"].items() if status[0] == "2"]
            assert good, (path, method)
            for answer in good:
                for kind, media in answer.get("content", {}).items():
                    assert kind == "text/event-stream" or _typed(media["schema"]), (
                        path,
                        method,
                        media,
                    )
            assert "ErrorAnswer" in str(operation["responses"]["422"]), (path, method)


def _typed(schema: dict[str, Any]) -> bool:
    """Not just any object."""
    return "$ref" in schema or schema.get("type") in ("array", "string") or "oneOf" in schema


async def test_every_error_status_has_code_detail_and_remedy(client: httpx.AsyncClient) -> None:
    for path in ("/v1/trades?limit=0", "/v1/trades/none", "/v1/accounts?as_of=x"):
        answer = await client.get(path)
        assert set(answer.json()) == {"code", "detail", "remedy"}, path
    wrong = await client.delete("/v1/status")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "API_METHOD_WRONG")


async def test_a_body_that_is_too_large_is_refused_as_such(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/transactions", json={"tx": "00" * 6_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "API_BODY_TOO_LARGE")


async def test_the_error_of_a_body_names_the_field(client: httpx.AsyncClient) -> None:
    trade = {"uti": "x", "buyer": 7}
    answer = await client.post("/v1/trades", json={"trades": [trade]})
    assert answer.status_code == 400
    assert "buyer" in answer.json()["detail"]


async def test_records_come_back_from_their_json_as_they_were(daemon: Daemon) -> None:
    import msgspec

    state = daemon.shell.tip.state
    for table in t.BY_NAME.values():
        for _, row in state.scan(table):
            kind = Shown[table.row]  # type: ignore[name-defined]
            sent = msgspec.json.decode(msgspec.json.encode(Shown(row).plain()))
            assert from_json(kind, sent).record == row


async def test_a_page_says_where_the_next_begins(client: httpx.AsyncClient) -> None:
    for path in ("/v1/accounts", "/v1/trades", "/v1/rounds", "/v1/blotter", "/v1/tables/balance"):
        whole = (await client.get(path, params={"limit": 500})).json()
        assert whole["next"] is None
        assert whole["items"], path
        pieces: list[Any] = []
        after: str | None = ""
        while after is not None:
            page = (await client.get(path, params={"limit": 2, "after": after})).json()
            pieces += page["items"]
            after = page["next"]
        assert pieces == whole["items"], path


async def test_an_account_as_of_an_earlier_height(
    client: httpx.AsyncClient, daemon: Daemon
) -> None:
    lei, tip = daemon.config.lei, daemon.shell.tip.height
    now = (await client.get(f"/v1/accounts/{lei}")).json()
    assert (await client.get(f"/v1/accounts/{lei}?as_of={tip}")).json() == now
    first = (await client.get(f"/v1/accounts/{lei}?as_of=0")).json()
    assert first["as_of_height"] == 0
    assert first["balances"] != now["balances"]
    assert (await client.get(f"/v1/accounts/{lei}?as_of={tip + 1}")).status_code == 404


def test_a_line_is_one_object_of_both_records() -> None:
    from node.apitypes.answers import BalanceOf

    line = Line(BalanceOf(kind="OWN", reference="", asset="USD"), o.Balance(7, 2))
    sent = line.plain()
    assert sent == {"kind": "OWN", "reference": "", "asset": "USD", "balance": 7, "locked": 2}
    back = from_json(Line[BalanceOf, o.Balance], sent)
    assert (back.extra, back.record) == (line.extra, line.record)


NAMES = {
    "lei": "DCNMEMBER00000000107", "code": "USD", "height": "latest", "number": "1",
    "version": "1", "name": "trade", "uti": "DCNMEMBER00000000107N0",
}  # fmt: skip
MISSING = ("/v1/proposals/{number}", "/v1/proof", "/v1/round-proof", "/v1/observer/cases/{number}")
"""What the filled store has none of."""

QUERIES = {"/v1/proof": "?table=member&key=DCNMEMBER00000000107", "/v1/round-proof": "?number=1"}


async def test_the_answer_of_every_route_fits_its_schema(
    client: httpx.AsyncClient, daemon: Daemon
) -> None:
    schemas = pytest.importorskip("jsonschema_rs")  # of schemathesis
    found = await document(client)
    names = dict(NAMES)
    submitted = await daemon.store.block(daemon.shell.tip.height)
    assert submitted is not None
    names["ident"] = (await _first_submission(daemon)).hex()
    calls = (await client.get("/v1/observer/calls?which=all")).json()["calls"]
    names["call"] = calls[0]["id"]
    for template, methods in found["paths"].items():
        if "get" not in methods or template.endswith("/stream"):
            continue
        path = template.format(**names) + QUERIES.get(template, "")
        answer = await client.get(path)
        documented = methods["get"]["responses"][str(answer.status_code)]["content"]
        if "application/json" not in documented:
            continue
        schema = documented["application/json"]["schema"]
        judge = schemas.Draft202012Validator({**schema, "components": found["components"]})
        errors = [f"{x.instance_path}: {x.message[:300]}" for x in judge.iter_errors(answer.json())]
        assert not errors, (path, errors[:3])
        if template not in MISSING:
            assert answer.status_code == 200, (path, answer.text[:300])


async def _first_submission(daemon: Daemon) -> bytes:
    cursor = await daemon.store.db.execute("SELECT tx_id FROM submissions LIMIT 1")
    row = await cursor.fetchone()
    assert row is not None
    return bytes(row[0])
