"""The keystore signs on request what its policy allows; above an amount, for two clients only."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger.actions import CastVote, Mint, RegisterTrade, Transfer
from ledger.objects import Trade, TradeSource
from ledger.transactions import Transaction, decode_transaction, signed, tx_id, unsigned
from node.api import signing
from node.api.app import make_app
from node.config import BadConfig, PolicySection, load_config
from node.daemon import Daemon
from node.policy import Policy
from node.tokens import Scope, Tokens
from tests.api.conftest import client_of, opened
from tests.node.stores import small_network
from wire.codec import encode
from wire.ids import AssetCode, Date, InstrumentCode, Uti

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

FOUNDED = small_network()
ME, OTHER = FOUNDED.members[0], FOUNDED.members[1]
USD = AssetCode("USD")
POLICY = PolicySection(
    sign=("trade", "treasury"),
    limit_treasury={"USD": 10_000},
    two_above_treasury={"USD": 1_000},
    limit_trade={"USD": 5_000_000},
    two_above_trade={"USD": 100_000},
)


def tx(action: Any, *, chain: str = FOUNDED.genesis.chain_id) -> Transaction:
    nonce = 0 if isinstance(action, RegisterTrade) else 77
    return unsigned(chain, action, nonce=nonce, valid_until=400)


def transfer(amount: int, sender: str = ME.lei) -> Transaction:
    return tx(Transfer(USD, sender, OTHER.lei, amount, "rent"))  # type: ignore[arg-type]


def trade(quantity: int, number: int = 1) -> Trade:
    return Trade(
        uti=Uti(f"{ME.lei}SIGN{number}"), buyer=ME.lei, seller=OTHER.lei,
        instrument=InstrumentCode("FWD-AA"), quantity=quantity, price=10_000,
        trade_date=Date(20080912), source=TradeSource.OTC, reference="",
    )  # fmt: skip


class Clients:
    """An application, and clients of it by name."""

    def __init__(self, daemon: Daemon, policy: PolicySection) -> None:
        daemon.config = msgspec.structs.replace(daemon.config, policy=policy)
        daemon.policy = Policy(policy)
        self.daemon = daemon
        self._app = make_app(daemon)
        scopes = {"asks": Scope.SIGN, "approves": Scope.APPROVE, "trades": Scope.TRADE}
        tokens = Tokens(daemon.home)
        self._tokens = {n: tokens.create(n, (s, Scope.READ), 0, None) for n, s in scopes.items()}
        self._tokens["both"] = tokens.create("both", (Scope.SIGN, Scope.APPROVE), 0, None)

    async def post(self, who: str, path: str, content: Any = None) -> httpx.Response:
        async with client_of(self._app, self._tokens[who]) as client:
            return await client.post(path, json=content)

    async def held(self) -> list[Any]:
        async with client_of(self._app, self._tokens["asks"]) as client:
            found: list[Any] = (await client.get("/v1/sign")).json()
            return found

    async def ask(
        self, one: Transaction, who: str = "asks", then: str = "return"
    ) -> httpx.Response:
        return await self.post(who, "/v1/sign", {"tx": encode(one).hex(), "then": then})


@pytest.fixture
async def clients(filled_open: Path, tmp_path: Path) -> AsyncIterator[Clients]:
    async with opened(filled_open, tmp_path / "home") as daemon:
        yield Clients(daemon, POLICY)


def log_of(daemon: Daemon) -> list[Any]:
    lines = (daemon.home.data / "admin.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def test_a_small_amount_is_signed_for_one(clients: Clients) -> None:
    asked = transfer(1_000)
    answer = await clients.ask(asked)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["status"], found["roles"]) == ("signed", ["treasury"])
    wanted = signed(asked, ME.key("treasury"))
    assert decode_transaction(bytes.fromhex(found["tx"])) == wanted
    (line,) = [x for x in log_of(clients.daemon) if x["act"] == "sign"]
    assert (line["client"], line["approved_by"], line["id"]) == ("asks", "", found["id"])


async def test_above_an_amount_another_client_must_approve(clients: Clients) -> None:
    asked = transfer(1_001)
    answer = (await clients.ask(asked)).json()
    assert (answer["status"], answer["tx"]) == ("held", "")
    assert [one["id"] for one in await clients.held()] == [tx_id(asked).hex()]
    path = f"/v1/sign/{answer['id']}/approve"
    assert (await clients.post("asks", path)).status_code == 403  # has not the scope
    done = await clients.post("approves", path)
    assert done.status_code == 201, done.text
    assert (done.json()["client"], done.json()["approved_by"]) == ("asks", "approves")
    assert decode_transaction(bytes.fromhex(done.json()["tx"])) == signed(asked, ME.key("treasury"))
    assert await clients.held() == []
    assert (await clients.post("approves", path)).status_code == 404
    assert [x["act"] for x in log_of(clients.daemon)] == ["sign_held", "sign"]


async def test_who_asks_cannot_approve_whatever_its_scopes(clients: Clients) -> None:
    answer = (await clients.ask(transfer(5_000), "both")).json()
    path = f"/v1/sign/{answer['id']}/approve"
    refused = await clients.post("both", path)
    assert (refused.status_code, refused.json()["code"]) == (422, "POLICY_SAME_CLIENT")
    # Nor by having another ask for the same again.
    await clients.ask(transfer(5_000), "asks")
    assert (await clients.post("both", path)).json()["code"] == "POLICY_SAME_CLIENT"
    assert (await clients.post("approves", path)).status_code == 201


async def test_above_the_limit_nobody_is_asked(clients: Clients) -> None:
    refused = await clients.ask(transfer(10_001))
    assert refused.json()["code"] == "POLICY_LIMIT"
    assert "10001 USD, at most 10000" in refused.json()["detail"]
    assert await clients.held() == []


async def test_the_limit_of_the_moment_of_approval_counts(clients: Clients) -> None:
    answer = (await clients.ask(transfer(9_000))).json()
    clients.daemon.policy = Policy(msgspec.structs.replace(POLICY, limit_treasury={"USD": 8_999}))
    refused = await clients.post("approves", f"/v1/sign/{answer['id']}/approve")
    assert refused.json()["code"] == "POLICY_LIMIT"


async def test_a_refused_request_is_gone_and_an_old_one_too(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = (await clients.ask(transfer(2_000))).json()
    refused = await clients.post("approves", f"/v1/sign/{answer['id']}/refuse")
    assert refused.json() == {"id": answer["id"], "status": "refused"}
    assert await clients.held() == []
    answer = (await clients.ask(transfer(3_000))).json()
    monkeypatch.setattr(signing, "now_ms", lambda: answer["expires_ms"])
    assert await clients.held() == []
    late = await clients.post("approves", f"/v1/sign/{answer['id']}/approve")
    assert late.status_code == 404


async def test_so_many_may_wait(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "HELD_MAX", 1)
    assert (await clients.ask(transfer(2_000))).status_code == 201
    assert (await clients.ask(transfer(2_000))).status_code == 201  # the same one
    assert (await clients.ask(transfer(2_001))).json()["code"] == "POLICY_HELD_FULL"


async def test_a_role_that_is_not_named_signs_nothing(clients: Clients) -> None:
    answer = await clients.ask(tx(CastVote(ME.lei, 1, True)))
    assert answer.status_code == 422
    clients.daemon.policy = Policy(PolicySection())
    assert (await clients.ask(transfer(1))).json()["code"] == "POLICY_ROLE"


async def test_what_is_not_this_members_to_sign(clients: Clients) -> None:
    others = await clients.ask(transfer(1, sender=OTHER.lei))
    assert others.json()["code"] == "POLICY_NOTHING"
    mint = await clients.ask(tx(Mint(USD, ME.lei, 1, "r")))
    assert mint.json()["code"] == "POLICY_NOTHING"
    elsewhere = transfer(1)
    elsewhere = msgspec.structs.replace(elsewhere, chain_id="elsewhere")
    assert (await clients.ask(elsewhere)).status_code == 422
    assert (await clients.ask(transfer(1), "trades")).status_code == 403


async def test_trades_by_the_other_doors_are_bound_by_the_same_rule(clients: Clients) -> None:
    def body(one: Trade) -> Any:
        from node.blotter import fields_of

        return {"trades": [fields_of(one)]}

    small, middle, large = trade(10), trade(1_000, 2), trade(10_000_000, 3)
    for path in ("/v1/trades", "/v1/blotter"):
        assert (await clients.post("trades", path, body(small))).status_code == 201
        said = await clients.post("trades", path, body(middle))
        assert said.json()["code"] == "POLICY_FOUR_EYES", said.text
        said = await clients.post("trades", path, body(large))
        assert said.json()["code"] == "POLICY_LIMIT", said.text
    # With a second client it goes on to the counterparty.
    asked = (await clients.ask(tx(RegisterTrade(middle)), then="affirm")).json()
    assert asked["status"] == "held"
    done = await clients.post("approves", f"/v1/sign/{asked['id']}/approve")
    assert done.json()["status"] == "affirming", done.text
    waiting = await clients.daemon.trades.by_uti(middle.uti)
    assert waiting is not None
    assert waiting.counterparty == OTHER.lei


async def test_submitted_after_signing(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Transaction] = []

    async def submit(one: Any) -> bytes:
        sent.append(one.value)
        return tx_id(one.value)

    monkeypatch.setattr(clients.daemon.shell, "submit", submit)
    answer = await clients.ask(transfer(500), then="submit")
    assert answer.json()["status"] == "submitted"
    assert sent == [signed(transfer(500), ME.key("treasury"))]


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('sign = ["oracle"]', "policy.sign"),
        ("limit_trade = { USD = -1 }", "policy.limit_trade"),
        ("approval_minutes = 0", "policy.approval_minutes"),
    ],
)
def test_a_policy_that_is_none_is_refused(daemon: Daemon, lines: str, key: str) -> None:
    file = daemon.home.config_file
    file.write_text(f"{file.read_text()}\n[policy]\n{lines}\n")
    with pytest.raises(BadConfig, match=key):
        load_config(file, {})
