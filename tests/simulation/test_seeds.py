"""Whole runs from seeds: everything goes wrong and nothing is wrong; and the checkers can fail."""

import os
import secrets

import msgspec
import pytest

from simulator import shrink
from simulator.faults import Options, Plan
from simulator.plan import draw_plan
from simulator.scenario import Scenario
from simulator.seeds import figures, run_one
from simulator.trace import trace

SEEDS = int(os.environ.get("DCN_SIMULATED_SEEDS", "12"))
FIRST = int(os.environ.get("DCN_FIRST_SEED", "0")) or secrets.randbelow(1 << 30)
"""Fresh in every run; a failure names its seed."""


@pytest.mark.parametrize("number", range(SEEDS))
def test_a_fresh_seed_breaks_nothing(number: int) -> None:
    seed = FIRST + number
    outcome = Scenario(Options(seed=seed)).run()
    assert outcome.violations == [], f"dcn simulate --seeds 1 --first-seed {seed}"
    assert outcome.heights >= 20


def test_one_seed_runs_the_same_twice() -> None:
    first, second = (Scenario(Options(seed=77)) for _ in range(2))
    assert first.run() == second.run()
    assert trace(first.record(), []) == trace(second.record(), [])


def test_seeds_draw_every_kind_of_fault() -> None:
    drawn = {type(fault).__name__ for seed in range(200) for fault in _plan(seed).faults}
    menu = {kind.__name__ for kind in Plan.__annotations__["faults"].__args__[0].__args__}
    assert drawn == menu


def test_liars_and_what_they_could_be_taken_for_stay_below_a_third() -> None:
    for seed in range(500):
        plan = _plan(seed)
        assert 3 * sum(plan.powers[node] for node in plan.liars) < sum(plan.powers)


def test_above_a_third_forks_are_found_and_the_guilty_are_named() -> None:
    options = Options(seed=0, above_third=True, nodes_max=4)
    outcomes = [run_one(options, seed) for seed in range(1, 7)]
    checkers = [violation.checker for o in outcomes for violation in o.violations]
    assert "agreement" in checkers
    assert "accountability" not in checkers
    assert figures(outcomes, 1)["faults"]["Byzantine twin"] >= 6


def test_a_plan_is_shrunk_to_what_it_needs() -> None:
    tried: list[list[int]] = []

    def fails(kept: object) -> bool:
        tried.append(list(kept))  # type: ignore[call-overload]
        return {3, 7} <= set(tried[-1])

    assert shrink.smaller(range(12), fails) == (3, 7)
    assert len(tried) < 60
    assert shrink.smaller(range(12), lambda _kept: True) == ()


def test_a_seed_with_some_of_its_faults_runs_again_with_those() -> None:
    plan = _plan(1)
    kept = shrink.only(plan, [0, 3])
    assert kept.faults == (plan.faults[0], plan.faults[3])
    first, second = (Scenario(Options(seed=1), kept).run() for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def _plan(seed: int) -> Plan:
    return draw_plan(Options(seed=seed))
