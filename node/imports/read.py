"""The one door of imports: a file's bytes in, an entry for every trade of it out."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

from node.imports.entries import Entry, Read, checked
from node.imports.fromcsv import read_csv
from node.imports.fromfix import read_fix
from node.imports.fromfpml import read_fpml
from node.imports.listing import Listing


class Format(StrEnum):
    """Of a file of trades."""

    CSV = "csv"
    FIX = "fix"
    FPML = "fpml"


READERS: Final[dict[Format, Callable[[bytes, Listing, str], Iterator[Read]]]] = {
    Format.CSV: read_csv,
    Format.FIX: read_fix,
    Format.FPML: read_fpml,
}


def read_trades(data: bytes, form: Format, listing: Listing, lei: str, source: str) -> list[Entry]:
    """All entries of a file in order; raises `ImportUnreadable` for what is no such file.

    `lei`: the member whose book it is. `source`: where its trades were made, by the name of a
    `TradeSource`, for formats that do not say.
    """
    return list(checked(READERS[form](data, listing, source), lei))
