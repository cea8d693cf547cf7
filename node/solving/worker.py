"""The process that solves netting rounds: `python -m node.solving.worker`, started by the node.

With `--compiled` it loads the compiled loops first; `--compile` does that and no more, to have
them on disk before the first large round.

Reads one question from its input, writes a certificate for each round of it, and ends. It cannot
outlive its limits: the kernel ends it when it has used its memory or its processor time, also
when the node that started it is gone.
"""

import pickle
import resource
import sys
from typing import Final

import netting.solver_pylmcf  # noqa: F401 (loaded before the time box begins)
from netting import compiled
from netting.round import Question, certify
from node.solving.frames import READY, frame

MEMORY_BYTES_MAX: Final = 4 << 30
"""Ten million obligations take 1.5 GB."""

CPU_SECONDS_MAX: Final = 600
"""Far beyond any time box: ends a worker whose node has died."""


def main() -> None:
    """Answer one question."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    if "--compile" in sys.argv[1:]:
        sys.exit(None if compiled.load() else "numba is missing, or can keep nothing on disk")
    if "--compiled" in sys.argv[1:]:
        compiled.load()
    out = sys.stdout.buffer
    out.write(frame(READY))
    out.flush()
    rounds: list[tuple[tuple[Question, ...], bytes]] = pickle.load(sys.stdin.buffer)
    for questions, seed in rounds:
        out.write(frame(certify(questions, seed)))
        out.flush()


if __name__ == "__main__":
    main()
