"""The record of administrative acts: who did what to a home, and when. One JSON line each.

It is beside the store in `data/admin.log`, appended by commands and by the node itself; the node
also logs its own acts as the event `admin`. Secrets are never in it.
"""

import getpass
import json
import os
import time
from pathlib import Path
from typing import Any, Final

NAME: Final = "admin.log"


def record(data: Path, act: str, **fields: Any) -> None:
    """Append an act to the log in the data folder `data`, durably."""
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "user": _user(), "act": act}
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # Buffered: a raw write that finds little room on the disk writes a part, and says no word.
    with os.fdopen(descriptor, "ab") as file:
        file.write(json.dumps(line | fields).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())
