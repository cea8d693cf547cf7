"""How commands speak: tables for people, JSON for machines, one line for an error."""

import json
import sys
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

from node.files import replace_file
from wire.errors import CodedError, EnvironmentFault, PeerFault, Rejection


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    VERDICT = 1
    """The command ran, and the answer is no."""
    USAGE = 2
    """The command line is wrong."""
    ENVIRONMENT = 3
    """A file, port, key or configuration is not as it must be."""
    REJECTED = 4
    """What was asked for is refused."""
    BUG = 5
    """An assertion failed."""
    UPGRADE = 6
    """The node has reached the last height of its version; starting it again changes nothing."""


PIPED_WIDTH = 400
"""Columns of a table that no terminal bounds."""


def printable(text: str) -> str:
    """Somebody else's text as a terminal or a picture may show it: no control characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def row_lines(row: Any) -> list[str]:
    """What a proof says, one row a line; None: that there is no such row."""
    if row is None:
        return ["  does not exist"]
    return [f"  {json.dumps(one)}" for one in (row if isinstance(row, list) else [row])]


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json_bytes(value).decode())


def json_bytes(value: Any) -> bytes:
    """One JSON document as commands write it."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def fail(error: CodedError, *, as_json: bool = False, code: Exit | None = None) -> NoReturn:
    """Print an error with its remedy and exit, with the code of its kind unless one is given."""
    if as_json:
        print_json({"code": error.code, "detail": error.detail, "remedy": error.remedy})
    else:
        sys.stderr.write(f"{error}\n")
        if error.remedy:
            sys.stderr.write(f"  remedy: {error.remedy}\n")
    raise SystemExit(int(exit_of(error) if code is None else code))


def exit_of(error: CodedError) -> Exit:
    """The exit code of an error's kind."""
    from node.upgrade import UpgradeDue

    match error:
        case UsageWrong():
            return Exit.USAGE
        case UpgradeDue():
            return Exit.UPGRADE
        case Rejection() | PeerFault():
            return Exit.REJECTED
        case EnvironmentFault():
            return Exit.ENVIRONMENT
        case _:
            return Exit.BUG


class FileUnusable(EnvironmentFault):
    """A file or directory named on the command line cannot be read or written."""

    code = "FILE_UNUSABLE"
    remedy = "Check the path, and the rights on it."


class UsageWrong(Rejection):
    """The command line is not of the form that the command takes."""

    code = "USAGE"
    remedy = "Add `--help` to the command: it lists arguments and options."


def read_bytes(path: Path) -> bytes:
    """The content of a file that the user named; raises `FileUnusable`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileUnusable(f"{path}: {error.strerror}") from None


def read_text(path: Path) -> str:
    """The text of a file that the user named; raises `FileUnusable`."""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise FileUnusable(f"{path} is not UTF-8 text") from None


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named, whole or not at all; raises `FileUnusable`."""
    try:
        replace_file(path, data, 0o644)
    except OSError as error:
        raise FileUnusable(f"{path}: {error.strerror}") from None


def pairs(title: str, content: dict[str, Any]) -> None:
    """A table of names and values on standard output; nested values are written as JSON."""
    rows = [
        [name, json.dumps(value) if isinstance(value, dict | list | tuple) else str(value)]
        for name, value in content.items()
    ]
    table(title, ["", ""], rows)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table on standard output."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    headed = any(columns)
    shown = Table(title=title, title_justify="left", show_header=headed)
    for number, column in enumerate(columns):
        shown.add_column(
            column, justify="left" if number == 0 or not headed else "right", overflow="fold"
        )
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    # Into a file or pipe nothing is folded: identifiers stay whole.
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(shown)
