"""Where a key stands in a TOML file, so that what is wrong with it is said with its line."""

import re
from typing import Final

_SECTION: Final = re.compile(r"\s*\[\s*([\w.\-\"' ]+?)\s*\]\s*(?:#.*)?$")
_KEY: Final = re.compile(r"\s*([\w.\-]+|\"[^\"]*\"|'[^']*')\s*=")


def line_of(text: str, dotted: str) -> int | None:
    """The line, from 1, of the key `section.key` or the section `section`; None: not in `text`.

    Of a key inside an inline table, the line of the table.
    """
    lines = _lines(text)
    while dotted:
        if dotted in lines:
            return lines[dotted]
        dotted = dotted.rpartition(".")[0]
    return None


def _lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _SECTION.match(line):
            section = _plain(header[1])
            found.setdefault(section, number)
        elif key := _KEY.match(line):
            name = _plain(key[1])
            found.setdefault(f"{section}.{name}" if section else name, number)
    return found


def _plain(name: str) -> str:
    return ".".join(part.strip(" \"'") for part in name.split("."))
