"""Every route and page, asked by viewers of each kind: none learns a stranger's terms.

What must stay hidden is found in the store itself: the identifiers of strangers' trades, calls and
transactions, and every amount that stands in a row of strangers and in none that the viewer sees.
"""

import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.actions import RegisterTrade
from ledger.state import State
from ledger.transactions import unsigned
from node.blotter import fields_of
from node.daemon import Daemon
from node.plain import plain
from tests.viewing.conftest import MEMBERS, client_of, person
from wire.codec import encode

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

AMOUNT_MIN = 100_000
"""Smaller numbers stand for anything; these are somebody's."""

PUBLIC_TABLES = ("network", "rulebook", "asset", "mark", "instrument", "round", "nonce",
    "rulebook_version", "recent_block", "consensus_key", "member", "minting", "default_fund",
)  # fmt: skip
"""Rows with totals, prices, limits of the rulebook, and what a register says."""

HOLDING = ("balance", "trade", "netting_set", "obligation", "call", "pay_in", "flow", "limit",
    "contribution", "agreed_im", "csa", "dispute",
)  # fmt: skip


def amounts(value: Any) -> set[int]:
    """Every amount in JSON."""
    match value:
        case bool():
            return set()
        case int():
            return {abs(value)} if abs(value) >= AMOUNT_MIN else set()
        case dict():
            return amounts(list(value.values()))
        case list():
            return {amount for item in value for amount in amounts(item)}
        case _:
            return set()


def rows(state: State, names: Iterable[str]) -> list[tuple[str, Any]]:
    """(everything a row says as text, its JSON) of tables."""
    found = []
    for name in names:
        table = t.BY_NAME[name]
        for key, row in state.scan(table):
            said = [plain(table.parts(key)), plain(row)]
            found.append((msgspec.json.encode(said).decode(), said))
    return found


def secrets_of(state: State, seen: Iterable[str]) -> tuple[set[str], set[int]]:
    """Identifiers and amounts of who sees business of `seen` and no other."""
    texts: set[str] = set()
    hidden: set[int] = set()
    open_: set[int] = set()
    for text, said in rows(state, HOLDING):
        strange = not any(lei in text for lei in seen)
        (hidden if strange else open_).update(amounts(said))
        if strange:
            texts |= set(re.findall(r"DCNMEMBER\d{11}N\d+", text))
    for _, said in rows(state, PUBLIC_TABLES):
        open_ |= amounts(said)
    return texts, hidden - open_


async def paths(app: Any, everything: httpx.AsyncClient | None = None) -> list[str]:
    """Every GET route of the document and every page, with identifiers of everybody's."""
    del everything
    document = app.openapi_schema.to_schema()["paths"]
    daemon_names = {
        "lei": list(MEMBERS), "code": ["USD"], "height": ["latest", "2", "9", "21"],
        "number": ["1", "2"], "version": ["1"], "name": sorted(t.BY_NAME),
        "uti": [f"{MEMBERS[n % 4]}N{n}" for n in range(12)],
        "ident": [], "call": [],
    }  # fmt: skip
    found = []
    for template, methods in document.items():
        if "get" not in methods or template.endswith("/stream"):
            continue
        (name,) = re.findall(r"{(\w+)}", template) or [""]
        found += [template.replace(f"{{{name}}}", x) for x in daemon_names.get(name, [""])]
    found += [f"{p}?limit=500" for p in found if p in ("/v1/events", "/v1/trades", "/v1/accounts")]
    found += [f"/v1/tables/{name}?limit=500" for name in sorted(t.BY_NAME)]
    found += [f"/v1/events?limit=500&member={lei}" for lei in MEMBERS]
    found += [f"/v1/observer/trades?member={lei}" for lei in MEMBERS]
    found += ["/v1/observer/calls?which=all", "/v1/observer/exposures?date=20080912"]
    found += ["/v1/observer/exposures?date=20080912&kind=payments", "/v1/accounts?as_of=12"]
    found += [f"/v1/accounts/{lei}?as_of=12" for lei in MEMBERS]
    found += [f"/v1/observer/search?q={q}" for q in ("DCN", "9", "a", "b", "c", "0", "1")]
    found += [f"/v1/proof?table=balance&key={lei}&key=USD" for lei in MEMBERS]
    found += [f"/v1/proof?table=trade&key={MEMBERS[n % 4]}N{n}" for n in range(12)]
    found += [f"/v1/round-proof?number=1&party={lei}" for lei in MEMBERS]
    views = [path for path in found if path.startswith("/v1/observer/")]
    found += [path.removeprefix("/v1/observer") for path in views if "/stream" not in path]
    found += [f"{path}{'&' if '?' in path else '?'}format=csv" for path in views]
    return [path for path in dict.fromkeys(found) if "/whatif/" not in path]


