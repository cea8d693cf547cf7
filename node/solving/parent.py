"""The node's side: ask the worker, kill it at the time box, ship only what is proven.

Whatever becomes of the worker, every round gets a certificate: the greedy one, which is marked as
maximal, is found here.
"""

import asyncio
import contextlib
import pickle
import sys
from collections.abc import Sequence
from typing import Final

import structlog

from ledger.rounds import Problem, RoundCertificate
from netting.errors import CertificateRefused
from netting.solve import LARGE
from node.solving.frames import ANSWER_BYTES_MAX, LENGTH

log = structlog.get_logger("solving")

SOLVE_SECONDS_MAX: Final = 2.0
"""The time box of the solver, for all rounds of a block together."""

START_SECONDS_MAX: Final = 10.0
"""A worker that has not loaded its solver by then (usually 0.2 s) is given up."""

WORKER: Final = (sys.executable, "-m", "node.solving.worker")


async def certificates(
    problems: Sequence[Problem],
    seconds_max: float = SOLVE_SECONDS_MAX,
    worker: Sequence[str] = WORKER,
) -> tuple[RoundCertificate, ...]:
    """One certificate for each of `problems`, in order: the worker's where it is in time and
    proves a result, else the greedy one.
    """
    answers = await _ask(problems, seconds_max, worker)
    return tuple(
        [
            await asyncio.to_thread(_proven, problem, answer)
            for problem, answer in zip(problems, answers, strict=True)
        ]
    )


def _proven(problem: Problem, answer: bytes | None) -> RoundCertificate:
    if answer is not None:
        try:
            problem.round.clear(problem.seed, answer)
        except CertificateRefused as refused:
            log.warning("solver_answer_refused", round=problem.number, detail=refused.detail)
        else:
            return RoundCertificate(problem.number, answer)
    return problem.solve_greedily()


async def _ask(
    problems: Sequence[Problem], seconds_max: float, worker: Sequence[str]
) -> list[bytes | None]:
    """What the worker says of each round; None of those that it does not answer."""
    answers: list[bytes | None] = [None] * len(problems)
    question = [(problem.round.questions(), problem.seed) for problem in problems]
    data = await asyncio.to_thread(pickle.dumps, question, pickle.HIGHEST_PROTOCOL)
    # Loaded before the time box begins; a small round is done before they would be.
    large = any(graph.n >= LARGE for questions, _ in question for graph, _ in questions)
    flags = ("--compiled",) if large else ()
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *worker, *flags, stdin=pipe, stdout=pipe, stderr=null
        )
    except OSError as error:
        log.warning("solver_not_started", detail=str(error))
        return answers
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            await _frame(process.stdout)
        async with asyncio.timeout(seconds_max):
            process.stdin.write(data)
            await process.stdin.drain()
            process.stdin.close()
            for place in range(len(problems)):
                answers[place] = await _frame(process.stdout)
    except TimeoutError:
        log.warning("solver_time_box", rounds=[problem.number for problem in problems])
    except (OSError, EOFError, ValueError) as error:
        log.warning("solver_failed", detail=str(error) or type(error).__name__)
    finally:
        await _end(process)
    return answers


async def _frame(stream: asyncio.StreamReader) -> bytes:
    """The next frame; raises `EOFError`, or `ValueError` if it is too long."""
    (size,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    if size > ANSWER_BYTES_MAX:
        raise ValueError(f"an answer of {size} bytes")
    return await stream.readexactly(size)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the worker, whatever it is doing, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    assert process.stdin is not None
    process.stdin.close()
    # Empties and closes the other pipe, which `wait` alone would leave to the garbage collector.
    await process.communicate()
