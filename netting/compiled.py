"""Loops as machine code where numba is installed: faster, never different; its absence is normal.

Only `load` imports modules of compiled loops, when a caller chooses: numba takes half a second to
import, and all loops ten to compile. What is compiled is kept on disk (beside the module, or in
NUMBA_CACHE_DIR), once per installation. Until `load`, everything runs on arrays.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeVar

Loop = TypeVar("Loop", bound=Callable[..., Any])

_MODULES: Final = ("netting.passes_compiled", "netting.solver_compiled")

_ready: Final[dict[str, Any]] = {}


def load() -> bool:
    """Make the compiled loops ready; whether they are. Idempotent, and fit for a thread."""
    if find_spec("numba") is None:
        return False
    try:
        modules = {name: import_module(name) for name in _MODULES}
    except (ImportError, RuntimeError):
        # numba does not know this version of numpy, or found no directory to keep anything in:
        # compiling at every start would take too long.
        return False
    _ready.update(modules)
    return True


def ready(module: str) -> Any | None:
    """A module of compiled loops, if `load` has been called and numba is there."""
    return _ready.get(module)


def compiled(signature: str) -> Callable[[Loop], Loop]:
    """Compile a loop for these types, now; it runs without the interpreter's lock."""
    import numba

    decorate: Callable[[Loop], Loop] = numba.njit(signature, cache=True, nogil=True)
    return decorate
