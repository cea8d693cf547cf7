"""One process at a time works in a home: two nodes with one key could sign twice."""

import fcntl
import os
from pathlib import Path
from typing import Self

from wire.errors import EnvironmentFault


class HomeInUse(EnvironmentFault):
    """Another process, probably the node itself, works in this home directory."""

    code = "HOME_IN_USE"
    remedy = "Stop the running node first, or name another home."


class HomeLock:
    """Held from `__init__` to `release`, and given back by the system when the process ends."""

    def __init__(self, path: Path) -> None:
        """Raises `HomeInUse`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise HomeInUse(str(path)) from None

    def release(self) -> None:
        """Let others in."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether a process works in the home whose lock file is `path`."""
    if not path.exists():
        return False
    try:
        HomeLock(path).release()
    except HomeInUse:
        return True
    return False
