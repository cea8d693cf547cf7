"""Many seeds, on one core or several; and what they showed together."""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import msgspec

from simulator.faults import Options
from simulator.scenario import Outcome, Scenario


def run_one(options: Options, seed: int) -> Outcome:
    """The run of one seed."""
    return Scenario(msgspec.structs.replace(options, seed=seed)).run()


def outcomes(options: Options, seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    """Run the seeds in their order, `jobs` at a time."""
    one = partial(run_one, options)
    if jobs <= 1:
        yield from map(one, seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(one, seeds, chunksize=4)


def figures(found: list[Outcome], real_ms: int) -> dict[str, Any]:
    """What the runs add up to."""
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    memory: Counter[str] = Counter()
    for outcome in found:
        counts.update(outcome.counts)
        faults.update(outcome.faults)
        memory |= Counter(outcome.memory)
    simulated_ms = sum(outcome.simulated_ms for outcome in found)
    messages = ("messages", "bytes", "lost", "duplicated", "held_back", "withheld")
    return {
        "seeds": len(found),
        "violations": sum(len(outcome.violations) for outcome in found),
        "nodes": f"{min(o.nodes for o in found)} to {max(o.nodes for o in found)}",
        "heights": sum(outcome.heights for outcome in found),
        "heights_min": min(outcome.heights for outcome in found),
        "rounds_settled": sum(outcome.rounds_settled for outcome in found),
        "contracts": sum(outcome.contracts for outcome in found),
        **{name: counts[name] for name in messages},
        "faults": dict(sorted(faults.items())),
        "most_held": dict(sorted(memory.items())),
        "simulated_hours": round(simulated_ms / 3_600_000, 2),
        "real_s": round(real_ms / 1_000, 1),
        "simulated_hours_per_real_second": round(simulated_ms / 3_600 / max(real_ms, 1), 4),
        "heights_per_minute": sum(outcome.heights for outcome in found) * 60_000 // max(real_ms, 1),
    }
