"""The ledger's instruments, as imports find them and hold a file's terms against them."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ledger.objects import Asset, Instrument, Product
from node.imports.errors import FieldWrong, InstrumentUnknown, TermsDiffer

_DECIMAL: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{0,12}))?")

ASSET_DEFAULT_EXPONENT: Final = 2


def scaled(text: str, scale: int, field: str) -> int:
    """A decimal number times `scale`, exactly; raises `FieldWrong`, `TermsDiffer`."""
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise FieldWrong(f"{field} is {text[:40]!r}, a positive decimal number expected")
    decimals = found[2] or ""
    value, rest = divmod(int(found[1] + decimals) * scale, int(10 ** len(decimals)))
    if rest:
        raise TermsDiffer(f"{field} is {text}, not a whole number of 1/{scale}")
    return value


class Listing:
    """What is listed, and other systems' names for it."""

    def __init__(
        self,
        instruments: Iterable[Instrument],
        assets: Iterable[Asset],
        names: Mapping[str, str],
    ) -> None:
        """`names`: another system's name of an instrument (symbol, ISIN) to the ledger's code."""
        self._instruments = {one.code: one for one in instruments}
        self._by_code: Mapping[str, Instrument] = {str(k): v for k, v in self._instruments.items()}
        self._exponents = {str(one.code): one.exponent for one in assets}
        self._names = names

    def named(self, *candidates: str) -> Instrument:
        """By the first of other systems' names that is known; raises `InstrumentUnknown`."""
        given = [name for name in candidates if name]
        for name in given:
            found = self._by_code.get(self._names.get(name, name))
            if found is not None:
                return found
        raise InstrumentUnknown(f"no instrument is called {' or '.join(given)[:120] or 'nothing'}")

    def fx_forward(self, base: str, quote: str, maturity: int) -> Instrument:
        """The forward that delivers `base` against `quote` on a date; raises
        `InstrumentUnknown`."""
        found = [
            one
            for one in self._instruments.values()
            if one.product == Product.FX_FORWARD
            and one.delivery is not None
            and (one.delivery.asset, one.currency, one.maturity) == (base, quote, maturity)
        ]
        if len(found) != 1:
            how = "no" if not found else f"{len(found)} instruments are an"
            raise InstrumentUnknown(f"{how} FX forward of {base} against {quote} on {maturity}")
        return found[0]

    def minor_units(self, asset: str, text: str, field: str) -> int:
        """An amount of an asset in minor units; raises as `scaled`."""
        return scaled(text, 10 ** self._exponents.get(asset, ASSET_DEFAULT_EXPONENT), field)


def holds(instrument: Instrument, **given: str | int | None) -> None:
    """That terms which the file gives (None: it does not) are the instrument's; raises
    `TermsDiffer`."""
    for field, value in given.items():
        listed = getattr(instrument, field)
        if value is not None and value != listed:
            shown = listed.name if isinstance(listed, Product) else listed
            raise TermsDiffer(f"{field} is {value}, of {instrument.code} it is {shown}")
