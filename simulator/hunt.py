"""The hunt for the mutants: seeds are run with each defect until a checker finds it."""

from collections.abc import Iterator
from typing import Final

import msgspec

from simulator.faults import Options
from simulator.mutants import MUTANTS, Mutant, applied
from simulator.scenario import Scenario

SEEDS_MAX: Final = 500
SETTLE_MS_MAX: Final = 20_000
"""A network with a defect is not waited for long."""

BEGIN: Final = "<!-- mutants: written by dcn simulate --mutants --table -->"
END: Final = "<!-- /mutants -->"
"""Where the table stands in a document."""


class Caught(msgspec.Struct, frozen=True):
    """A defect, and the first seed that shows it."""

    mutant: str
    seeds: int
    """How many seeds it took; 0: it was not found."""
    seed: int
    checker: str
    detail: str


def hunted(first_seed: int, seeds_max: int = SEEDS_MAX) -> Iterator[Caught]:
    """Hunt every mutant."""
    for mutant in MUTANTS:
        yield hunt(mutant, first_seed, seeds_max)


def hunt(mutant: Mutant, first_seed: int, seeds_max: int, nodes_max: int = 10) -> Caught:
    """Run seeds with the defect until one shows it."""
    for seed in range(first_seed, first_seed + seeds_max):
        options = Options(seed=seed, nodes_max=nodes_max, settle_ms_max=SETTLE_MS_MAX)
        with applied(mutant):
            scenario = Scenario(options)
            scenario.play()
        violations = scenario.judge().violations
        if violations:
            first = violations[0]
            return Caught(mutant.name, seed - first_seed + 1, seed, first.checker, first.detail)
    return Caught(mutant.name, 0, 0, "", "")


def table(found: list[Caught]) -> str:
    """The defects as a table in Markdown."""
    lines = [
        "| Defect | Where | What | Seeds | Found by |",
        "|---|---|---|---|---|",
    ]
    places = {mutant.name: mutant for mutant in MUTANTS}
    for one in found:
        mutant = places[one.mutant]
        seeds = f"{one.seeds} (seed {one.seed})" if one.seeds else "not found"
        lines.append(
            f"| {mutant.name} | `{mutant.where}` | {mutant.what} | {seeds} | {one.checker} |"
        )
    return "\n".join(lines) + "\n"


def placed(document: str, made: str) -> str:
    """`document` with the table between its two marks, or the table alone if it has none."""
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        return made
    return f"{head}{BEGIN}\n{made}{END}{tail}"
