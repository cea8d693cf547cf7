"""Whatever a network must refuse, refused by real nodes, which stay up and of one state."""

import msgspec
import pytest

from ledger.actions import FeedMark, Mint, RegisterTrade, SetLimit, SubmitOracle, Transfer
from ledger.transactions import KeySignature, Transaction, signed
from node.founding import CURRENCY
from tests.e2e.network import RealNetwork
from wire.codec import encode
from wire.ids import FeedCode, InstrumentCode, lei_from
from wire.limits import TRANSACTION_BYTES_MAX
from wire.signing import SigningKey

pytestmark = pytest.mark.e2e


def refused(network: RealNetwork, tx: Transaction, code: str) -> str:
    """Submit as it is; the answer must carry `code`."""
    answer = network.post(network.places[0], "/v1/transactions", {"tx": encode(tx).hex()})
    found = answer.json()
    assert answer.status_code == 422, answer.text
    assert found["code"] == code, found
    assert found["remedy"]
    return str(found["detail"])


def both(network: RealNetwork, tx: Transaction) -> Transaction:
    one, other = network.founded.members[:2]
    return signed(tx, one.key("trade"), other.key("trade"))


def test_a_trade_with_one_signature_missing(network: RealNetwork) -> None:
    tx = network.tx(RegisterTrade(network.trade()))
    half = signed(tx, network.founded.members[0].key("trade"))
    detail = refused(network, half, "TX_SIGNATURE_MISSING")
    assert network.founded.members[1].lei in detail


def test_a_field_altered_after_signing(network: RealNetwork) -> None:
    tx = both(network, network.tx(RegisterTrade(network.trade(price=17_000))))
    assert isinstance(tx.action, RegisterTrade)
    altered = msgspec.structs.replace(
        tx, action=RegisterTrade(msgspec.structs.replace(tx.action.trade, price=17_001))
    )
    refused(network, altered, "WIRE_BAD_SIGNATURE")


def test_an_unknown_member(network: RealNetwork) -> None:
    stranger = lei_from("STRANGER0000000001")
    tx = network.tx(RegisterTrade(network.trade(seller=1)))
    assert isinstance(tx.action, RegisterTrade)
    trade = msgspec.structs.replace(tx.action.trade, seller=stranger)
    refused(
        network,
        both(network, msgspec.structs.replace(tx, action=RegisterTrade(trade))),
        "MEMBER_UNKNOWN",
    )


def test_an_unknown_instrument(network: RealNetwork) -> None:
    trade = network.trade(instrument=InstrumentCode("FWD-NONE"))
    refused(network, both(network, network.tx(RegisterTrade(trade))), "TRADE_UNKNOWN_INSTRUMENT")


def test_an_unknown_key(network: RealNetwork) -> None:
    tx = network.tx(RegisterTrade(network.trade()))
    one = network.founded.members[0].key("trade")
    refused(network, signed(tx, one, SigningKey(b"nobody" + bytes(26))), "TX_UNKNOWN_KEY")


def test_a_key_of_the_wrong_role(network: RealNetwork) -> None:
    tx = network.tx(RegisterTrade(network.trade()))
    one, other = network.founded.members[:2]
    refused(network, signed(tx, one.key("trade"), other.key("treasury")), "TX_WRONG_KEY_ROLE")


def test_a_self_trade(network: RealNetwork) -> None:
    tx = network.tx(RegisterTrade(network.trade(seller=0)))
    refused(network, signed(tx, network.founded.members[0].key("trade")), "TRADE_SELF")


def test_the_same_uti_again(network: RealNetwork) -> None:
    trade = network.trade()
    first = both(network, network.tx(RegisterTrade(trade)))
    answer = network.post(network.places[0], "/v1/transactions", {"tx": encode(first).hex()})
    assert answer.status_code == 201, answer.text
    ident = answer.json()["tx_id"]
    path = f"/v1/transactions/{ident}"
    network.until(lambda: network.get(network.places[0], path)["status"] == "decided", 20)
    again = both(network, network.tx(RegisterTrade(msgspec.structs.replace(trade, price=1))))
    refused(network, again, "TRADE_UTI_EXISTS")


def test_the_wrong_chain_id(network: RealNetwork) -> None:
    tx = msgspec.structs.replace(network.tx(RegisterTrade(network.trade())), chain_id="another")
    refused(network, both(network, tx), "TX_WRONG_CHAIN")


def test_an_expired_transaction(network: RealNetwork) -> None:
    network.until(lambda: network.get(network.places[0], "/v1/status")["height"] > 3, 20)
    refused(
        network, both(network, network.tx(RegisterTrade(network.trade()), ahead=-1)), "TX_EXPIRED"
    )


def test_a_transaction_valid_for_too_long(network: RealNetwork) -> None:
    tx = network.tx(RegisterTrade(network.trade()), ahead=20_000)
    refused(network, both(network, tx), "TX_VALID_UNTIL_TOO_FAR")


def test_a_nonce_reused(network: RealNetwork) -> None:
    sender, to = network.founded.members[:2]
    tx = network.tx(Transfer(CURRENCY, sender.lei, to.lei, 5, "first"))
    answer = network.submit(tx, "treasury", sender)
    assert answer.status_code == 201, answer.text
    path = f"/v1/transactions/{answer.json()['tx_id']}"
    network.until(lambda: network.get(network.places[0], path)["status"] == "decided", 20)
    again = network.tx(Transfer(CURRENCY, sender.lei, to.lei, 6, "second"), nonce=tx.nonce)
    refused(network, signed(again, sender.key("treasury")), "TX_NONCE_REUSED")


