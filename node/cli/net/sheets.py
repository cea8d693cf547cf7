"""Obligations and cash as CSV files: read whole and exactly, or refused with the line.

`debtor,creditor,amount`: a million lines take a second or two. Rows are read in batches by column;
only when a batch is not as it must be is the file read again, line by line, to name the line.
"""

import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from netting.graph import Ints
from node.cli.output import FileUnusable
from wire.errors import EnvironmentFault
from wire.limits import AMOUNT_MAX

DEBTS_HEADER: Final = ["debtor", "creditor", "amount"]
CASH_HEADER: Final = ["member", "amount"]

DEBT_MAX: Final = 10**13
"""Largest amount of one obligation, minor units."""

_BATCH: Final = 50_000

_DIGITS_MAX: Final = 40
"""Leading zeros included."""

Row = list[str]


class SheetInvalid(EnvironmentFault):
    """A CSV file of obligations or cash is not of the form `dcn net` reads."""

    code = "NET_SHEET_INVALID"
    remedy = (
        "UTF-8 text, first line `debtor,creditor,amount` (cash: `member,amount`), then one per "
        "line: any labels, whole amounts in minor units from 1 to 10^13; nobody owes itself."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Debts:
    """m obligations between n members, in the order of the file: oldest first."""

    labels: tuple[str, ...]
    """The members, sorted: their numbers, and their ids in the tie-break."""
    debtor: Ints
    creditor: Ints
    amount: Ints
    """int64[m], minor units."""


def read_debts(path: Path, tell: Callable[[str], None] = lambda _: None) -> Debts:
    """The obligations in a file; raises `SheetInvalid` or `FileUnusable`. `tell`: progress."""
    number: dict[str, int] = {}
    columns: list[tuple[list[int], list[int], Ints]] = []
    done = 0
    for rows in _batches(path, DEBTS_HEADER):
        amounts = _amounts(rows, 3)
        if amounts is None or amounts.min() < 1 or amounts.max() > DEBT_MAX:
            raise _first_fault(path, DEBTS_HEADER, _debt_fault)
        debtors = [number.setdefault(row[0], len(number)) for row in rows]
        creditors = [number.setdefault(row[1], len(number)) for row in rows]
        if "" in number or any(map(int.__eq__, debtors, creditors)):
            raise _first_fault(path, DEBTS_HEADER, _debt_fault)
        columns.append((debtors, creditors, amounts))
        done += len(rows)
        if done % (10 * _BATCH) == 0:
            tell(f"read {done:,} lines")
    labels = tuple(sorted(number))
    place = np.zeros(len(labels), np.int64)
    place[[number[label] for label in labels]] = np.arange(len(labels))
    ends = [np.concatenate([_NONE, *(column[end] for column in columns)]) for end in (0, 1)]
    amount = np.concatenate([_NONE, *(column[2] for column in columns)])
    return Debts(labels, place[ends[0]], place[ends[1]], amount)


def read_cash(path: Path, labels: Sequence[str]) -> Ints:
    """int64[n]: the amount of each member of `labels`, 0 of those not in the file.

    Members that are in no obligation may stand in the file; they change nothing.
    """
    found: dict[str, int] = {}
    for rows in _batches(path, CASH_HEADER):
        amounts = _amounts(rows, 2)
        if amounts is None or amounts.max() > AMOUNT_MAX:
            raise _first_fault(path, CASH_HEADER, _cash_fault())
        before = len(found)
        found.update(zip((row[0] for row in rows), amounts.tolist(), strict=True))
        if "" in found or len(found) != before + len(rows):
            raise _first_fault(path, CASH_HEADER, _cash_fault())
    return np.array([found.get(label, 0) for label in labels], np.int64)


_NONE: Final = np.empty(0, np.int64)


def _batches(path: Path, header: Row) -> Iterator[list[Row]]:
    """The rows below the header, blank lines left out."""
    with closing(_lines(path, header)) as lines:
        while batch := [row for _, row in islice(lines, _BATCH)]:
            yield batch


def _lines(path: Path, header: Row) -> Generator[tuple[int, Row], None, None]:
    """(number of the line, row) below the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                if (first := next(reader, [])) != header:
                    wanted = ",".join(header)
                    found = ",".join(first)[:80]
                    raise SheetInvalid(f"{path}, line 1: must be {wanted!r}, is {found!r}")
                for row in reader:
                    if row:
                        yield reader.line_num, row
            except csv.Error as error:
                raise SheetInvalid(f"{path}, line {reader.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise SheetInvalid(f"{path}, line {_undecodable_line(path)}: not UTF-8") from None
    except OSError as error:
        raise FileUnusable(f"{path}: {error.strerror}") from None


def _undecodable_line(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _amounts(rows: list[Row], width: int) -> Ints | None:
    """The last column, or None if the rows are not `width` wide or it is not whole numbers."""
    if set(map(len, rows)) != {width}:
        return None
    texts = [row[-1] for row in rows]
    together = "".join(texts)
    if not (together.isascii() and together.isdecimal()) or max(map(len, texts)) > _DIGITS_MAX:
        return None
    try:
        return np.array(list(map(int, texts)), np.int64)
    except (ValueError, OverflowError):
        return None


def _first_fault(path: Path, header: Row, fault: Callable[[Row], str]) -> SheetInvalid:
    """The error of the first row with a fault; `fault` says what, or nothing."""
    for line, row in _lines(path, header):
        if len(row) != len(header):
            return SheetInvalid(f"{path}, line {line}: {len(row)} columns, must be {len(header)}")
        if said := fault(row):
            return SheetInvalid(f"{path}, line {line}: {said}")
    raise AssertionError(f"{path} changed while it was read")


def _debt_fault(row: Row) -> str:
    debtor, creditor, amount = row
    if not debtor or not creditor:
        return "a member without a name"
    if debtor == creditor:
        return f"{debtor[:80]!r} owes itself"
    return _amount_fault(amount, 1, DEBT_MAX)


def _cash_fault() -> Callable[[Row], str]:
    seen: set[str] = set()

    def fault(row: Row) -> str:
        member, amount = row
        if not member:
            return "a member without a name"
        if member in seen:
            return f"{member[:80]!r} is there twice"
        seen.add(member)
        return _amount_fault(amount, 0, AMOUNT_MAX)

    return fault


def _amount_fault(text: str, least: int, most: int) -> str:
    whole = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    if not whole or not least <= int(text) <= most:
        return f"amount {text[:40]!r} is not a whole number from {least} to {most}"
    return ""
