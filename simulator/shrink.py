"""A failing plan made smaller: delta debugging over its list of faults.

Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002): leave out ever
smaller parts of the list, and keep what still fails.
"""

from collections.abc import Callable, Sequence
from typing import Final

from simulator.faults import Options, Plan
from simulator.plan import draw_plan
from simulator.scenario import Outcome, Scenario

RUNS_MAX: Final = 120
"""Runs that a shrinking may take."""


def only(plan: Plan, kept: Sequence[int]) -> Plan:
    """The plan with the faults of these numbers only."""
    return Plan(plan.powers, plan.observers, tuple(plan.faults[number] for number in kept))


def shrunk(outcome: Outcome, options: Options) -> tuple[int, ...]:
    """Numbers of the faults that are enough for the first violation of `outcome`."""
    plan = draw_plan(options)
    wanted = outcome.violations[0].checker

    def fails(kept: Sequence[int]) -> bool:
        found = Scenario(options, only(plan, kept)).run().violations
        return any(violation.checker == wanted for violation in found)

    return smaller(range(len(plan.faults)), fails)


def smaller(numbers: Sequence[int], fails: Callable[[Sequence[int]], bool]) -> tuple[int, ...]:
    """A part of `numbers` that still fails, and less of it does not, as far as was tried."""
    kept = list(numbers)
    runs, parts = 0, 2
    if fails([]):
        return ()
    while len(kept) > 1 and runs < RUNS_MAX:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            runs += 1
            if fails(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), 2 * parts)
    return tuple(kept)
