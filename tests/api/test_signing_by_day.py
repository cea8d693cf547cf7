"""What is signed on a day is counted; what waits for a second client waits through a restart."""

import json
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from ledger import tables as t
from ledger.actions import CastVote, RegisterTrade
from ledger.state import Draft
from ledger.transactions import decode_transaction, signed
from node.api import signing
from node.api.app import make_app
from node.api.held import NAME as HELD
from node.blotter import fields_of
from node.config import PolicySection
from node.daemon import Daemon
from node.policy import Policy, amounts_of
from node.signed_record import DAY_MS, NAME, Entry, SignedRecord
from tests.api.conftest import opened
from tests.api.test_signing import ME, Clients, trade, transfer, tx

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

POLICY = PolicySection(
    sign=("trade", "treasury"),
    two_above_treasury={"USD": 1_000},
    daily_treasury={"USD": 2_500},
)


class Restarted(Clients):
    """An application whose node can be stopped and started again, as far as this goes."""

    def again(self, policy: PolicySection | None = None) -> None:
        """As after a restart: nothing is left but what is on the disk."""
        if policy is not None:
            self.daemon.config = msgspec.structs.replace(self.daemon.config, policy=policy)
        record = SignedRecord(self.daemon.home.data / NAME)
        self.daemon.policy = Policy(self.daemon.config.policy, record)
        self._app = make_app(self.daemon)

    def next_day(self, days: int = 1) -> None:
        """A block of the day after, or of so many days after; before, if it is negative."""
        tip = self.daemon.shell.tip
        row = tip.state.must(t.NETWORK, t.network_key())
        draft = Draft(tip.state)
        later = msgspec.structs.replace(row, time_ms=row.time_ms + days * DAY_MS)
        draft.put(t.NETWORK, t.network_key(), later)
        self.daemon.shell.tip = msgspec.structs.replace(tip, state=tip.state.folded(draft)[0])

    def day(self) -> int:
        """The ledger's."""
        network = self.daemon.shell.tip.state.must(t.NETWORK, t.network_key())
        return network.time_ms // DAY_MS

    async def approve(self, ident: str) -> Any:
        return await self.post("approves", f"/v1/sign/{ident}/approve")


@pytest.fixture
async def clients(filled_open: Path, tmp_path: Path) -> AsyncIterator[Restarted]:
    async with opened(filled_open, tmp_path / "home") as daemon:
        made = Restarted(daemon, POLICY)
        made.again()
        yield made


# -------------------------------------------------------------------- by day
async def test_a_day_has_its_limit_and_the_error_names_what_is_left(clients: Restarted) -> None:
    for amount in (900, 1_000):
        assert (await clients.ask(transfer(amount))).json()["status"] == "signed"
    refused = await clients.ask(transfer(601))
    assert (refused.status_code, refused.json()["code"]) == (422, "POLICY_DAY")
    assert "treasury: 601 USD, 600 left of 2500 on 2008-09-12" in refused.json()["detail"]
    assert (await clients.ask(transfer(600))).status_code == 201
    assert "0 left" in (await clients.ask(transfer(1))).json()["detail"]
    assert await clients.held() == []


async def test_neither_a_restart_nor_asking_again_gives_more(clients: Restarted) -> None:
    for _ in range(4):  # the very same transaction moves its amount once
        assert (await clients.ask(transfer(1_000))).status_code == 201
    assert (await clients.ask(transfer(999))).status_code == 201
    clients.again()
    assert "501 left" in (await clients.ask(transfer(502))).json()["detail"]
    file = clients.daemon.home.data / NAME
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes().splitlines()) == 2


async def test_the_next_day_of_the_ledger_begins_anew(clients: Restarted) -> None:
    for amount in (1_000, 999):
        await clients.ask(transfer(amount))
    clients.next_day()
    for amount in (998, 997):
        assert (await clients.ask(transfer(amount))).status_code == 201
    assert "505 left of 2500 on 2008-09-13" in (await clients.ask(transfer(506))).json()["detail"]
    clients.next_day()
    assert (await clients.ask(transfer(996))).status_code == 201
    days = [
        json.loads(line)["day"]
        for line in (clients.daemon.home.data / NAME).read_text().splitlines()
    ]
    assert len(days) == 3
    assert max(days) - min(days) == 1  # what is older is forgotten


