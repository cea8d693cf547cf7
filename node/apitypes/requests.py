"""What the API is asked to do: bodies of POST requests."""

from typing import Annotated, Literal

import msgspec

from node.apitypes.shown import Hex
from wire.limits import EVIDENCE_MAX


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies; an unknown field is an error."""


class TradeEntry(Request, frozen=True):
    """A trade as text, as in a blotter's CSV: quantity and price are integers in the instrument's
    scale, the date is yyyymmdd."""

    uti: str
    buyer: str
    seller: str
    instrument: str
    quantity: str | int
    price: str | int
    trade_date: str | int
    source: str
    reference: str


Entries = Annotated[list[TradeEntry], msgspec.Meta(min_length=1, max_length=10_000)]


class NewTrades(Request, frozen=True):
    """Own trades to sign. `batch`: all or none, with one counterparty."""

    trades: Entries
    batch: bool = False


class Prune(Request, frozen=True):
    """How many blocks are to stay."""

    retain_blocks: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class BookTrades(Request, frozen=True):
    """Trades of the member's own book."""

    trades: Entries


class SignedTransaction(Request, frozen=True):
    """A transaction with its signatures: canonical bytes in hex."""

    tx: Hex


class ToSign(Request, frozen=True):
    """A transaction for the home's keys to sign, in hex, and what is to be done with it then:
    `return` it, `affirm` (send its trades to the counterparty), or `submit`."""

    tx: Hex
    then: Literal["return", "affirm", "submit"] = "return"


class Marks(Request, frozen=True):
    """Marks of the open date (yyyymmdd): feed to value, in the feed's scale."""

    date: int
    marks: dict[str, int]


class NewEvidence(Request, frozen=True):
    """Pieces of evidence: direct messages in hex."""

    evidence: Annotated[list[Hex], msgspec.Meta(min_length=1, max_length=EVIDENCE_MAX)]
