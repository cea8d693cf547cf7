"""Records as plain JSON values: bytes in hex, enumerations by name, fields by name."""

from enum import IntEnum
from typing import Any

import msgspec


def plain(value: object) -> Any:
    """`value` as JSON can hold it."""
    match value:
        case bytes():
            return value.hex()
        case IntEnum():
            return value.name
        case msgspec.Struct():
            fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
            tag = value.__struct_config__.tag
            return fields if tag is None else {"type": type(value).__name__, **fields}
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value
