"""Reading what stands in a path or query."""

from node.api.errors import BadRequest


def number_of(text: str) -> int:
    """A height or number; raises `BadRequest`."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise BadRequest(f"height is {text[:20]!r}")
    return int(text)
