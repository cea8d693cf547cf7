"""FIX TradeCaptureReport (35=AE) of FIX 4.4, 5.0, 5.0 SP1 and SP2, in a file of messages.

What is read (FIX Trading Community, FIX 5.0 SP2, volume 5): RegulatoryTradeID 1903, else
TradeID 1003, else TradeReportID 571 as the UTI; SecurityID 48 or Symbol 55; LastQty 32;
LastPx 31; TradeDate 75; two sides (54) whose party by LEI (447=N) is the clearing firm (452=4)
or else the executing firm (452=1), with the customer account (452=24 or 3) as client account; or
one side and the contra firm (452=17). Currency 15 and MaturityDate 541 must be the listed ones.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import simplefix

from ledger.objects import Trade
from node.imports.entries import Read, trade_of
from node.imports.errors import FieldWrong, ImportUnreadable, NotSupported
from node.imports.listing import Listing, holds, scaled
from wire.errors import Rejection

SOH: Final = b"\x01"
_BEGIN: Final = re.compile(rb"8=FIX[^\x01]{0,20}\x01")
_END: Final = re.compile(rb"\x0110=[0-9]{3}\x01")
_FIELD: Final = re.compile(rb"[1-9][0-9]{0,8}=[^\x01]+")

SESSION: Final = frozenset("012345A")
"""Heartbeat, logon and the like: passed over."""
VERSIONS: Final = {"7": "5.0", "8": "5.0 SP1", "9": "5.0 SP2"}
"""ApplVerID (1128), and DefaultApplVerID, of FIXT.1.1."""

BUY, SELL = "1", "2"
CLEARING_FIRM, EXECUTING_FIRM, CONTRA_FIRM = "4", "1", "17"
CLIENT_ROLES: Final = ("24", "3")
LEI_SOURCE: Final = "N"

Fields = Sequence[tuple[int, str]]


class _Side(NamedTuple):
    side: str
    account: str
    contra: str


def read_fix(data: bytes, listing: Listing, source: str) -> Iterator[Read]:
    """The messages of a file, in order."""
    at, line = 0, 1
    for begin, end in _messages(data):
        between, message = data[at:begin], data[begin:end]
        yield from _stray(between, line)
        line += between.count(b"\n")
        yield from _entry(message, line, listing, source)
        line += message.count(b"\n")
        at = end
    yield from _stray(data[at:], line)


def _messages(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each message begins and ends; every byte is looked at twice at most."""
    begin = _BEGIN.search(data)
    while begin is not None:
        end = _END.search(data, begin.end() - 1)
        if end is None:
            return
        yield begin.start(), end.end()
        begin = _BEGIN.search(data, end.end())


def _stray(data: bytes, line: int) -> Iterator[Read]:
    """Anything but white space between messages is no message."""
    if data.strip():
        line += data[: len(data) - len(data.lstrip())].count(b"\n")
        yield line, "", ImportUnreadable(f"no FIX message: {data.strip()[:40]!r}")


def _entry(raw: bytes, line: int, listing: Listing, source: str) -> Iterator[Read]:
    uti = ""
    try:
        fields = _fields(raw)
        if _one(fields, 35, "MsgType") in SESSION:
            return
        _supported(fields)
        uti = _first(fields, (1903, 1003, 571)) or ""
        yield line, uti, _trade(fields, uti, listing, source)
    except Rejection as error:
        yield line, uti, error


def _fields(raw: bytes) -> Fields:
    """Tags and values in order; raises `ImportUnreadable` if the message is not whole."""
    body, _, tail = raw.rpartition(b"10=")
    if sum(body) % 256 != int(tail[:3]):
        raise ImportUnreadable(f"CheckSum 10 is {tail[:3].decode()}, not {sum(body) % 256:03d}")
    head = re.match(rb"8=[^\x01]*\x019=([0-9]{1,9})\x01", body)
    if head is None or int(head[1]) != len(body) - head.end():
        raise ImportUnreadable("BodyLength 9 is not the length of the message")
    for part in body[:-1].split(SOH):
        if not _FIELD.fullmatch(part):
            raise ImportUnreadable(f"no field: {part[:40]!r}")
    parser = simplefix.FixParser()
    parser.append_buffer(raw)
    message = parser.get_message()
    if message is None:
        raise ImportUnreadable("the message is not whole")
    try:
        return [(int(tag), value.decode("utf-8")) for tag, value in message.pairs]
    except UnicodeDecodeError:
        raise ImportUnreadable("a value is not UTF-8") from None


