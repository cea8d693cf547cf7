"""The ledger's records as JSON holds them: `Shown` on the way out, records again on the way in.

JSON has no bytes and no enumerations: `plain` writes hex and names, `build` reads them, and
`shape_of` is the type of what is written, from which the OpenAPI document is made.
"""

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec
from msgspec import inspect

from ledger import tables as t
from node.forms import Names, build
from node.plain import plain

R = TypeVar("R")
E = TypeVar("E", bound=msgspec.Struct)

NAMELESS: Final = Names({})
"""Members are named by LEI."""

Hex: TypeAlias = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})*$")]


class Shown(Generic[R]):
    """A record `R`, in JSON as `plain` writes it."""

    def __init__(self, record: R) -> None:
        self.record = record

    def plain(self) -> Any:
        """As JSON holds it."""
        return plain(self.record)


class Line(Generic[E, R]):
    """A record `R` with what its key or its surroundings say of it (`extra`) as further fields."""

    def __init__(self, extra: E, record: R) -> None:
        self.extra = extra
        self.record = record

    def plain(self) -> Any:
        """As JSON holds it: the fields of both in one object."""
        return {**msgspec.to_builtins(self.extra), **plain(self.record)}


class AnyRow:
    """A row of whichever table the answer names."""

    def __init__(self, fields: Any) -> None:
        self.fields = fields

    def plain(self) -> Any:
        """As JSON holds it."""
        return self.fields


def to_json(value: object) -> Any:
    """The `enc_hook` of answers."""
    if isinstance(value, Shown | Line | AnyRow):
        return value.plain()
    raise TypeError(type(value).__name__)


def from_json(kind: Any, value: Any) -> Any:
    """The `dec_hook` of answers; raises `BadForm` for what is no such record."""
    if kind is AnyRow:
        return AnyRow(value)
    where = "the answer"
    if get_origin(kind) is Shown:
        return Shown(build(get_args(kind)[0], value, NAMELESS, where))
    if get_origin(kind) is Line:
        extra, record = get_args(kind)
        known = set(extra.__struct_fields__)
        beside = {name: item for name, item in dict(value).items() if name in known}
        rest = {name: item for name, item in dict(value).items() if name not in known}
        made = msgspec.convert(beside, extra, dec_hook=from_json)
        return Line(made, build(record, rest, NAMELESS, where))
    raise TypeError(str(kind))


def shape_of(kind: Any) -> Any:
    """The type of the JSON of `Shown[R]` or `Line[E, R]`."""
    if get_origin(kind) is Line:
        extra, record = get_args(kind)
        return _line(extra, record)
    shown = get_args(kind)[0]
    if get_origin(shown) in (Union, UnionType):
        return reduce(or_, (shape(inspect.type_info(x)) for x in get_args(shown)))
    return shape(inspect.type_info(shown))


def shape(info: inspect.Type) -> Any:
    """The type of the JSON of a field of a record."""
    match info:
        case inspect.Metadata(type=inner):
            return shape(inner)
        case inspect.BytesType():
            return Hex
        case inspect.EnumType(cls=cls):
            return Literal[tuple(cls.__members__)]
        case inspect.StructType(cls=cls):
            return _record(cls)
        case inspect.UnionType(types=types):
            return reduce(or_, (shape(one) for one in types))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return list[shape(item)]  # type: ignore[misc]
        case inspect.TupleType():
            return list[Any]
        case inspect.DictType(value_type=value):
            return dict[str, shape(value)]  # type: ignore[misc]
        case _:
            return _SIMPLE[type(info)]


_SIMPLE: Final[Mapping[type, Any]] = {
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.StrType: str,
    inspect.NoneType: None,
    inspect.AnyType: Any,
}


def row_shapes() -> list[Any]:
    """The types of the JSON of `AnyRow`: one a kind of row."""
    return [_record(row) for row in dict.fromkeys(_row_types())]


def _row_types() -> list[Any]:
    return [table.row for table in t.BY_NAME.values()]


def _fields(kind: type) -> list[tuple[str, Any]]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType), kind
    return [(field.name, shape(field.type)) for field in info.fields]


@cache
def _record(kind: type) -> Any:
    config: Any = kind.__struct_config__  # type: ignore[attr-defined]
    # Of unions the type is named, as `plain` does.
    tag = None if config.tag is None else kind.__name__
    return msgspec.defstruct(
        kind.__name__,
        _fields(kind),
        module=kind.__module__,
        tag=tag,
        tag_field=None if tag is None else "type",
    )


@cache
def _line(extra: type, record: type) -> Any:
    name = f"{extra.__name__}With{record.__name__}"
    fields = [(f.name, f.type) for f in msgspec.structs.fields(extra)]
    return msgspec.defstruct(name, [*fields, *_fields(record)], module=extra.__module__)