async def test_a_node_that_catches_up_gives_no_limit_for_each_day_it_passes(
    clients: Restarted,
) -> None:
    for amount in (1_000, 999):
        await clients.ask(transfer(amount))
    clients.next_day(-5)  # its store was lost; the record of what it has signed was not
    assert "501 left" in (await clients.ask(transfer(502))).json()["detail"]
    clients.next_day(3)
    assert (await clients.ask(transfer(501))).status_code == 201
    assert "0 left" in (await clients.ask(transfer(1))).json()["detail"]
    clients.next_day(3)
    assert (await clients.ask(transfer(1_000))).status_code == 201  # signed before
    assert (await clients.ask(transfer(998))).status_code == 201


async def test_what_two_have_approved_counts_too_and_is_bound_at_that_moment(
    clients: Restarted,
) -> None:
    first = (await clients.ask(transfer(2_000))).json()
    second = (await clients.ask(transfer(1_500))).json()
    assert [first["status"], second["status"]] == ["held", "held"]
    assert (await clients.approve(first["id"])).json()["status"] == "signed"
    refused = await clients.approve(second["id"])
    assert "1500 USD, 500 left" in refused.json()["detail"]
    assert [one["id"] for one in await clients.held()] == [second["id"]]  # tomorrow, perhaps


