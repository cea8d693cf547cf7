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


def with_text(text: str, section: str, name: str, value: str) -> str:
    """`text` with the key `section.name` set to the string `value`, all else as it was."""
    lines, made = text.splitlines(), f'{name} = "{value}"'
    known = _lines(text)
    if (at := known.get(f"{section}.{name}")) is not None:
        lines[at - 1] = made
    elif (at := known.get(section)) is not None:
        lines.insert(at, made)
    else:
        lines += ["", f"[{section}]", made]
    return "\n".join(lines) + "\n"