def _supported(fields: Fields) -> None:
    """Only new trades of known versions; raises `NotSupported`."""
    begin, kind = _one(fields, 8, "BeginString"), _one(fields, 35, "MsgType")
    version = _first(fields, (1128, 1137))
    if begin != "FIX.4.4" and not (begin == "FIXT.1.1" and version in VERSIONS):
        raise NotSupported(f"BeginString 8 is {begin}, ApplVerID 1128 is {version}")
    if kind != "AE":
        raise NotSupported(f"MsgType 35 is {kind}, not AE (TradeCaptureReport)")
    for tag, name, good in (
        (487, "TradeReportTransType", "0"),
        (856, "TradeReportType", "0"),
        (150, "ExecType", "F"),
    ):
        value = _first(fields, (tag,))
        if value not in (None, good):
            raise NotSupported(f"{name} {tag} is {value}: only new trades ({good}) are read")
    if _first(fields, (570,)) == "Y":
        raise NotSupported("PreviouslyReported 570 is Y: the trade is no new one")


def _trade(fields: Fields, uti: str, listing: Listing, source: str) -> Trade:
    instrument = listing.named(_first(fields, (48,)) or "", _first(fields, (55,)) or "")
    maturity = _first(fields, (541,))
    if maturity is not None and not re.fullmatch("[0-9]{8}", maturity):
        raise FieldWrong(f"MaturityDate 541 is {maturity[:40]!r}, yyyymmdd expected")
    holds(
        instrument,
        currency=_first(fields, (15,)),
        maturity=None if maturity is None else int(maturity),
    )
    buyer, seller = _parties(_sides(fields))
    quantity = scaled(_one(fields, 32, "LastQty"), 1, "LastQty 32")
    price = scaled(_one(fields, 31, "LastPx"), instrument.price_scale, "LastPx 31")
    report = _first(fields, (571,)) or ""
    return trade_of(
        {
            "uti": uti,
            "buyer": buyer,
            "seller": seller,
            "instrument": instrument.code,
            "quantity": str(quantity),
            "price": str(price),
            "trade_date": _one(fields, 75, "TradeDate"),
            "source": source,
            "reference": "" if report == uti else report,
        }
    )


def _sides(fields: Fields) -> list[_Side]:
    """The groups that a Side (54) begins."""
    starts = [number for number, (tag, _) in enumerate(fields) if tag == 54]
    count = _one(fields, 552, "NoSides")
    if count != str(len(starts)):
        raise FieldWrong(f"NoSides 552 is {count[:9]}, and there are {len(starts)} Side 54")
    ends = [*starts[1:], len(fields)]
    return [_side(fields[a:b]) for a, b in zip(starts, ends, strict=True)]


def _side(group: Fields) -> _Side:
    """Whose side it is, by LEI, and the contra firm if it is named."""
    parties: list[dict[int, str]] = []
    for tag, value in group:
        if tag == 448:
            parties.append({})
        if tag in (448, 447, 452) and parties:
            parties[-1].setdefault(tag, value)
    roles = {party.get(452, ""): party for party in parties}
    firm = roles.get(CLEARING_FIRM) or roles.get(EXECUTING_FIRM)
    if firm is None:
        raise FieldWrong("a side has no PartyRole 452 of 4 (clearing) or 1 (executing firm)")
    account = _lei(firm)
    client = next((roles[role][448] for role in CLIENT_ROLES if role in roles), "")
    contra = roles.get(CONTRA_FIRM)
    return _Side(
        group[0][1],
        f"{account}:{client}" if client else account,
        "" if contra is None else _lei(contra),
    )


def _lei(party: dict[int, str]) -> str:
    if party.get(447) != LEI_SOURCE:
        raise FieldWrong(f"PartyIDSource 447 of {party[448][:40]!r} is not N (LEI)")
    return party[448]


def _parties(sides: Sequence[_Side]) -> tuple[str, str]:
    """Buyer and seller; raises `FieldWrong`."""
    accounts = {one.side: one.account for one in sides}
    if len(sides) == 1 and sides[0].contra:
        (mine,) = sides
        accounts[SELL if mine.side == BUY else BUY] = mine.contra
    if sorted(accounts) != [BUY, SELL] or len(sides) > 2:
        raise FieldWrong("Side 54: one of 1 (buy) and one of 2 (sell), or one and a contra firm")
    return accounts[BUY], accounts[SELL]


def _first(fields: Fields, tags: Sequence[int]) -> str | None:
    """The value of the first of `tags` that is there."""
    for wanted in tags:
        for tag, value in fields:
            if tag == wanted:
                return value
    return None


def _one(fields: Fields, tag: int, name: str) -> str:
    found = _first(fields, (tag,))
    if found is None:
        raise FieldWrong(f"{name} {tag} is missing")
    return found
