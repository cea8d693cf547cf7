"""Text in CSV that people open with a spreadsheet: none of it is taken for a formula."""

from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets may take the beginning of a cell for one by; the last four are full-width."""


def cell(text: str) -> str:
    """The text, behind an apostrophe if it could be a formula (OWASP, CSV injection): members write
    free text that others export. JSON and Parquet have it as it is."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
