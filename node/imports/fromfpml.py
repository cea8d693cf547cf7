"""FpML 5 (confirmation view): equityForward and fxSingleLeg (FX forward), in any document.

What is read (FpML 5.12, equity and FX sub-schemas): the tradeId whose scheme is that of unique
transaction identifiers, tradeDate, parties by LEI. An equity forward names its instrument by
`productId` or the underlyer's `instrumentId`; openUnits, forwardPrice per unit; its expiration date
and currency must be the listed ones. An FX forward is found by its two currencies and value date,
the rate quoted in the listed currency; both amounts must agree with it.
"""

from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ledger.objects import Instrument, Product, Trade
from node.imports.entries import Read, trade_of
from node.imports.errors import FieldWrong, ImportUnreadable, NotSupported, TermsDiffer
from node.imports.listing import Listing, holds, scaled
from wire.errors import Rejection

NAMESPACE: Final = "{http://www.fpml.org/FpML-5/"
UTI_SCHEMES: Final = ("unique-transaction-identifier", "uti")
"""Last parts of the scheme URIs under http://www.fpml.org/coding-scheme/external/."""
LINE: Final = "\N{LINE SEPARATOR}line"
"""Attribute of an element that holds its line: no attribute of a document has such a name."""


class _Lines(DefusedXMLParser):  # type: ignore[misc]
    """Notes where each element begins; entities and DTDs are refused."""

    def _start(self, tag: str, attributes: Any) -> Any:
        found = super()._start(tag, attributes)
        found.set(LINE, str(self.parser.CurrentLineNumber))
        return found


def read_fpml(data: bytes, listing: Listing, source: str) -> Iterator[Read]:
    """The trades of a document, in order; raises `ImportUnreadable`."""
    parser = _Lines(forbid_dtd=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise ImportUnreadable(f"no XML that is read: {str(error)[:120]}") from None
    if not root.tag.startswith(NAMESPACE):
        raise ImportUnreadable(f"the root is {root.tag[:60]}, not of FpML 5")
    parties = {party.get("id", ""): party for party in _all(root, "party")}
    for trade in _all(root, "trade"):
        if trade.get("id") is None and not len(trade):
            continue  # a reference
        yield _entry(trade, parties, listing, source)


def _entry(trade: Element, parties: dict[str, Element], listing: Listing, source: str) -> Read:
    line, uti = int(trade.get(LINE, "0")), ""
    try:
        uti = _uti(trade)
        return line, uti, _trade(trade, uti, parties, listing, source)
    except Rejection as error:
        return line, uti, error


def _trade(
    trade: Element, uti: str, parties: dict[str, Element], listing: Listing, source: str
) -> Trade:
    terms = None
    for name, read in (("equityForward", _equity_forward), ("fxSingleLeg", _fx_forward)):
        found = trade.find(f"{{*}}{name}")
        if found is not None:
            terms = read(found, listing)
    if terms is None:
        kinds = [_name(child) for child in trade if _name(child) not in ("tradeHeader", "party")]
        raise NotSupported(f"product {(kinds or ['none'])[0][:60]}")
    buyer, seller, instrument, quantity, price = terms
    return trade_of(
        {
            "uti": uti,
            "buyer": _lei(parties, buyer),
            "seller": _lei(parties, seller),
            "instrument": instrument.code,
            "quantity": str(quantity),
            "price": str(price),
            "trade_date": _date(_text(trade, "tradeHeader/tradeDate")),
            "source": source,
            "reference": "",
        }
    )


Terms = tuple[str, str, Instrument, int, int]
"""References to buyer and seller, instrument, quantity, price."""


def _equity_forward(product: Element, listing: Listing) -> Terms:
    underlyer = _one(product, "underlyer/singleUnderlyer")
    named = (*_all(product, "productId"), *_all(underlyer, "instrumentId"))
    instrument = listing.named(*((one.text or "").strip() for one in named))
    expiration = (
        "equityExercise/equityEuropeanExercise/expirationDate/adjustableDate/unadjustedDate"
    )
    holds(
        instrument,
        product=Product.EQUITY_FORWARD,
        maturity=int(_date(_text(product, expiration))),
        currency=_text(product, "forwardPrice/currency"),
    )
    quantity = scaled(_text(underlyer, "openUnits"), 1, "openUnits")
    amount = _text(product, "forwardPrice/amount")
    price = scaled(amount, instrument.price_scale, "forwardPrice/amount")
    buyer = _reference(product, "buyerPartyReference")
    return buyer, _reference(product, "sellerPartyReference"), instrument, quantity, price


def _fx_forward(product: Element, listing: Listing) -> Terms:
    pair = _one(product, "exchangeRate/quotedCurrencyPair")
    first, second = _text(pair, "currency1"), _text(pair, "currency2")
    match basis := _text(pair, "quoteBasis"):
        case "Currency2PerCurrency1":
            base, quote = first, second
        case "Currency1PerCurrency2":
            base, quote = second, first
        case _:
            raise FieldWrong(f"quoteBasis is {basis[:40]!r}")
    instrument = listing.fx_forward(base, quote, int(_date(_text(product, "valueDate"))))
    legs = {
        _text(leg, "paymentAmount/currency"): leg
        for leg in (_one(product, "exchangedCurrency1"), _one(product, "exchangedCurrency2"))
    }
    if set(legs) != {base, quote}:
        raise FieldWrong(f"currencies exchanged are {sorted(legs)}, the rate's {base} and {quote}")
    buyer, seller = (
        _reference(legs[base], f"{side}PartyReference") for side in ("receiver", "payer")
    )
    if (seller, buyer) != tuple(
        _reference(legs[quote], f"{side}PartyReference") for side in ("receiver", "payer")
    ):
        raise FieldWrong("exchangedCurrency2: each party pays one currency and receives the other")
    given = _text(legs[base], "paymentAmount/amount")
    units = listing.minor_units(base, given, "exchangedCurrency1")
    assert instrument.delivery is not None
    quantity, rest = divmod(units, instrument.delivery.per_unit)
    if rest:
        raise FieldWrong(f"{given} {base} is no whole number of units of {instrument.code}")
    rate = _text(product, "exchangeRate/rate")
    of_unit = instrument.price_scale * instrument.delivery.per_unit
    price, rest = divmod(scaled(rate, of_unit, "rate"), listing.minor_units(base, "1", "one"))
    if rest:
        raise TermsDiffer(f"rate is {rate}, not a whole number of 1/{instrument.price_scale}")
    _agree(instrument, quantity, price, legs[quote], listing)
    return buyer, seller, instrument, quantity, price


def _agree(
    instrument: Instrument, quantity: int, price: int, leg: Element, listing: Listing
) -> None:
    """That the other amount is the first at the rate, to the minor unit; raises `FieldWrong`."""
    text = _text(leg, "paymentAmount/amount")
    paid = listing.minor_units(instrument.currency, text, "exchangedCurrency2")
    one = listing.minor_units(instrument.currency, "1", "one")
    exact = quantity * price * one  # in 1/price_scale of a minor unit
    if abs(paid * instrument.price_scale - exact) > instrument.price_scale:
        raise FieldWrong(
            f"{text} {instrument.currency} is not {quantity} units at the rate, which is "
            f"{exact // instrument.price_scale} minor units"
        )


# ---------------------------------------------------------------- the document
def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: Element, name: str) -> list[Element]:
    return [one for one in element.iter() if _name(one) == name]


