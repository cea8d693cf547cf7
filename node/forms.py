"""From what people write (names, enumerations by name) to typed records, and back to names."""

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from node.form_defaults import DEFAULTS
from wire.errors import Rejection
from wire.ids import Lei, Party, Uti


class BadForm(Rejection):
    """What is written down makes no record: a field is missing, unknown or of another type."""

    code = "FORM_INVALID"
    remedy = "The message names the field; `dcn tx kinds` shows what an action needs."


class Names:
    """Members by the name that a script gives them."""

    def __init__(self, leis: Mapping[str, Lei]) -> None:
        self._leis = dict(leis)
        self._names = {lei: name for name, lei in leis.items()}

    def lei(self, text: str) -> Lei:
        """The LEI of a name; what is no name is taken for an LEI."""
        return self._leis.get(text, Lei(text))

    def uti(self, text: str) -> Uti:
        """`NAME:REST` is a UTI whose first part is the LEI of NAME."""
        name, separator, rest = text.partition(":")
        return Uti(self.lei(name) + rest) if separator else Uti(text)

    def party(self, text: str) -> Party:
        """`NAME`, or `NAME:CLIENT` for a client account."""
        name, separator, client = text.partition(":")
        return Party(self.lei(name) + separator + client)

    def account(self, text: str) -> str:
        """What an account is named after, e.g. `NAME/REFERENCE` (escrow) or `NAME>NAME` (initial
        margin in custody), each name as its LEI."""
        return re.sub(r"[^/>:]+", lambda found: self.lei(found[0]), text)

    def shown(self, value: Any) -> Any:
        """Plain JSON values with names in the place of LEIs."""
        match value:
            case str():
                return _LEI.sub(self._show, value)
            case dict():
                return {self.shown(k): self.shown(v) for k, v in value.items()}
            case list():
                return [self.shown(item) for item in value]
            case _:
                return value

    def _show(self, found: re.Match[str]) -> str:
        name = self._names.get(Lei(found[1]))
        if name is None:
            return found[0]
        return f"{name}:{found[2]}" if found[2] else name


_LEI: Final = re.compile(r"\b([0-9A-Z]{18}[0-9]{2})([0-9A-Z]{0,32})\b")
"""An LEI, or a UTI that begins with one."""


_NAMED: Final[dict[Any, Callable[[Names, str], str]]] = {
    Lei: Names.lei,
    Party: Names.party,
    Uti: Names.uti,
}
"""What goes by the names of the script."""


def build(kind: Any, value: Any, names: Names, where: str) -> Any:
    """`value`, as TOML has it, as a `kind`; raises `BadForm` naming the place.

    Records are tables, of unions the type stands under `type`; enumerations go by name, bytes are
    hex, members and UTIs go by the script's names.
    """
    if kind in _NAMED:
        return _NAMED[kind](names, _typed(value, str, where))
    if hasattr(kind, "__supertype__"):
        return build(kind.__supertype__, value, names, where)
    origin = get_origin(kind)
    if origin is Annotated:
        return build(get_args(kind)[0], value, names, where)
    if origin in (Union, UnionType):
        return _one_of(get_args(kind), value, names, where)
    if origin is tuple:
        item = get_args(kind)[0]
        entries = _typed(value, list, where)
        return tuple(build(item, x, names, f"{where}[{n}]") for n, x in enumerate(entries))
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return _named(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return record(kind, _typed(value, dict, where), names, where)
    if kind is bytes:
        try:
            return bytes.fromhex(_typed(value, str, where))
        except ValueError:
            raise BadForm(f"{where}: {value!r} is not hex") from None
    return _typed(value, kind, where)


def record(kind: type[Any], fields: Mapping[str, Any], names: Names, where: str) -> Any:
    """A record from its fields; each must be given (but those of `DEFAULTS`), and no other."""
    hints = get_type_hints(kind, include_extras=True)
    known = {name: hints[name] for name in kind.__struct_fields__}
    for name in fields:
        if name not in known:
            raise BadForm(f"{where}: {kind.__name__} has no {name!r}, but {', '.join(known)}")
    left_out = {k: v for k, v in DEFAULTS.get(kind, {}).items() if k not in fields}
    for name in known:
        if name not in fields and name not in left_out:
            raise BadForm(f"{where}: {kind.__name__} needs {name!r}")
    built = {name: build(known[name], fields[name], names, f"{where}.{name}") for name in fields}
    return kind(**built, **left_out)


def fields_of(kind: type[Any]) -> dict[str, str]:
    """The fields of a record and, in words, what each holds."""
    return {
        name: _in_words(hint)
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if name in kind.__struct_fields__
    }


def _in_words(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Annotated:
        return _in_words(get_args(kind)[0])
    if origin in (Union, UnionType):
        return " or ".join("none" if x is type(None) else _in_words(x) for x in get_args(kind))
    if origin is tuple:
        return f"list of {_in_words(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return " | ".join(kind.__members__)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        inner = ", ".join(f"{name} {text}" for name, text in fields_of(kind).items())
        return f"{kind.__name__} {{{inner}}}"
    return str(kind.__name__)


def _one_of(kinds: tuple[Any, ...], value: Any, names: Names, where: str) -> Any:
    if type(None) in kinds and value in (None, "none"):
        return None
    rest = [kind for kind in kinds if kind is not type(None)]
    if len(rest) == 1:
        return build(rest[0], value, names, where)
    fields = dict(_typed(value, dict, where))
    wanted = fields.pop("type", None)
    for kind in rest:
        if kind.__name__ == wanted:
            return record(kind, fields, names, where)
    raise BadForm(f"{where}: type is {wanted!r}, one of {', '.join(k.__name__ for k in rest)}")


def _named(kind: type[IntEnum], value: Any, where: str) -> IntEnum:
    known = kind.__members__.get(str(value).upper())
    if known is None:
        raise BadForm(f"{where}: {value!r} is none of {', '.join(kind.__members__)}")
    return known


def _typed(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadForm(f"{where}: {value!r} is no {kind.__name__}")
    return value
