"""The process that solves netting rounds: `python -m node.solving.worker`, started by the node.

Reads one question from its input, writes a certificate for each round of it, and ends. It cannot
outlive its limits: the kernel ends it when it has used its memory or its processor time, also
when the node that started it is gone.
"""

import pickle
import resource
import sys
from typing import Final

from netting.round import Question, certify
from netting.solver_pylmcf import solver_pylmcf
from node.solving.frames import READY, frame

MEMORY_BYTES_MAX: Final = 4 << 30
"""Ten million obligations take 1.5 GB."""

CPU_SECONDS_MAX: Final = 600
"""Far beyond any time box: ends a worker whose node has died."""


def main() -> None:
    """Answer one question."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    out = sys.stdout.buffer
    out.write(frame(READY))
    out.flush()
    rounds: list[tuple[tuple[Question, ...], bytes]] = pickle.load(sys.stdin.buffer)
    for questions, seed in rounds:
        out.write(frame(certify(questions, seed, solver=solver_pylmcf)))
        out.flush()


if __name__ == "__main__":
    main()