NOT_TERMS = ("/v1/openapi.json", "/metrics", "/v1/light/", "/v1/blotter")
"""Public by their nature, or what the node's own member has entered by itself."""


async def leaks(
    client: httpx.AsyncClient, app: Any, state: State, seen: Iterable[str]
) -> AsyncIterator[str]:
    """What a viewer learns that it must not."""
    texts, hidden = secrets_of(state, seen)
    assert texts or len(list(seen)) > 1
    asked = await paths(app)
    for path in asked:
        if path.startswith(NOT_TERMS):
            continue
        answer = await client.get(path)
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code in {404, 403}:
            continue  # it says back what was asked, and no more
        own = {text for text in texts if text in path}
        for text in texts - own:
            if text in answer.text:
                yield f"{path}: {text}"
        numbers = {int(x.replace(",", "")) for x in re.findall(r"\d[\d,]{5,}", answer.text)}
        pages = not path.startswith("/v1/")  # amounts there are in units, with two decimals
        cents = {int(x.replace(",", "").replace(".", "")) for x in re.findall(
            r"\d[\d,]*\.\d\d\b", answer.text
        )}  # fmt: skip
        for number in hidden & (numbers | (cents if pages else set())):
            yield f"{path}: {number}"


async def found(source: AsyncIterator[str]) -> list[str]:
    return [one async for one in source]


async def test_a_member_learns_no_stranger_s_terms(member: tuple[Daemon, Any]) -> None:
    daemon, app = member
    state = daemon.shell.tip.state
    async with client_of(app, daemon.home.token()) as client:
        assert await found(leaks(client, app, state, (MEMBERS[0],))) == []
        own = (await client.get("/v1/trades?limit=500")).json()["items"]
        assert len(own) == sum(MEMBERS[0] in text for text, _ in rows(state, ("trade",)))
        mine = (await client.get(f"/v1/accounts/{MEMBERS[0]}")).json()
        assert mine["balances"]
        assert mine["netting_sets"]


async def test_an_authority_without_a_mandate_sees_what_is_public(
    authority: tuple[Daemon, Any],
) -> None:
    daemon, app = authority
    async with client_of(app, daemon.home.token()) as client:
        assert await found(leaks(client, app, daemon.shell.tip.state, ())) == []
        said = (await client.get("/v1/observer/network")).json()
        assert {one["what"]: one["count"] for one in said["counts"]}["live contracts"] == 12
        assert (await client.get("/v1/observer/rounds")).json()["rounds"]
        assert len((await client.get("/v1/observer/members")).json()["members"]) > 4


@pytest.mark.parametrize(("reference", "seen"), [("SECOND", MEMBERS[1:2]), ("PAIR", MEMBERS[1:3])])
async def test_a_person_sees_the_members_of_the_mandate(
    authority: tuple[Daemon, Any], free_looks: None, reference: str, seen: tuple[str, ...]
) -> None:
    del free_looks
    daemon, app = authority
    state = daemon.shell.tip.state
    async with client_of(app, person(daemon, reference)) as client:
        assert await found(leaks(client, app, state, seen)) == []
        shown = (await client.get("/v1/trades?limit=500")).json()["items"]
        wanted = [text for text, _ in rows(state, ("trade",)) if any(x in text for x in seen)]
        assert len(shown) == len(wanted) > 0
        for path in ("trades", "exposures"):
            said = (await client.get(f"/v1/observer/{path}")).json()[path]
            assert said
        assert (await client.get(f"/v1/observer/members/{seen[0]}")).status_code == 200
        assert (await client.get(f"/v1/observer/members/{MEMBERS[3]}")).status_code == 403


