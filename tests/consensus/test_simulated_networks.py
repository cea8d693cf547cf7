"""Agreement and progress of 4 and 7 cores under faults, and checkers that can fail."""

from collections.abc import Callable
from random import Random

import pytest

import consensus.rules
from consensus.effects import Effect, Persist
from consensus.rules import (
    Rule,
    prevote_with_polka,
    start_precommit_timer,
    start_prevote_timer,
)
from consensus.validators import ValidatorSet
from tests.consensus import network
from tests.consensus.network import Faults, Network, violations


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
    seeds = range(first, first + 24)
    assert [wrong for seed in seeds for wrong in violations(faults_of(seed))] == []


def test_a_quiet_network_decides_in_round_0() -> None:
    quiet = Network(Faults(seed=1, nodes=7))
    outcome = quiet.run()
    assert outcome.rounds == 0
    assert len(outcome.decided) == 7
    assert quiet.now < 1_000


def test_progress_needs_more_than_two_thirds_of_the_power() -> None:
    assert violations(Faults(seed=1, powers=(34, 33, 33), down=1, end_ms=20_000))
    assert violations(Faults(seed=1, powers=(33, 33, 34), down=1, end_ms=20_000)) == []
    assert violations(Faults(seed=1, nodes=4, down=1)) == []
    assert "[2, 3] did not decide" in violations(Faults(seed=1, down=2, end_ms=20_000))[0]


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [Network(faults_of(17)) for _ in range(2)]
    first, second = (run.run() for run in runs)
    assert first == second
    assert runs[0].now == runs[1].now


# Checkers that can fail: each defect below must be found.


def found(text: str, seeds: int, make: Callable[[int], Faults] = faults_of) -> bool:
    """Whether some seed leads to a violation that `text` is part of."""
    return any(text in wrong for seed in range(seeds) for wrong in violations(make(seed)))


def split(seed: int, byzantine: int) -> Faults:
    """Two sides that hear nothing of each other for a while, and liars who speak to both."""
    return Faults(
        seed=seed,
        byzantine=byzantine,
        cunning_percent=100,
        partition=True,
        heal_ms=8_000,
        end_ms=20_000,
    )


def test_half_of_the_power_lying_is_found_to_break_agreement() -> None:
    assert found("different blocks", 60, lambda seed: split(seed, 2))
    assert not found("different blocks", 60, lambda seed: split(seed, 1))


def test_a_quorum_of_a_third_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ValidatorSet, "is_quorum", ValidatorSet.is_third)
    assert found("different blocks", 60, lambda seed: split(seed, 0))


@pytest.mark.parametrize("rule", [prevote_with_polka, start_prevote_timer, start_precommit_timer])
def test_a_rule_left_out_is_found_to_cost_progress(
    monkeypatch: pytest.MonkeyPatch, rule: Rule
) -> None:
    swap(monkeypatch, rule, lambda _process: False)
    assert found("did not decide", 30)


def test_a_log_that_is_not_flushed_with_a_signer_that_forgets_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carry_out = network.Node._one

    def without_flush(node: network.Node, effect: Effect) -> None:
        if not isinstance(effect, Persist):
            carry_out(node, effect)

    monkeypatch.setattr(network.Node, "_one", without_flush)
    monkeypatch.setattr(network, "admit", lambda _state, _message: None)
    monkeypatch.setattr(network, "must_only_follow", lambda _state, _core: False)
    assert found("signed 2 messages", 100)
    assert found("correct validators accused", 100)


def swap(monkeypatch: pytest.MonkeyPatch, rule: Rule, other: Rule) -> None:
    rules = tuple(other if r is rule else r for r in consensus.rules.RULES)
    assert other in rules
    monkeypatch.setattr(consensus.rules, "RULES", rules)
