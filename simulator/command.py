"""`dcn simulate`: many seeds, one line each that fails."""

import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from simulator.scenario import Outcome, Scenario


def simulate(
    seeds: Annotated[int, typer.Option(help="How many seeds to run.")] = 20,
    first_seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
) -> None:
    """Run whole networks of real node cores in one process, in virtual time.

    It is a simulation and says so: no sockets, no disks. Each seed draws a network of 4 to 7
    validators, its work and its faults (loss, delay, duplication, partitions, crashes); checkers
    that share no code with the nodes look for disagreement. A seed that fails is printed; the
    same seed fails again.
    """
    begin = time.monotonic()
    outcomes: list[Outcome] = []
    for seed in range(first_seed, first_seed + seeds):
        outcome = Scenario(seed).run()
        outcomes.append(outcome)
        for violation in outcome.violations:
            typer.echo(
                f"seed {seed}: {violation.checker}: {violation.detail}\n"
                f"  again: dcn simulate --seeds 1 --first-seed {seed}"
            )
    elapsed = time.monotonic() - begin
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts.update(outcome.counts)
    violations = sum(len(outcome.violations) for outcome in outcomes)
    heights = sum(outcome.heights for outcome in outcomes)
    figures = {
        "seeds": seeds,
        "first_seed": first_seed,
        "heights": heights,
        "messages": counts["messages"],
        "lost": counts["lost"],
        "rounds_settled": sum(outcome.rounds_settled for outcome in outcomes),
        "contracts": sum(outcome.contracts for outcome in outcomes),
        "simulated_s": sum(outcome.simulated_ms for outcome in outcomes) // 1_000,
        "real_s": round(elapsed, 1),
        "violations": violations,
    }
    for name, value in figures.items():
        typer.echo(f"{name:>16}  {value}")
    if json_file is not None:
        content = {**figures, "outcomes": outcomes}
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    raise SystemExit(1 if violations else 0)
