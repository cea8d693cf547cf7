"""`dcn simulate`: many seeds; each that fails is printed with the line that runs it again."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import track

from node.cli.output import Exit, UsageWrong, read_text, write_file
from node.cli.output import pairs as show
from simulator import hunt, shrink
from simulator import twins as scenarios
from simulator.faults import Options, described
from simulator.mutants import MUTANTS
from simulator.plan import draw_plan
from simulator.scenario import Outcome, Scenario
from simulator.seeds import figures, outcomes
from simulator.trace import trace

T = TypeVar("T")


def simulate(
    seeds: Annotated[int, typer.Option(help="How many seeds to run.", min=1)] = 20,
    first_seed: Annotated[int, typer.Option(help="The first seed.", min=0)] = 1,
    nodes: Annotated[
        int, typer.Option(help="Validators of each network; 0: 4 to 10, by the seed.", max=100)
    ] = 0,
    faults: Annotated[
        str, typer.Option(help="Only the faults of these numbers, as in 3,7; or none.")
    ] = "",
    power_above_third: Annotated[
        bool, typer.Option(help="Liars get more than a third of the power: forks are to be found.")
    ] = False,
    mutants: Annotated[
        bool, typer.Option(help="Put defects into the running code; each must be found.")
    ] = False,
    table_file: Annotated[
        Path | None,
        typer.Option("--table", help="With --mutants: write the table here, between its marks."),
    ] = None,
    twins: Annotated[
        bool, typer.Option(help="Play the Twins scenarios: one of four validators runs twice.")
    ] = False,
    limit: Annotated[int, typer.Option(help="With --twins: how many.", min=1)] = 5_000,
    jobs: Annotated[int, typer.Option(help="Seeds to run at a time, one a core.", min=1)] = 1,
    trace_file: Annotated[
        Path | None,
        typer.Option("--trace", help="Write what happened in the last seed, for people."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
) -> None:
    """Run whole networks of real node cores in one process, in virtual time.

    It is a simulation and says so: no sockets, no disks. Each seed draws a network of 4 to 10
    validators, its work and its faults: messages lost, late, doubled and out of order, partitions,
    links of one direction, slow nodes, wrong clocks, crashes at any effect, torn writes, full and
    restored disks, and validators that lie with less than a third of the power. Checkers that share
    nothing with the nodes look for what must never be. A seed that fails is printed with the faults
    that are enough for it, and the same command fails again. See docs/SIMULATOR.md.

    Exit codes: 0 nothing found, 1 a violation (with --power-above-third: 0 if a fork was found and
    every fork proves more than a third of the power guilty; with --mutants: 0 if all were found).
    """
    if mutants:
        raise SystemExit(int(run_mutants(first_seed, table_file, json_file)))
    if twins:
        raise SystemExit(int(run_twins(limit, json_file)))
    options = Options(seed=0, above_third=power_above_third)
    if nodes:
        options = msgspec.structs.replace(options, nodes_min=nodes, nodes_max=nodes)
    begin = time.monotonic()
    numbers = range(first_seed, first_seed + seeds)
    if faults or trace_file is not None:
        found = [_one(options, numbers[-1], faults, trace_file)]
    else:
        found = list(_shown(outcomes(options, numbers, jobs), seeds))
    result = figures(found, round(1_000 * (time.monotonic() - begin)))
    for outcome in found:
        _report(outcome, options, again=bool(faults) or power_above_third)
    show("A simulation: no sockets, no disks", {"first_seed": first_seed, **result})
    if json_file is not None:
        content = {"first_seed": first_seed, **result, "outcomes": found}
        write_file(json_file, msgspec.json.format(msgspec.json.encode(content)))
    wrong = _unproved(found) if power_above_third else result["violations"] > 0
    raise SystemExit(int(Exit.VERDICT if wrong else Exit.OK))


def _one(options: Options, seed: int, faults: str, trace_file: Path | None) -> Outcome:
    """One seed, with all or some of its faults, and its trace."""
    options = msgspec.structs.replace(options, seed=seed)
    plan = draw_plan(options)
    if faults:
        try:
            kept = [] if faults == "none" else [int(part) for part in faults.split(",")]
            plan = shrink.only(plan, kept)
        except (ValueError, IndexError):
            raise UsageWrong(
                f"--faults {faults}: numbers below {len(plan.faults)}, or none"
            ) from None
    scenario = Scenario(options, plan)
    outcome = scenario.run()
    if trace_file is not None:
        write_file(trace_file, trace(scenario.record(), outcome.violations).encode())
    return outcome


def _shown(found: Iterator[T], total: int) -> Iterator[T]:
    """With a bar, where there is somebody to see it."""
    console = Console(stderr=True)
    yield from track(
        found, "simulating", total=total, console=console, disable=not console.is_terminal
    )


def run_mutants(first_seed: int, table_file: Path | None, json_file: Path | None) -> Exit:
    """Hunt every defect and print what found it."""
    found: list[hunt.Caught] = []
    for caught in _shown(hunt.hunted(first_seed), len(MUTANTS)):
        found.append(caught)
        by = f"{caught.checker} after {caught.seeds} seeds" if caught.seeds else "NOT FOUND"
        typer.echo(f"{caught.mutant}: {by}")
    missed = [caught.mutant for caught in found if not caught.seeds]
    typer.echo(f"{len(found) - len(missed)} of {len(found)} defects found")
    if table_file is not None:
        document = read_text(table_file) if table_file.exists() else ""
        write_file(table_file, hunt.placed(document, hunt.table(found)).encode())
    if json_file is not None:
        write_file(json_file, msgspec.json.format(msgspec.json.encode(found)))
    return Exit.VERDICT if missed else Exit.OK


def run_twins(limit: int, json_file: Path | None) -> Exit:
    """Play `limit` Twins scripts and print those after which not all agree."""
    begin = time.monotonic()
    played = _shown(scenarios.scripts(limit), limit)
    found = list(scenarios.disagreements(played))
    for script, decided in found:
        said = ", ".join(f"{name} {block.hex()[:8]}" for name, block in decided.items())
        typer.echo(f"decided {said or 'nothing'}: {scenarios.described(script)}")
    figures_ = {
        "scenarios": limit,
        "rounds": scenarios.ROUNDS,
        "disagreements": len(found),
        "real_s": round(time.monotonic() - begin, 1),
    }
    show("Twins, on consensus cores", figures_)
    if json_file is not None:
        write_file(json_file, msgspec.json.format(msgspec.json.encode(figures_)))
    return Exit.VERDICT if found else Exit.OK


def _report(outcome: Outcome, options: Options, *, again: bool) -> None:
    """A failing seed: what is wrong, the line that reproduces it, and the faults it needs."""
    if not outcome.violations:
        return
    options = msgspec.structs.replace(options, seed=outcome.seed)
    by_checker = Counter(violation.checker for violation in outcome.violations)
    for violation in outcome.violations:
        times = by_checker.pop(violation.checker, 0)
        if times:
            more = f" (and {times - 1} more)" if times > 1 else ""
            typer.echo(f"seed {outcome.seed}: {violation.checker}: {violation.detail}{more}")
    line = f"dcn simulate --seeds 1 --first-seed {outcome.seed}"
    if options.nodes_min == options.nodes_max:
        line += f" --nodes {options.nodes_min}"
    if again:
        return
    typer.echo(f"  again:   {line}")
    kept = shrink.shrunk(outcome, options)
    typer.echo(f"  shrunk:  {line} --faults {','.join(map(str, kept)) or 'none'}")
    plan = draw_plan(options)
    for number in kept:
        typer.echo(f"    {number}: {described(plan.faults[number])}")


def _unproved(found: list[Outcome]) -> bool:
    """Whether liars above a third were not caught: no fork at all, or one with nobody to blame."""
    checkers = [violation.checker for outcome in found for violation in outcome.violations]
    return "agreement" not in checkers or "accountability" in checkers
