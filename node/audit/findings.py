"""What an audit found: where, and what is wrong."""

from typing import Final

import msgspec

LISTED_MAX: Final = 500
"""Findings written out; beyond them only their number grows."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that does not fit."""

    height: int | None
    """Of the block it belongs to; None: of a file that belongs to no block."""
    what: str

    def __str__(self) -> str:
        return self.what if self.height is None else f"height {self.height}: {self.what}"


class Findings:
    """Findings in the order in which they were made."""

    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.count = 0

    def add(self, height: int | None, what: str) -> None:
        """Something is wrong at `height`."""
        self.count += 1
        if len(self.listed) < LISTED_MAX:
            self.listed.append(Finding(height, what))

    def lines(self) -> list[str]:
        """The findings as text, one a line."""
        lines = [str(finding) for finding in self.listed]
        if self.count > len(lines):
            lines.append(f"and {self.count - len(lines)} more")
        return lines