async def test_trades_by_every_door_share_the_day_and_a_request_counts_as_a_whole(
    clients: Restarted,
) -> None:
    def body(*trades: Any) -> Any:
        return {"trades": [fields_of(one) for one in trades]}

    amounts = amounts_of(clients.daemon.shell.tip.state, RegisterTrade(trade(20)))
    assert amounts is not None
    daily = {"USD": amounts["USD"] * 5 // 2}  # two such trades, and not three
    clients.again(msgspec.structs.replace(POLICY, daily_trade=daily))

    both = await clients.post("trades", "/v1/trades", body(trade(30, 1), trade(30, 2)))
    assert both.json()["code"] == "POLICY_DAY", both.text
    one = (await clients.ask(tx(RegisterTrade(trade(20, 1))))).json()
    assert one["status"] == "signed"
    for path in ("/v1/trades", "/v1/blotter"):  # the same trade again, and another
        assert (await clients.post("trades", path, body(trade(20, 1)))).status_code == 201
    assert (await clients.post("trades", "/v1/blotter", body(trade(20, 2)))).status_code == 201
    refused = await clients.post("trades", "/v1/trades", body(trade(20, 3)))
    assert refused.json()["code"] == "POLICY_DAY"
    # Of one UTI with other terms the amount is another, and counted.
    refused = await clients.post("trades", "/v1/blotter", body(trade(21, 1)))
    assert refused.json()["code"] == "POLICY_DAY"


async def test_what_has_no_amount_needs_two_where_there_is_a_daily_rule(clients: Restarted) -> None:
    rules = msgspec.structs.replace(POLICY, sign=("governance",))
    clients.again(rules)
    assert (await clients.ask(tx(CastVote(ME.lei, 1, True)))).json()["status"] == "held"


@pytest.mark.parametrize("amount", [-2_500, 0, -(1 << 63), 1 << 62])
async def test_an_amount_that_the_ledger_refuses_gives_the_day_back_nothing(
    clients: Restarted, amount: int
) -> None:
    for impossible in (transfer(amount), tx(RegisterTrade(trade(amount)))):
        assert amounts_of(clients.daemon.shell.tip.state, impossible.action) is None
    for used in (1_000, 999):
        await clients.ask(transfer(used))
    held = (await clients.ask(transfer(amount))).json()
    assert held["status"] == "held"
    await clients.approve(held["id"])
    assert "501 left" in (await clients.ask(transfer(502))).json()["detail"]


async def test_what_a_full_disk_took_a_part_of_is_not_signed(
    clients: Restarted,
) -> None:
    await clients.ask(transfer(1_000))
    record = SignedRecord(clients.daemon.home.data / NAME)
    day = clients.day()
    entry = Entry(day, "treasury", "ab" * 32, {"USD": 1_400})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (clients.daemon.home.data / NAME).stat().st_size + 40
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            record.add([entry])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert record.of(day, "treasury") == {"USD": 1_000}
    record.add([entry])
    assert SignedRecord(clients.daemon.home.data / NAME).of(day, "treasury") == {"USD": 2_400}


async def test_a_line_that_was_not_written_whole_was_not_signed_and_is_dropped(
    clients: Restarted,
) -> None:
    await clients.ask(transfer(1_000))
    file = clients.daemon.home.data / NAME
    with file.open("ab") as added:
        added.write(b'["day": 14')
    clients.again()
    assert (await clients.ask(transfer(999))).status_code == 201
    clients.again()
    assert "501 left" in (await clients.ask(transfer(502))).json()["detail"]


async def test_with_a_record_that_cannot_be_read_nothing_is_signed(clients: Restarted) -> None:
    await clients.ask(transfer(1_000))
    file = clients.daemon.home.data / NAME
    file.write_bytes(b"{}\n" + file.read_bytes())
    clients.again()
    refused = await clients.ask(transfer(1))
    assert (refused.status_code, refused.json()["code"]) == (503, "POLICY_RECORD")


async def test_what_waits_is_not_lost_while_the_record_cannot_be_read(clients: Restarted) -> None:
    held = (await clients.ask(transfer(2_000))).json()
    file = clients.daemon.home.data / NAME
    file.write_bytes(b"{}\n")
    clients.again()
    for _ in range(2):
        assert (await clients.ask(transfer(2_001))).json()["code"] == "POLICY_RECORD"
    file.unlink()
    clients.again()
    assert await clients.held() == [held]


# -------------------------------------------------------------------- through a restart
async def test_what_waits_still_waits_after_a_restart_and_is_signed_as_asked(
    clients: Restarted,
) -> None:
    asked = transfer(2_000)
    held = (await clients.ask(asked)).json()
    clients.again()
    assert await clients.held() == [held]
    file = clients.daemon.home.data / HELD
    assert file.stat().st_mode & 0o777 == 0o600
    assert ME.lei.encode() not in file.read_bytes()
    # Who has asked is known still: it cannot approve.
    own = (await clients.ask(transfer(2_001), "both")).json()
    clients.again()
    refused = await clients.post("both", f"/v1/sign/{own['id']}/approve")
    assert refused.json()["code"] == "POLICY_SAME_CLIENT"
    done = (await clients.approve(held["id"])).json()
    assert decode_transaction(bytes.fromhex(done["tx"])) == signed(asked, ME.key("treasury"))
    clients.again()
    assert (await clients.approve(held["id"])).status_code == 404
    assert [one["id"] for one in await clients.held()] == [own["id"]]


async def test_a_restart_gives_no_more_time(
    clients: Restarted, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = (await clients.ask(transfer(2_000))).json()
    clients.again()
    monkeypatch.setattr(signing, "now_ms", lambda: held["expires_ms"])
    assert await clients.held() == []
    assert (await clients.approve(held["id"])).status_code == 404


async def test_a_file_that_was_altered_opens_to_nothing_and_the_log_says_so(
    clients: Restarted,
) -> None:
    file = clients.daemon.home.data / HELD
    held = (await clients.ask(transfer(2_000))).json()
    sound = file.read_bytes()
    for damaged in (
        sound[:20] + bytes([sound[20] ^ 1]) + sound[21:], sound[:-1], sound + b"x", b"", sound[12:],
    ):  # fmt: skip
        file.write_bytes(damaged)
        clients.again()
        with structlog.testing.capture_logs() as logs:
            assert await clients.held() == []
        assert [(x["event"], x["log_level"]) for x in logs] == [("held_requests_refused", "error")]
        assert (await clients.approve(held["id"])).status_code == 404


async def test_an_old_file_put_back_brings_back_nothing_that_was_signed(
    clients: Restarted,
) -> None:
    file = clients.daemon.home.data / HELD
    held = (await clients.ask(transfer(2_000))).json()
    other = (await clients.ask(transfer(1_001))).json()
    old = file.read_bytes()
    assert (await clients.approve(held["id"])).status_code == 201
    file.write_bytes(old)
    clients.again()
    assert [one["id"] for one in await clients.held()] == [other["id"]]
    assert (await clients.approve(held["id"])).status_code == 404


async def test_another_homes_requests_are_none_of_this_one(
    clients: Restarted, filled_watched: Path, tmp_path: Path
) -> None:
    await clients.ask(transfer(2_000))
    async with opened(filled_watched, tmp_path / "other") as daemon:
        (daemon.home.data / HELD).write_bytes((clients.daemon.home.data / HELD).read_bytes())
        other = Restarted(daemon, POLICY)
        assert await other.held() == []
        assert isinstance(daemon, Daemon)
