"""A member's own book of trades: what affirmation compares a counterparty's trade with."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ledger.objects import Trade, TradeSource
from node.messages import FieldDifference
from wire import ids
from wire.errors import CodedError, EnvironmentFault
from wire.ids import InstrumentCode
from wire.limits import TEXT_CHARS_MAX

COLUMNS: Final = (
    "uti",
    "buyer",
    "seller",
    "instrument",
    "quantity",
    "price",
    "trade_date",
    "source",
    "reference",
)
"""Of the CSV; quantity and price are integers in the instrument's scale, dates yyyymmdd."""


class BadBlotter(EnvironmentFault):
    """A line of a trade file cannot be read; nothing of the file was taken."""

    code = "BLOTTER_INVALID"
    remedy = f"Correct the line named. Columns: {','.join(COLUMNS)}."


def trade_from(fields: dict[str, str]) -> Trade:
    """A trade from text fields; raises `BadIdentifier` or `ValueError` with the reason."""
    missing = [name for name in COLUMNS if fields.get(name) is None]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    surplus = sorted(set(map(str, fields)) - set(COLUMNS))
    if surplus:
        raise ValueError(f"unknown field {surplus[0]}")
    return Trade(
        uti=ids.uti(fields["uti"]),
        buyer=ids.party(fields["buyer"]),
        seller=ids.party(fields["seller"]),
        instrument=InstrumentCode(ids.code(fields["instrument"])),
        quantity=_positive("quantity", fields["quantity"]),
        price=_positive("price", fields["price"]),
        trade_date=ids.date(_positive("trade_date", fields["trade_date"])),
        source=_source(fields["source"]),
        reference=fields["reference"],
    )


def fields_of(trade: Trade) -> dict[str, str]:
    """The text fields of a trade, in the order of `COLUMNS`."""
    found = {name: str(getattr(trade, name)) for name in COLUMNS}
    found["source"] = TradeSource(trade.source).name
    return found


def read_blotter(path: Path) -> list[Trade]:
    """All trades of a CSV file; raises `BadBlotter` naming the line."""
    trades: list[Trade] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                line = len(trades) + 2
                try:
                    trades.append(trade_from({str(k): v for k, v in row.items()}))
                except CodedError as error:
                    raise BadBlotter(f"{path} line {line}: {error.detail}") from None
                except ValueError as error:
                    raise BadBlotter(f"{path} line {line}: {error}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadBlotter(f"{path}: {error}") from None
    return trades


def write_blotter(path: Path, trades: Iterable[Trade]) -> None:
    """A CSV file that `read_blotter` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(fields_of(trade) for trade in trades)


def differences(ours: Trade, theirs: Trade) -> tuple[FieldDifference, ...]:
    """The fields in which two books differ."""
    mine, other = fields_of(ours), fields_of(theirs)
    return tuple(
        FieldDifference(name, mine[name][:TEXT_CHARS_MAX], other[name][:TEXT_CHARS_MAX])
        for name in COLUMNS
        if mine[name] != other[name] and name != "reference"
    )


def _positive(name: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18 or int(text) <= 0:
        raise ValueError(f"{name} is {text[:40]!r}, a positive integer expected")
    return int(text)


def _source(text: str) -> TradeSource:
    try:
        return TradeSource[text]
    except KeyError:
        names = ", ".join(source.name for source in TradeSource)
        raise ValueError(f"source is {text[:40]!r}, one of {names} expected") from None
