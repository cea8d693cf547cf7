"""libp2p's log and warnings, brought into ours: one line each, no tracebacks, none to stderr.

libp2p logs the ordinary end of a connection as a warning or an error, with a traceback, and some of
it through the root logger, whose first use installs a handler on stderr.
"""

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

log = structlog.get_logger("network")

REPEAT_S: Final = 10.0
"""A line that a peer can provoke speaks at most once in this time: it must not fill disks."""


class Pace:
    """Lets a line that a peer can provoke at will speak once in `REPEAT_S`; counters have all."""

    def __init__(self) -> None:
        self._spoke_at: dict[object, float] = {}

    def due(self, line: object) -> bool:
        """True if `line`, one of few, may speak now."""
        now = time.monotonic()
        if now - self._spoke_at.get(line, float("-inf")) < REPEAT_S:
            return False
        self._spoke_at[line] = now
        return True


class _IntoOurLog(logging.Handler):
    """Passes a record on as a warning of ours: libp2p cannot know what should wake a person."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self._pace = Pace()

    def emit(self, record: logging.LogRecord) -> None:
        if self._pace.due((record.pathname, record.lineno)):
            text = record.getMessage().partition("\n")[0][:200]
            log.warning("libp2p", source=record.name, text=text)


def _not_of_libp2p(record: logging.LogRecord) -> bool:
    return "libp2p" not in record.pathname


def tame_logging() -> None:
    """Route what libp2p logs into ours; idempotent."""
    library = logging.getLogger("libp2p")
    if any(isinstance(handler, _IntoOurLog) for handler in library.handlers):
        return
    library.setLevel(logging.WARNING)
    library.propagate = False
    library.handlers[:] = [_IntoOurLog()]
    # A dial that failed is ordinary, and we say so ourselves.
    logging.getLogger("libp2p.transport").setLevel(logging.CRITICAL)
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())  # else logging.warning() would install stderr
    root.addFilter(_not_of_libp2p)


@contextmanager
def no_import_warnings() -> Iterator[None]:
    """Silence what libp2p's modules warn about while they are imported, and only then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
