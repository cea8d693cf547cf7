"""The one pipe between node and solver: a question one way, certificates the other way.

The question is a pickle: the worker trusts the node that started it. The node trusts no worker,
so answers are frames of bytes: a length of four bytes, big-endian, then so many bytes.
"""

import struct
from typing import Final

from wire.limits import CERTIFICATE_BYTES_MAX

LENGTH: Final = struct.Struct(">I")

ANSWER_BYTES_MAX: Final = CERTIFICATE_BYTES_MAX
"""A longer certificate fits no block."""

READY: Final = b""
"""The first frame: the worker has loaded its solver, and the time box begins."""


def frame(data: bytes) -> bytes:
    """`data` behind its length."""
    return LENGTH.pack(len(data)) + data