def test_an_oversize_transaction(network: RealNetwork) -> None:
    content = {"tx": (b"\x00" * (TRANSACTION_BYTES_MAX + 1)).hex()}
    answer = network.post(network.places[0], "/v1/transactions", content)
    assert (answer.status_code, answer.json()["code"]) == (422, "WIRE_OVERSIZE")


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x95\xa1", bytes(range(256)), b"\xd9\x01a"])
def test_bytes_that_are_no_transaction(network: RealNetwork, data: bytes) -> None:
    answer = network.post(network.places[0], "/v1/transactions", {"tx": data.hex()})
    assert (answer.status_code, answer.json()["code"]) == (422, "WIRE_MALFORMED")


def test_a_transaction_that_is_not_canonical(network: RealNetwork) -> None:
    data = encode(both(network, network.tx(RegisterTrade(network.trade()))))
    assert data[0] == 0x95
    longer = b"\xdc\x00\x05" + data[1:]  # array 16 of five: the same value, another encoding
    answer = network.post(network.places[0], "/v1/transactions", {"tx": longer.hex()})
    assert (answer.status_code, answer.json()["code"]) == (422, "WIRE_MALFORMED")


def test_a_mark_by_who_is_no_oracle(network: RealNetwork) -> None:
    member = network.founded.members[0]
    action = SubmitOracle(member.lei, 20080912, (FeedMark(FeedCode("EQ-KO"), 17_000),))
    tx = signed(network.tx(action), member.key("trade"))
    refused(network, tx, "ORACLE_NOT_AUTHORISED")


def test_a_transfer_without_funds(network: RealNetwork) -> None:
    sender, to = network.founded.members[:2]
    tx = network.tx(Transfer(CURRENCY, sender.lei, to.lei, 10**15, "too much"))
    detail = refused(network, signed(tx, sender.key("treasury")), "CASH_INSUFFICIENT")
    assert "needs 1000000000000000" in detail


def test_a_mint_by_who_is_not_the_issuer(network: RealNetwork) -> None:
    member = network.founded.members[0]
    tx = network.tx(Mint(CURRENCY, member.lei, 1, "mine"))
    refused(network, signed(tx, member.key("treasury")), "ASSET_NOT_ISSUER")


def test_a_trade_above_a_members_limit(network: RealNetwork) -> None:
    careful, other = network.founded.members[2], network.founded.members[3]
    tx = network.tx(SetLimit(careful.lei, other.lei, CURRENCY, 1_000))
    answer = network.submit(tx, "governance", careful)
    assert answer.status_code == 201, answer.text
    path = f"/v1/transactions/{answer.json()['tx_id']}"
    network.until(lambda: network.get(network.places[0], path)["status"] == "decided", 20)
    trade = network.trade(buyer=2, seller=3, quantity=100, price=17_000)
    tx = network.tx(RegisterTrade(trade))
    detail = refused(
        network, signed(tx, careful.key("trade"), other.key("trade")), "TRADE_LIMIT_REACHED"
    )
    assert "170000" in detail
    assert "1000" in detail


def test_an_observer_cannot_submit(network: RealNetwork) -> None:
    observer = next(place for place in network.running if place.role == "observer")
    tx = both(network, network.tx(RegisterTrade(network.trade())))
    answer = network.post(observer, "/v1/transactions", {"tx": encode(tx).hex()})
    assert (answer.status_code, answer.json()["code"]) == (422, "NODE_OBSERVER")
    trades = {"trades": [network.fields(network.trade())]}
    answer = network.post(observer, "/v1/trades", trades)
    assert (answer.status_code, answer.json()["code"]) == (422, "NODE_OBSERVER")


def test_an_observer_holds_the_same_blocks_and_has_no_vote(network: RealNetwork) -> None:
    observer = next(place for place in network.running if place.role == "observer")
    assert network.status(observer)["votes"] is False
    network.until(network.all_equal, 20)
    height = network.status(observer)["height"]
    ours = network.get(observer, f"/v1/blocks/{height}")
    assert ours["id"] == network.get(network.places[0], f"/v1/blocks/{height}")["id"]
    keys = {who.key("consensus").public.hex() for who in network.founded.members}
    assert set(ours["commit"]["signers"]) <= keys


def test_a_request_without_the_token(network: RealNetwork) -> None:
    answer = network.client(network.places[0]).get("/v1/status", headers={"Authorization": "no"})
    assert (answer.status_code, answer.json()["code"]) == (401, "API_UNAUTHORISED")


def test_signatures_out_of_order(network: RealNetwork) -> None:
    tx = both(network, network.tx(RegisterTrade(network.trade())))
    turned = msgspec.structs.replace(tx, signatures=tuple(reversed(tx.signatures)))
    refused(network, turned, "WIRE_MALFORMED")
    twice = msgspec.structs.replace(tx, signatures=(tx.signatures[0], tx.signatures[0]))
    refused(network, twice, "WIRE_MALFORMED")
    surplus = signed(tx, network.founded.members[2].key("trade"))
    refused(network, surplus, "TX_SIGNATURE_SURPLUS")
    empty = msgspec.structs.replace(tx, signatures=(KeySignature(b"", b""),))
    refused(network, empty, "WIRE_BAD_SIGNATURE")
