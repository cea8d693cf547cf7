"""Timers, their rules, and how rounds end and are skipped (L20, L34, L44, L47, L55, L57-67)."""

import pytest

from consensus.effects import ScheduleTimeout
from consensus.inputs import SignRefused, Start, TimeoutElapsed
from consensus.messages import Step
from tests.consensus.bench import HEIGHT, TIMEOUTS, Bench, core_of


def test_no_proposal_means_prevote_nil() -> None:
    assert Bench("a").timeout("propose", 0) == ["prevote 0 nil"]  # L57-60


def test_a_value_that_is_never_checked_means_prevote_nil() -> None:
    a = Bench("a", unanswered="X")
    assert a.proposal(0, "X") == ["check X"]
    assert a.timeout("propose", 0) == ["prevote 0 nil"]


@pytest.mark.parametrize("step", ["propose", "prevote", "precommit"])
def test_a_timeout_of_another_round_or_height_is_nothing(step: str) -> None:
    a = Bench("a")
    assert a.timeout(step, 1) == []
    assert a.timeout(step, 0, height=4) == []
    assert a.at == (0, "propose")


def test_a_propose_timeout_after_the_prevote_is_nothing() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    assert a.timeout("propose", 0) == []


def test_a_prevote_timeout_counts_in_step_prevote_only() -> None:
    a = Bench("a")
    assert a.timeout("prevote", 0) == []
    a.proposal(0, "X")
    assert a.timeout("prevote", 0) == ["precommit 0 nil"]  # L61-64
    assert a.timeout("prevote", 0) == []


def test_a_precommit_timeout_counts_in_any_step() -> None:
    a = Bench("a")
    assert a.timeout("precommit", 0) == ["timer propose 1"]  # L65-67


def test_any_two_thirds_of_prevotes_start_the_prevote_timer_once() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    assert a.prevotes(0, "nil", "b") == []
    assert a.prevotes(0, "Y", "c") == ["timer prevote 0"]  # L34
    assert a.prevotes(0, "Z", "d") == []


def test_the_prevote_timer_starts_in_step_prevote_only() -> None:
    a = Bench("a")
    assert a.prevotes(0, "nil", "bcd") == []
    assert a.timeout("propose", 0) == ["prevote 0 nil", "precommit 0 nil"]


def test_a_quorum_of_nil_means_precommit_nil() -> None:
    a = Bench("a")
    a.timeout("propose", 0)
    assert a.prevotes(0, "nil", "bc") == ["precommit 0 nil"]  # L44


def test_any_two_thirds_of_precommits_start_the_timer_once_in_any_step() -> None:
    a = Bench("a")
    assert a.at == (0, "propose")
    assert a.precommits(0, "nil", "b") == []
    assert a.precommits(0, "Y", "c") == []
    assert a.precommits(0, "nil", "d") == ["timer precommit 0"]  # L47
    assert a.timeout("propose", 0) == ["prevote 0 nil"]
    assert a.prevotes(0, "nil", "bc") == ["precommit 0 nil"]


def test_the_precommit_timer_does_not_shadow_the_rule_for_nil() -> None:
    """L47 has fired in step prevote; L44 must still precommit nil, L36 still lock."""
    a = Bench("a")
    a.proposal(0, "X")
    assert a.precommits(0, "nil", "bcd") == ["timer precommit 0"]
    assert a.prevotes(0, "nil", "bcd") == ["timer prevote 0", "precommit 0 nil"]
    b = Bench("a")
    b.proposal(0, "X")
    b.precommits(0, "nil", "bcd")
    assert b.prevotes(0, "X", "bc") == ["precommit 0 X"]
    assert b.locked == ("X", 0)


def test_one_third_in_a_later_round_skips_to_it() -> None:
    a = Bench("a")
    assert a.prevotes(7, "nil", "b") == []
    assert a.precommits(7, "X", "b") == []  # the same sender again
    assert a.precommits(7, "nil", "c") == ["propose 7 mine vr-1", "prevote 7 mine"]  # L55
    assert a.at == (7, "prevote")


