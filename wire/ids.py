"""Identifiers of members, accounts, instruments and trades, and the one place that checks them."""

import re
from typing import Final, NewType

from wire.errors import BadIdentifier

Lei = NewType("Lei", str)
"""ISO 17442 legal entity identifier: 18 characters of [0-9A-Z] and two check digits."""

Party = NewType("Party", str)
"""Whose trades, debts and cash: a member's house (its LEI), or a client account of it
(`LEI:REFERENCE`, kept apart from the house and from its other clients)."""

Uti = NewType("Uti", str)
"""ISO 23897 unique transaction identifier: an LEI and up to 32 characters of [0-9A-Z]."""

AssetCode = NewType("AssetCode", str)
"""Code of a cash token or security, e.g. `USD`."""

InstrumentCode = NewType("InstrumentCode", str)
"""Code of a tradable instrument, e.g. `FWD-AAPL`."""

FeedCode = NewType("FeedCode", str)
"""Code of an oracle feed, e.g. `EQ-AAPL`."""

Date = NewType("Date", int)
"""A business date as the integer yyyymmdd: it sorts, and needs no clock to read."""

_LEI: Final = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_UTI: Final = re.compile(r"[0-9A-Z]{20}[0-9A-Z]{1,32}")
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,31}")
_CLIENT: Final = re.compile(r"[0-9A-Z]{1,16}")
_CHAIN: Final = re.compile(r"[a-z0-9][a-z0-9\-]{0,47}")
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _mod97(text: str) -> int:
    """ISO 7064 MOD 97-10 of a string of [0-9A-Z], letters read as 10 to 35."""
    return int("".join(str(int(c, 36)) for c in text)) % 97


def lei(text: str) -> Lei:
    """`text` as an LEI; raises `BadIdentifier` with the reason."""
    if not _LEI.fullmatch(text):
        raise BadIdentifier(f"LEI {text[:40]!r}: 18 of [0-9A-Z] and two digits expected")
    if _mod97(text) != 1:
        raise BadIdentifier(f"LEI {text}: check digits are wrong, {lei_from(text[:18])} is right")
    return Lei(text)


def lei_from(base: str) -> Lei:
    """The LEI with `base` as its first 18 characters (ISO 17442 annex A)."""
    if not re.fullmatch(r"[0-9A-Z]{18}", base):
        raise BadIdentifier(f"LEI base {base[:40]!r}: 18 of [0-9A-Z] expected")
    return Lei(f"{base}{98 - _mod97(base + '00'):02d}")


def party(text: str) -> Party:
    """`text` as a member's house or client account; raises `BadIdentifier`."""
    member, colon, client = text.partition(":")
    lei(member)
    if colon and not _CLIENT.fullmatch(client):
        raise BadIdentifier(f"account {text[:40]!r}: 1 to 16 of [0-9A-Z] expected after the LEI")
    return Party(text)


def house(member: str) -> Party:
    """The house account of a member."""
    return Party(member)


def member_of(account: str) -> Lei:
    """The member that answers for a party."""
    return Lei(account.partition(":")[0])


def is_of(account: str, whose: str) -> bool:
    """Whether a party is `whose`: that client account, or of an LEI the house and every client."""
    return account == whose or account.startswith(f"{whose}:")


def client_of(account: str) -> str:
    """The client reference of a party; empty for a house."""
    return account.partition(":")[2]


def uti(text: str) -> Uti:
    """`text` as a UTI, its first 20 characters an LEI; raises `BadIdentifier`."""
    if not _UTI.fullmatch(text):
        raise BadIdentifier(f"UTI {text[:60]!r}: an LEI and 1 to 32 of [0-9A-Z] expected")
    lei(text[:20])
    return Uti(text)


def code(text: str) -> str:
    """`text` as a code of an asset, instrument or feed; raises `BadIdentifier`."""
    if not _CODE.fullmatch(text):
        raise BadIdentifier(f"code {text[:40]!r}: 1 to 32 of [A-Z0-9.-] expected")
    return text


def chain_id(text: str) -> str:
    """`text` as a chain id; raises `BadIdentifier`."""
    if not _CHAIN.fullmatch(text):
        raise BadIdentifier(f"chain id {text[:60]!r}: 1 to 48 of [a-z0-9-] expected")
    return text


def ordinal(day: Date) -> int:
    """Days from 1 March of year 0 to a date: differences count actual days.

    Years begin in March, so that the leap day is a year's last.
    """
    year, month, of_month = day // 10_000, day // 100 % 100, day % 100
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * month + 2) // 5 + of_month - 1


def date(number: int) -> Date:
    """`number` (yyyymmdd) as a business date of the Gregorian calendar."""
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1900 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1]):
        raise BadIdentifier(f"date {number}: yyyymmdd expected")
    if month == 2 and day == 29 and not leap:
        raise BadIdentifier(f"date {number}: {year} has no 29 February")
    return Date(number)
