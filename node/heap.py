"""The cyclic garbage collector kept out of the way where it finds nothing."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """While a state is built from its rows nothing becomes garbage, but the collector would look
    through all of it again and again: 2.4 times the time for 300,000 rows. What is there at the
    end is left out of later collections, too; it goes by reference counts, having no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