def _one(element: Element, path: str) -> Element:
    found = element.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    if found is None:
        raise FieldWrong(f"{_name(element)}/{path} is missing")
    return found


def _text(element: Element, path: str) -> str:
    found = (_one(element, path).text or "").strip()
    if not found:
        raise FieldWrong(f"{_name(element)}/{path} is empty")
    return found


def _uti(trade: Element) -> str:
    """The tradeId of the UTI scheme, behind its issuer's LEI where that stands apart."""
    for identifier in _all(trade, "tradeId"):
        if identifier.get("tradeIdScheme", "").rstrip("/").rpartition("/")[2] in UTI_SCHEMES:
            found = (identifier.text or "").strip()
            issuer = next((x.text or "" for x in _issuers(trade, identifier)), "").strip()
            return found if found.startswith(issuer) else issuer + found
    raise FieldWrong(f"tradeHeader: no tradeId whose scheme is {' or '.join(UTI_SCHEMES)}")


def _issuers(trade: Element, identifier: Element) -> Iterator[Element]:
    for parent in trade.iter():
        if identifier in list(parent):
            yield from (child for child in parent if _name(child) == "issuer")


def _reference(element: Element, path: str) -> str:
    return _one(element, path).get("href", "")


def _lei(parties: dict[str, Element], reference: str) -> str:
    party = parties.get(reference)
    if party is None:
        raise FieldWrong(f"no party has the id {reference[:40]!r}")
    for identifier in _all(party, "partyId"):
        if "iso17442" in identifier.get("partyIdScheme", ""):
            return (identifier.text or "").strip()
    raise FieldWrong(f"party {reference[:40]} has no partyId of the scheme iso17442 (LEI)")


def _date(text: str) -> str:
    """yyyymmdd of an ISO 8601 date; a time zone is passed over."""
    digits = text[:10].replace("-", "")
    if len(text) < 10 or len(digits) != 8 or not digits.isdecimal() or text[4:8:3] != "--":
        raise FieldWrong(f"{text[:40]!r} is no date")
    return digits
