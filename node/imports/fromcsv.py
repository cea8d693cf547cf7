"""CSV with the columns of a blotter: quantity and price are integers in the instrument's scale."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from node.blotter import COLUMNS
from node.imports.entries import Read, trade_of
from node.imports.errors import FieldWrong, ImportUnreadable
from node.imports.listing import Listing
from wire.errors import Rejection


def read_csv(data: bytes, listing: Listing, source: str) -> Iterator[Read]:
    """The entries of a file, line by line; raises `ImportUnreadable`. An empty `source` column
    takes `source`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportUnreadable(f"not UTF-8: {error}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ImportUnreadable(f"line 1: no column {missing[0]}")
        end = reader.line_num
        for row in reader:
            line, end = end + 1, reader.line_num
            yield line, str(row.get("uti") or ""), _trade(row, listing, source)
    except csv.Error as error:
        raise ImportUnreadable(f"line {reader.line_num}: {error}") from None


def _trade(row: dict[str | Any, str | Any], listing: Listing, source: str) -> Any:
    try:
        if None in row:
            raise FieldWrong(f"more fields than the {len(COLUMNS)} columns")
        for name in COLUMNS:
            if row[name] is None:
                raise FieldWrong(f"{name} is missing")
        fields = {name: row[name].strip() for name in row}
        fields["source"] = fields["source"] or source
        fields["instrument"] = listing.named(fields["instrument"]).code
        return trade_of(fields)
    except Rejection as error:
        return error
