"""What descriptions that people write have in common: unknown keys are errors, enumerations go by
name."""

from enum import IntEnum
from typing import TypeVar

import msgspec

from ledger.genesis import BadGenesis

E = TypeVar("E", bound=IntEnum)


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the parts of a description."""


def named(kind: type[E], name: str) -> E:
    """The member of `kind` called `name`; raises `BadGenesis` with the choices."""
    try:
        return kind[name.upper()]
    except KeyError:
        choices = ", ".join(member.name for member in kind)
        raise BadGenesis(f"{kind.__name__} {name[:20]!r}: one of {choices}") from None
