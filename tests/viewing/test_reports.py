"""Reports and alerts by whoever asks: lines that are theirs, sums that are everybody's."""

from typing import Any

import pytest

from ledger import objects as o
from ledger import tables as t
from node.daemon import Daemon
from node.looks.desk import Looks
from tests.viewing.conftest import MEMBERS, client_of, person

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

REPORT = "/v1/observer/reports/trades"
MEMBERS_OF = {"ALL": MEMBERS, "SECOND": MEMBERS[1:2], "PAIR": MEMBERS[1:3], "FORWARDS": MEMBERS}
"""Whose business each mandate is about; the others see nothing of anybody."""


async def test_two_authorities_are_reported_exactly_what_their_mandates_name(
    authority: tuple[Daemon, Any], free_looks: None
) -> None:
    del free_looks
    daemon, app = authority
    contracts = {
        row.trade.uti: row.trade
        for _, row in daemon.shell.tip.state.scan(t.CONTRACTS)
        if row.state == o.ContractState.LIVE
    }
    seen: dict[str, Any] = {}
    for mandate in (*MEMBERS_OF, "CURRENCY", "LATER"):
        async with client_of(app, person(daemon, mandate)) as client:
            seen[mandate] = (await client.get(REPORT)).json()
    whole = {line["uti"]: line for line in seen["ALL"]["trades"]}
    assert set(whole) == set(contracts)
    for mandate, members in MEMBERS_OF.items():
        report = seen[mandate]
        mine = {u for u, x in contracts.items() if {x.buyer, x.seller} & set(members)}
        assert {line["uti"]: line for line in report["trades"]} == {u: whole[u] for u in mine}
        for line in report["portfolios"]:
            assert {line["counterparty_1"], line["counterparty_2"]} & set(members)
        assert report["reconciliation"] == seen["ALL"]["reconciliation"]
        assert report["differences"] == []
    assert len(seen["SECOND"]["trades"]) < len(whole)
    for mandate in ("CURRENCY", "LATER"):
        assert seen[mandate]["trades"] == seen[mandate]["portfolios"] == []
    assert [one["portfolio"] for one in seen["FORWARDS"]["portfolios"]] == [
        one["portfolio"] for one in seen["ALL"]["portfolios"]
    ]


async def test_the_disclosure_and_the_sums_of_a_day_are_the_same_for_all(
    authority: tuple[Daemon, Any], free_looks: None
) -> None:
    del free_looks
    daemon, app = authority
    secrets = [daemon.home.token(), *(person(daemon, x) for x in ("ALL", "SECOND", "LATER"))]
    found: list[tuple[Any, Any]] = []
    for secret in secrets:
        async with client_of(app, secret) as client:
            disclosed = (await client.get("/v1/observer/reports/pqd")).json()
            day = (await client.get("/v1/observer/reports/daily?date=20080912")).json()
            found.append((disclosed, (day["figures"], day["rounds"], day["validators"])))
    assert all(one == found[0] for one in found)


async def test_alerts_about_members_are_told_under_a_mandate_that_names_them(
    authority: tuple[Daemon, Any], free_looks: None
) -> None:
    del free_looks
    daemon, app = authority
    counts = {}
    for mandate in ("ALL", "SECOND", "LATER"):
        async with client_of(app, person(daemon, mandate)) as client:
            lines = (await client.get("/v1/observer/alerts?which=all")).json()["alerts"]
            counts[mandate] = {line["member"] for line in lines if line["member"]}
    assert counts == {"ALL": set(MEMBERS), "SECOND": {MEMBERS[1]}, "LATER": set()}


async def test_a_report_about_everybody_is_a_routine_look_and_about_one_member_is_not(
    authority: tuple[Daemon, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, app = authority
    taken: list[tuple[str, bool, int]] = []

    async def kept(_: object, by: object, members: list[str], what: str, *, routine: bool) -> None:
        taken.append((what, routine, len(members)))

    monkeypatch.setattr(Looks, "record", kept)
    async with client_of(app, person(daemon, "ALL")) as client:
        for path, routine, members in (
            (REPORT, True, len(MEMBERS)),
            (f"{REPORT}?format=csv", True, len(MEMBERS)),
            ("/reports/trades", True, len(MEMBERS)),
            (f"{REPORT}?member={MEMBERS[0]}", False, 2),
            ("/v1/observer/reports/daily", True, len(MEMBERS)),
            ("/v1/observer/reports/pqd", False, 0),
            ("/v1/observer/alerts", False, len(MEMBERS)),
            ("/v1/observer/trades", False, len(MEMBERS)),
        ):
            assert (await client.get(path)).status_code == 200, path
            assert taken.pop() == (path, routine, members)


async def test_a_routine_look_is_committed_as_one(
    authority: tuple[Daemon, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, app = authority
    sent: list[Any] = []

    async def send(_: object, action: Any) -> None:
        sent.append(action)

    monkeypatch.setattr(Looks, "_check_able", lambda _: None)
    monkeypatch.setattr(Looks, "_send", send)
    async with client_of(app, person(daemon, "PAIR")) as client:
        assert (await client.get(REPORT)).status_code == 200
        assert (await client.get("/v1/observer/trades")).status_code == 200
    assert [(one.mandate, one.routine, len(one.digests)) for one in sent] == [
        ("PAIR", True, 2), ("PAIR", False, 2),
    ]  # fmt: skip