def test_a_proposal_counts_for_the_skip() -> None:
    a = Bench("a")
    assert a.prevotes(1, "X", "d") == []
    assert a.proposal(1, "X") == ["timer propose 1", "prevote 1 X"]


def test_exactly_one_third_does_not_skip() -> None:
    a = Bench("a", powers={"a": 1, "b": 1, "c": 1}, turns="b")
    assert a.prevotes(2, "nil", "b") == []
    assert a.at == (0, "propose")
    assert a.prevotes(2, "nil", "c") == ["timer propose 2"]


def test_the_skip_weighs_power() -> None:
    a = Bench("a", powers={"a": 1, "b": 2, "c": 2, "d": 4}, turns="b")
    assert a.prevotes(3, "nil", "b") == []
    assert a.prevotes(3, "nil", "d") == ["timer propose 3"]


def test_timers_of_a_round_that_was_left_are_nothing() -> None:
    a = Bench("a")
    a.prevotes(1, "nil", "bc")
    assert a.at == (1, "propose")
    assert a.timeout("propose", 0) == []
    assert a.timeout("precommit", 0) == []


def test_no_skip_backwards() -> None:
    a = Bench("a")
    a.prevotes(3, "nil", "bc")
    a.timeout("propose", 3)
    assert a.prevotes(2, "nil", "bcd") == []
    assert a.at[0] == 3


def test_durations_grow_to_a_cap() -> None:
    assert [TIMEOUTS.duration_ms(Step.PROPOSE, r) for r in (0, 1, 10, 14, 15, 2**31 - 1)] == [
        300,
        350,
        800,
        1_000,
        1_000,
        1_000,
    ]
    assert TIMEOUTS.duration_ms(Step.PREVOTE, 2) == 140
    assert TIMEOUTS.duration_ms(Step.PRECOMMIT, 3) == 160


def test_a_later_round_waits_longer() -> None:
    core = core_of("a")
    core.handle(Start(0))
    effects = core.handle(TimeoutElapsed(Step.PRECOMMIT, HEIGHT, 0, 0))
    assert effects == [ScheduleTimeout(Step.PROPOSE, HEIGHT, 1, 350)]


def test_late_precommits_are_not_waited_for_once_all_have_arrived() -> None:
    a = Bench("a", timeouts=TIMEOUTS)
    a.timeout("propose", 0)
    assert a.prevotes(0, "nil", "bc") == ["precommit 0 nil"]
    assert a.precommits(0, "nil", "bc") == ["timer precommit 0"]
    assert a.precommits(0, "X", "d") == ["timer propose 1"]
    assert a.timeout("precommit", 0) == []


def test_the_paper_waits_even_then() -> None:
    a = Bench("a")
    a.timeout("propose", 0)
    a.prevotes(0, "nil", "bc")
    a.precommits(0, "nil", "bc")
    assert a.precommits(0, "X", "d") == []
    assert a.timeout("precommit", 0) == ["timer propose 1"]


def test_a_round_with_a_commit_is_not_left_early() -> None:
    """All have precommitted X, only its proposal is late: wait for it."""
    a = Bench("a", timeouts=TIMEOUTS)
    a.timeout("propose", 0)
    a.prevotes(0, "nil", "bc")
    assert a.precommits(0, "X", "bcd") == ["timer precommit 0"]
    assert a.at == (0, "precommit")
    assert a.proposal(0, "X") == ["decide 0 X"]


def test_the_proposer_too_stops_waiting_for_its_own_proposal() -> None:
    core = core_of("b")
    core.handle(Start(0))
    effects = core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 0))
    assert core.process.step is Step.PREVOTE
    assert [type(effect).__name__ for effect in effects] == ["Persist", "Sign"]
    core.handle(SignRefused(Step.PREVOTE, 0, 0))
    assert core.process.unsigned == {}
