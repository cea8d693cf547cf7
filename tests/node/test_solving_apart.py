"""The solver in a process of its own: slow, greedy for memory, dead or lying, a round goes on."""

import asyncio
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from ledger.rounds import Problem
from netting.certificate import Objective, Potentials, encode
from netting.round import ClearedRound, Due, freeze
from netting.varint import pack
from node.solving.parent import certificates
from wire.codec import Digest

SEED = Digest(b"s" * 32)
READY = "import sys, time; out = sys.stdout.buffer; out.write(bytes(4)); out.flush(); "
"""A worker that has loaded its solver, and then misbehaves."""
READ = READY + "import pickle; pickle.load(sys.stdin.buffer); "

MISBEHAVING = {
    "never loads": "import time; time.sleep(1000)",
    "never answers": READ + "time.sleep(1000)",
    "loops for ever": READ + "\nwhile True: pass",
    "dies at once": "raise SystemExit(1)",
    "dies with the question unread": READY + "sys.exit()",
    "dies half way through its answer": READ + "out.write(b'\\0\\0\\1\\0abc')",
    "crashes": READ + "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "answers nothing": READ + "out.write(bytes(4))",
    "answers nonsense": READ + "out.write(b'\\0\\0\\0\\5hello')",
    "announces an endless answer": READ + "out.write(b'\\xff' * (1 << 20))",
    "eats all memory": READ + "import resource;"
    "resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); b = bytearray(1 << 40)",
}


def posed(number: int = 1) -> Problem:
    """Two circles over the same debts: the optimum takes the longer one, over d."""
    debts = [("a", "b", 10), ("b", "a", 3), ("b", "c", 10), ("c", "a", 10), ("c", "d", 10)]
    debts += [("d", "a", 10)]
    rows = [Due(bytes((i,)), u, v, "USD", x) for i, (u, v, x) in enumerate(debts)]
    return Problem(number, freeze(rows), SEED)


def cleared(problem: Problem, certificate: bytes) -> ClearedRound:
    return problem.round.clear(problem.seed, certificate)


def worker(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def children() -> list[str]:
    threads = Path(f"/proc/{os.getpid()}/task").iterdir()
    return sorted(child for thread in threads for child in _children(thread))


def _children(thread: Path) -> list[str]:
    try:
        return (thread / "children").read_text().split()
    except FileNotFoundError:  # the thread has ended
        return []


async def test_the_worker_finds_the_optimum_of_every_round() -> None:
    problems = [posed(1), posed(2)]
    found = await certificates(problems, seconds_max=30)
    assert [one.number for one in found] == [1, 2]
    for problem, one in zip(problems, found, strict=True):
        assert one == problem.solve()
        (result,) = cleared(problem, one.certificate).results
        assert result.objective is Objective.OPTIMAL


@pytest.mark.parametrize("how", MISBEHAVING)
async def test_a_worker_that_misbehaves_costs_the_optimum_only(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.solving.parent.START_SECONDS_MAX", 0.7)
    before = children()
    (one,) = await certificates([posed()], 0.5, worker(MISBEHAVING[how]))
    (result,) = cleared(posed(), one.certificate).results
    assert result.objective is Objective.MAXIMAL
    assert children() == before


async def test_what_was_answered_before_the_time_box_ended_is_shipped() -> None:
    good = posed().solve().certificate
    frame = len(good).to_bytes(4, "big") + good
    late = READ + f"out.write({frame!r}); out.flush(); time.sleep(1000)"
    first, second = await certificates([posed(1), posed(2)], 0.5, worker(late))
    assert first.certificate == good
    assert second == posed(2).solve_greedily()


@pytest.mark.parametrize(("large", "loaded"), [(4, True), (5, False)])
async def test_the_worker_loads_compiled_loops_for_a_large_round_only(
    large: int, loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four members; loading is part of starting, before the time box."""
    monkeypatch.setattr("node.solving.parent.LARGE", large)
    good = posed().solve().certificate
    script = (
        READ + f"'--compiled' in sys.argv and out.write({len(good).to_bytes(4, 'big') + good!r})"
    )
    (one,) = await certificates([posed()], 5, worker(script))
    assert one == (posed().solve() if loaded else posed().solve_greedily())


async def test_an_answer_that_proves_nothing_is_not_shipped() -> None:
    (pool,) = posed().round.pools
    nothing = np.zeros(pool.graph.n, np.int64)
    body = encode(Potentials(nothing, nothing), pool.graph)
    forged = pack(np.array([len(body)])) + body
    lie = READ + f"out.write({len(forged).to_bytes(4, 'big') + forged!r})"
    (one,) = await certificates([posed()], 5, worker(lie))
    assert one == posed().solve_greedily()


async def test_a_node_that_cannot_start_a_process_still_proposes(tmp_path: Path) -> None:
    (one,) = await certificates([posed()], 5, (str(tmp_path / "no such program"),))
    assert one == posed().solve_greedily()


async def test_a_node_that_stops_takes_its_worker_along() -> None:
    before = children()
    hanging = worker(MISBEHAVING["never answers"])
    task = asyncio.create_task(certificates([posed()], 1000, hanging))
    while children() == before:  # noqa: ASYNC110 (nobody tells when a process has started)
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before