async def test_products_and_dates_of_a_mandate_bind(
    authority: tuple[Daemon, Any], free_looks: None
) -> None:
    del free_looks
    daemon, app = authority
    state = daemon.shell.tip.state
    for reference, sees in (
        ("ALL", True),
        ("FORWARDS", True),
        ("CURRENCY", False),
        ("LATER", False),
    ):
        async with client_of(app, person(daemon, reference)) as client:
            for path in ("/v1/trades", "/v1/observer/trades", "/v1/observer/exposures"):
                body = (await client.get(path)).json()
                shown = body.get("items") or body.get("trades") or body.get("exposures")
                assert bool(shown) == sees, (reference, path)
            if not sees:
                assert await found(leaks(client, app, state, ())) == []


async def test_a_mandate_that_has_ended_shows_nothing_more(authority: tuple[Daemon, Any]) -> None:
    daemon, app = authority
    async with client_of(app, person(daemon, "NEVER")) as client:
        answer = await client.get("/v1/trades")
        assert (answer.status_code, answer.json()["code"]) == (403, "VIEW_NO_MANDATE")


async def test_nothing_is_told_of_a_stranger_s_transaction(member: tuple[Daemon, Any]) -> None:
    daemon, app = member
    contracts = [row for _, row in daemon.shell.tip.state.scan(t.CONTRACTS)]
    other = next(x.trade for x in contracts if MEMBERS[0] not in (x.trade.buyer, x.trade.seller))
    tx = unsigned(daemon.shell.tip.chain_id, RegisterTrade(other), nonce=0, valid_until=99)
    async with client_of(app, daemon.home.token()) as client:
        for path, body in (
            ("/v1/transactions/check", {"tx": encode(tx).hex()}),
            ("/v1/trades/check", {"trades": [fields_of(other)]}),
        ):
            answer = await client.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "VIEW_NOT_YOURS"), path
        for lei in MEMBERS[1:]:
            answer = await client.get(f"/v1/observer/whatif/{lei}")
            assert (answer.status_code, answer.json()["code"]) == (403, "VIEW_NOT_YOURS")


def test_every_kind_of_row_is_somebody_s_or_public() -> None:
    from node.viewing import concerns

    named = {table.tag for table in concerns.PUBLIC_TABLES} | set(concerns._BY_KEY)
    by_row = {o.Contract, o.Obligation, o.MarginCall, o.Dispute, o.Batch, o.CloseOut, o.Minting,
        o.Pending, o.ContractValue}  # fmt: skip
    rest = {x.name for x in t.BY_NAME.values() if x.tag not in named and x.row not in by_row}
    assert rest == set()


def test_every_event_and_transaction_is_somebody_s_or_public() -> None:
    import typing

    from ledger import actions as act
    from ledger import events as e
    from node.viewing import concerns

    def fields(kind: Any) -> set[str]:
        found = set(kind.__struct_fields__)
        for field in msgspec.structs.fields(kind):
            inner = [field.type, *typing.get_args(field.type)]
            for one in inner:
                if hasattr(one, "__struct_fields__"):
                    found |= set(one.__struct_fields__)
        return found

    public = (*concerns.PUBLIC_EVENTS, *concerns.PUBLIC_ACTIONS)
    for kind in (*typing.get_args(e.Event), *typing.get_args(act.Action)):
        about = concerns.PARTY_FIELDS | {"uti", "trade", "trades", "case"}
        if kind is act.Redeem:
            continue  # its asset names the issuer
        assert kind in public or fields(kind) & about, kind.__name__
