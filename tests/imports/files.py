"""Files as other systems write them, made for tests."""

from typing import Any

import simplefix

from ledger.objects import Asset, AssetClass, AssetKind, Delivery, Instrument, Product
from node.imports.entries import Entry
from node.imports.listing import Listing
from node.imports.read import Format, read_trades
from wire import ids

ALICE, BOB, EVE = (ids.lei_from(f"{name:0<18}") for name in ("ALICE", "BOB", "EVE"))
UTI = f"{ALICE}IMP1"

FORWARD = Instrument(
    code=ids.InstrumentCode("FWD-MSFT"),
    product=Product.EQUITY_FORWARD,
    feed=ids.FeedCode("EQ-MSFT"),
    currency=ids.AssetCode("USD"),
    price_scale=1_000,
    maturity=ids.Date(20081219),
    service="S",
    asset_class=AssetClass.EQUITY,
    issuer=None,
    delivery=None,
    coupons=(),
)


def fx(per_unit: int = 100, scale: int = 10_000, code: str = "EURUSD-1219") -> Instrument:
    """A forward that delivers euros against dollars."""
    return Instrument(
        code=ids.InstrumentCode(code),
        product=Product.FX_FORWARD,
        feed=ids.FeedCode("EURUSD"),
        currency=ids.AssetCode("USD"),
        price_scale=scale,
        maturity=ids.Date(20081219),
        service="S",
        asset_class=AssetClass.FX,
        issuer=None,
        delivery=Delivery(ids.AssetCode("EUR"), per_unit),
        coupons=(),
    )


def listing(*more: Instrument, names: dict[str, str] | None = None) -> Listing:
    assets = [
        Asset(ids.AssetCode(code), AssetKind.CASH, EVE, exponent, 0, 0)
        for code, exponent in (("USD", 2), ("EUR", 2), ("JPY", 0))
    ]
    return Listing([FORWARD, *(more or (fx(),))], assets, names or {})


def entries(data: bytes, form: Format, *more: Instrument, **names: str) -> list[Entry]:
    known = listing(*more, names={k.replace("_", " "): v for k, v in names.items()})
    return read_trades(data, form, known, ALICE, "OTC")


SIDES: list[tuple[int, str]] = [
    (552, "2"),
    (54, "1"), (453, "1"), (448, ALICE), (447, "N"), (452, "1"),
    (54, "2"), (453, "1"), (448, BOB), (447, "N"), (452, "1"),
]  # fmt: skip
REPORT: dict[int, str] = {
    571: UTI, 487: "0", 55: "FWD-MSFT", 15: "USD", 541: "20081219", 32: "100", 31: "25.125",
    75: "20080912",
}  # fmt: skip


def fix(
    changed: dict[int, str | None] | None = None,
    sides: list[tuple[int, str]] | None = None,
    begin: str = "FIX.4.4",
    kind: str = "AE",
) -> bytes:
    """A TradeCaptureReport; `changed`: fields set, or left out."""
    message = simplefix.FixMessage()
    message.append_pair(8, begin)
    message.append_pair(35, kind)
    fields: dict[int, Any] = {**REPORT, **(changed or {})}
    for tag, value in fields.items():
        if value is not None:
            message.append_pair(tag, value)
    for tag, value in SIDES if sides is None else sides:
        message.append_pair(tag, value)
    found: bytes = message.encode()
    return found


HEAD = '<?xml version="1.0"?>\n<dataDocument xmlns="http://www.fpml.org/FpML-5/confirmation">\n'
LEI_SCHEME = "http://www.fpml.org/coding-scheme/external/iso17442"
UTI_SCHEME = "http://www.fpml.org/coding-scheme/external/unique-transaction-identifier"
PARTIES = "".join(
    f'<party id="{name}"><partyId partyIdScheme="{LEI_SCHEME}">{lei}</partyId></party>\n'
    for name, lei in (("a", ALICE), ("b", BOB))
)


def trade_xml(product: str, uti: str = UTI, date: str = "2008-09-12") -> str:
    return f"""<trade><tradeHeader><partyTradeIdentifier>
      <tradeId tradeIdScheme="{UTI_SCHEME}">{uti}</tradeId></partyTradeIdentifier>
      <tradeDate>{date}</tradeDate></tradeHeader>{product}</trade>
    """


def equity_xml(**changed: str) -> str:
    given = {
        "id": "FWD-MSFT", "units": "100", "price": "25.125", "currency": "USD",
        "expires": "2008-12-19",
    } | changed  # fmt: skip
    return f"""<equityForward>
      <buyerPartyReference href="a"/><sellerPartyReference href="b"/>
      <optionType>Forward</optionType><equityEffectiveDate>2008-09-12</equityEffectiveDate>
      <underlyer><singleUnderlyer><equity><instrumentId instrumentIdScheme="x">{given["id"]}
        </instrumentId></equity><openUnits>{given["units"]}</openUnits></singleUnderlyer></underlyer>
      <equityExercise><equityEuropeanExercise><expirationDate id="e"><adjustableDate>
        <unadjustedDate>{given["expires"]}</unadjustedDate></adjustableDate></expirationDate>
        </equityEuropeanExercise></equityExercise>
      <forwardPrice><currency>{given["currency"]}</currency><amount>{given["price"]}</amount>
      </forwardPrice></equityForward>"""


def fx_xml(**changed: str) -> str:
    given = {
        "eur": "1000.00", "usd": "1100.00", "rate": "1.1000", "date": "2008-12-19",
        "basis": "Currency2PerCurrency1", "first": "EUR", "second": "USD", "payer": "b",
    } | changed  # fmt: skip
    receiver = "a" if given["payer"] == "b" else "b"
    return f"""<fxSingleLeg>
      <exchangedCurrency1><payerPartyReference href="{given["payer"]}"/>
        <receiverPartyReference href="{receiver}"/>
        <paymentAmount><currency>EUR</currency><amount>{given["eur"]}</amount></paymentAmount>
      </exchangedCurrency1>
      <exchangedCurrency2><payerPartyReference href="{receiver}"/>
        <receiverPartyReference href="{given["payer"]}"/>
        <paymentAmount><currency>USD</currency><amount>{given["usd"]}</amount></paymentAmount>
      </exchangedCurrency2>
      <valueDate>{given["date"]}</valueDate>
      <exchangeRate><quotedCurrencyPair><currency1>{given["first"]}</currency1>
        <currency2>{given["second"]}</currency2><quoteBasis>{given["basis"]}</quoteBasis>
        </quotedCurrencyPair><rate>{given["rate"]}</rate></exchangeRate></fxSingleLeg>"""


def fpml(*trades: str) -> bytes:
    return f"{HEAD}{''.join(trades)}{PARTIES}</dataDocument>".encode()
