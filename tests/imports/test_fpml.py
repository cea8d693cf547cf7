"""FpML equity and FX forwards: read exactly, held against the listing, or refused by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.imports.errors import ImportUnreadable
from node.imports.read import Format
from tests.imports.files import (
    ALICE,
    BOB,
    UTI,
    entries,
    equity_xml,
    fpml,
    fx,
    fx_xml,
    trade_xml,
)


def read(*trades: str, **names: str):  # type: ignore[no-untyped-def]
    return entries(fpml(*trades), Format.FPML, **names)


def test_an_equity_forward() -> None:
    (entry,) = read(trade_xml(equity_xml()))
    assert entry.error is None, entry.error
    trade = entry.trade
    assert (trade.uti, trade.buyer, trade.seller) == (UTI, ALICE, BOB)
    assert (trade.instrument, trade.quantity, trade.price) == ("FWD-MSFT", 100, 25_125)
    assert trade.trade_date == 20080912
    assert entry.line == 3


def test_an_fx_forward_is_found_by_its_currencies_and_date() -> None:
    (entry,) = read(trade_xml(fx_xml()))
    assert entry.error is None, entry.error
    trade = entry.trade
    assert (trade.buyer, trade.seller) == (ALICE, BOB)  # A receives the euros
    assert (trade.instrument, trade.quantity, trade.price) == ("EURUSD-1219", 1_000, 11_000)
    (other,) = read(trade_xml(fx_xml(payer="a")))
    assert (other.trade.buyer, other.trade.seller) == (BOB, ALICE)
    turned = fx_xml(first="USD", second="EUR", basis="Currency1PerCurrency2")
    (same,) = read(trade_xml(turned))
    assert same.trade == trade


def test_the_price_of_a_unit_of_many_euros() -> None:
    thousand = fx(per_unit=100_000, scale=100)
    (entry,) = entries(fpml(trade_xml(fx_xml())), Format.FPML, thousand)
    assert (entry.trade.quantity, entry.trade.price) == (1, 110_000)  # 1,100.00 for 1,000 euros
    (odd,) = entries(fpml(trade_xml(fx_xml(eur="1500.00", usd="1650.00"))), Format.FPML, thousand)
    assert odd.error.code == "IMPORT_FIELD"


@pytest.mark.parametrize(
    ("xml", "code", "says"),
    [
        (equity_xml(id="AAPL"), "IMPORT_INSTRUMENT_UNKNOWN", "AAPL"),
        (equity_xml(expires="2008-12-20"), "IMPORT_TERMS_DIFFER", "maturity"),
        (equity_xml(currency="EUR"), "IMPORT_TERMS_DIFFER", "currency"),
        (equity_xml(price="1.0001"), "IMPORT_TERMS_DIFFER", "forwardPrice/amount"),
        (equity_xml(units="0.5"), "IMPORT_TERMS_DIFFER", "openUnits"),
        (equity_xml(units=""), "IMPORT_FIELD", "openUnits"),
        (equity_xml(id="EURUSD-1219"), "IMPORT_TERMS_DIFFER", "product"),
        (fx_xml(date="2008-12-22"), "IMPORT_INSTRUMENT_UNKNOWN", "20081222"),
        (fx_xml(rate="1.10001"), "IMPORT_TERMS_DIFFER", "rate"),
        (fx_xml(usd="1100.02"), "IMPORT_FIELD", "minor units"),
        (fx_xml(eur="1000.001"), "IMPORT_TERMS_DIFFER", "exchangedCurrency1"),
        (fx_xml(basis="Neither"), "IMPORT_FIELD", "quoteBasis"),
        (fx_xml(first="JPY"), "IMPORT_INSTRUMENT_UNKNOWN", "JPY"),
        (fx_xml(basis="Currency1PerCurrency2"), "IMPORT_INSTRUMENT_UNKNOWN", "USD against EUR"),
        ("<swap/>", "IMPORT_NOT_SUPPORTED", "swap"),
        ("", "IMPORT_NOT_SUPPORTED", "none"),
    ],
)
def test_what_is_wrong_is_named(xml: str, code: str, says: str) -> None:
    (entry,) = read(trade_xml(xml))
    assert entry.trade is None
    assert (entry.uti, entry.error.code) == (UTI, code)
    assert says in entry.error.detail


def test_two_listed_forwards_of_one_kind_are_not_guessed_between() -> None:
    (entry,) = entries(fpml(trade_xml(fx_xml())), Format.FPML, fx(), fx(code="OTHER"))
    assert entry.error.code == "IMPORT_INSTRUMENT_UNKNOWN"
    assert "2 instruments" in entry.error.detail


def test_every_trade_of_a_document_is_reported_with_its_line() -> None:
    found = read(
        trade_xml(equity_xml()),
        trade_xml(equity_xml(), uti=f"{ALICE}IMP2", date="12.9.2008"),
        trade_xml(fx_xml(), uti=UTI),
        trade_xml(fx_xml(), uti="short"),
    )
    codes = [one.error and one.error.code for one in found]
    assert codes == [None, "IMPORT_FIELD", "IMPORT_TWICE", "IMPORT_FIELD"]
    lines = [one.line for one in found]
    assert lines == sorted(set(lines))


def test_a_uti_whose_issuer_stands_apart() -> None:
    xml = trade_xml(equity_xml(), uti="IMP9").replace(
        "<partyTradeIdentifier>", f"<partyTradeIdentifier><issuer>{ALICE}</issuer>"
    )
    (entry,) = read(xml)
    assert entry.trade.uti == f"{ALICE}IMP9"


def test_parties_without_an_lei_are_refused() -> None:
    data = fpml(trade_xml(equity_xml())).replace(b"iso17442", b"bic")
    (entry,) = entries(data, Format.FPML)
    assert "iso17442" in entry.error.detail
    (entry,) = entries(data.replace(b'id="b"', b'id="c"'), Format.FPML)
    assert entry.error.code == "IMPORT_FIELD"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>
<dataDocument xmlns="http://www.fpml.org/FpML-5/confirmation">&b;</dataDocument>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd">
<dataDocument xmlns="http://www.fpml.org/FpML-5/confirmation"/>"""


@pytest.mark.parametrize(
    "data",
    [b"", b"<a", b"<a/>", b"\xff\xfe", BOMB, OUTSIDE, b"<?xml version='1.0' encoding='x'?><a/>"],
)
def test_what_is_no_such_document_is_refused_whole(data: bytes) -> None:
    with pytest.raises(ImportUnreadable):
        entries(data, Format.FPML)


@given(st.integers(1, 10**9), st.integers(1, 10**7))
def test_amounts_that_agree_are_taken_for_every_rate(euros: int, rate: int) -> None:
    cents, text = euros * 100, f"{rate // 10_000}.{rate % 10_000:04d}"
    owed = (euros * rate * 100 + 5_000) // 10_000
    xml = fx_xml(eur=f"{euros}", rate=text, usd=f"{owed // 100}.{owed % 100:02d}")
    (entry,) = read(trade_xml(xml))
    assert entry.error is None, entry.error
    assert (entry.trade.quantity * 100, entry.trade.price) == (cents, rate)
