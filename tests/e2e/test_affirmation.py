"""Two members' books meet: a trade is signed by both, or the fields that differ come back."""

from typing import Any

import msgspec
import pytest

from tests.e2e.network import RealNetwork

pytestmark = pytest.mark.e2e


def shown(network: RealNetwork, uti: str) -> dict[str, Any]:
    found: dict[str, Any] = network.get(network.places[0], f"/v1/trades/{uti}")
    return found


def test_books_that_agree_make_a_registered_trade(network: RealNetwork) -> None:
    trade = network.trade()
    entered = network.post(
        network.places[1], "/v1/blotter", {"trades": [network.fields(trade)]}
    ).json()
    assert entered == {"entered": 1}
    answer = network.post(network.places[0], "/v1/trades", {"trades": [network.fields(trade)]})
    assert answer.json()[0]["status"] == "waiting"
    network.until(lambda: shown(network, trade.uti)["status"] == "registered", 20)
    found = shown(network, trade.uti)
    row: Any = found["trade"]
    assert (row["quantity"], row["state"]) == (trade.quantity, "LIVE")


def test_books_that_differ_give_the_fields(network: RealNetwork) -> None:
    trade = network.trade()
    theirs = msgspec.structs.replace(trade, price=17_500, quantity=200)
    network.post(network.places[1], "/v1/blotter", {"trades": [network.fields(theirs)]})
    network.post(network.places[0], "/v1/trades", {"trades": [network.fields(trade)]})
    network.until(lambda: shown(network, trade.uti)["status"] == "refused", 20)
    found = shown(network, trade.uti)
    assert found["code"] == "AFFIRM_MISMATCH"
    assert found["differences"] == [
        {"field": "quantity", "ours": "200", "theirs": "100"},
        {"field": "price", "ours": "17500", "theirs": "17000"},
    ]


def test_a_trade_waits_until_the_counterparty_has_booked_it(network: RealNetwork) -> None:
    trade = network.trade()
    network.post(network.places[0], "/v1/trades", {"trades": [network.fields(trade)]})
    assert shown(network, trade.uti)["status"] == "waiting"
    network.post(network.places[1], "/v1/blotter", {"trades": [network.fields(trade)]})
    network.until(lambda: shown(network, trade.uti)["status"] == "registered", 20)


def test_a_batch_of_a_pair_is_signed_once_a_side(network: RealNetwork) -> None:
    trades = [network.trade() for _ in range(30)]
    fields = [network.fields(trade) for trade in trades]
    network.post(network.places[1], "/v1/blotter", {"trades": fields})
    answer = network.post(network.places[0], "/v1/trades", {"trades": fields, "batch": True})
    assert len(answer.json()) == 1
    network.until(lambda: shown(network, trades[-1].uti)["status"] == "registered", 20)
    heights = {shown(network, trade.uti)["trade"]["height"] for trade in trades}
    assert len(heights) == 1


def test_a_field_of_the_wrong_form_is_named(network: RealNetwork) -> None:
    fields = network.fields(network.trade()) | {"quantity": "many"}
    answer = network.post(network.places[0], "/v1/trades", {"trades": [fields]})
    assert answer.status_code == 400
    assert answer.json()["code"] == "API_BAD_REQUEST"
    assert "trades[0]: quantity" in answer.json()["detail"]
