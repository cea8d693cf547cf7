"""How commands speak: tables for people, JSON for machines, one line for an error."""

import json
import sys
from enum import IntEnum
from typing import Any, NoReturn

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


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def fail(error: CodedError, *, as_json: bool = False) -> NoReturn:
    """Print an error with its remedy and exit with the code of its kind."""
    if as_json:
        print_json({"code": error.code, "detail": error.detail, "remedy": error.remedy})
    else:
        sys.stderr.write(f"{error}\n")
        if error.remedy:
            sys.stderr.write(f"  remedy: {error.remedy}\n")
    raise SystemExit(int(exit_of(error)))


def exit_of(error: CodedError) -> Exit:
    """The exit code of an error's kind."""
    match error:
        case Rejection() | PeerFault():
            return Exit.REJECTED
        case EnvironmentFault():
            return Exit.ENVIRONMENT
        case _:
            return Exit.BUG


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table on standard output."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        shown.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
