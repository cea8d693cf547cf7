"""L49: a decision from a past or a future round, proposal and precommits in either order."""

import pytest

from consensus.book import PAST_ROUNDS_KEPT
from tests.consensus.bench import Bench


def advanced_to(a: Bench, round_: int) -> Bench:
    a.prevotes(round_, "nil", "cd")
    assert a.at[0] == round_
    return a


@pytest.mark.parametrize("now", [1, 2, PAST_ROUNDS_KEPT + 1, 900])
def test_from_a_past_round_precommits_last(now: int) -> None:
    a = Bench("a")
    a.proposal(0, "X")
    a.precommits(0, "X", "b")
    advanced_to(a, now)
    assert a.precommits(0, "X", "cd")[-1] == "decide 0 X"


@pytest.mark.parametrize("now", [1, PAST_ROUNDS_KEPT + 1, 900])
def test_from_a_past_round_proposal_last(now: int) -> None:
    a = Bench("a")
    a.precommits(0, "X", "bc")
    advanced_to(a, now)
    assert a.precommits(0, "X", "d") == []
    assert a.proposal(0, "X") == ["decide 0 X"]


def test_from_a_past_round_that_was_never_entered() -> None:
    a = advanced_to(Bench("a"), 100)
    a.proposal(40, "X")
    assert a.precommits(40, "X", "bcd") == ["decide 40 X"]


def test_from_a_future_round_precommits_first() -> None:
    a = Bench("a")
    assert a.precommits(6, "X", "b") == []
    assert a.precommits(6, "X", "c") == ["timer propose 6"]
    assert a.precommits(6, "X", "d") == ["timer precommit 6"]
    assert a.proposal(6, "X") == ["decide 6 X"]


def test_from_a_future_round_at_once_by_certificate() -> None:
    a = Bench("a")
    assert a.proposal(6, "X") == []
    assert a.certificate("precommit", 6, "X", "bcd") == ["decide 6 X"]
    assert a.at == (0, "propose")


def test_a_certificate_without_the_proposal_moves_to_its_round() -> None:
    a = Bench("a")
    assert a.certificate("precommit", 6, "X", "bcd") == ["timer propose 6", "timer precommit 6"]
    assert a.proposal(6, "X") == ["decide 6 X"]


def test_the_proposal_must_be_of_the_same_round() -> None:
    a = Bench("a")
    a.proposal(1, "X")
    a.precommits(0, "X", "bcd")
    assert a.core.decision is None
    a.proposal(0, "X")
    assert a.core.decision is not None


def test_an_invalid_value_is_not_decided() -> None:
    """L50: valid(v) is checked here too."""
    a = Bench("a", invalid="X")
    a.proposal(0, "X")
    assert a.precommits(0, "X", "bcd") == ["timer precommit 0"]
    assert a.core.decision is None


def test_a_value_still_being_checked_is_decided_when_it_is_found_valid() -> None:
    a = Bench("a", unanswered="X")
    a.proposal(0, "X")
    a.precommits(0, "X", "bcd")
    advanced_to(a, 3)
    assert a.checked("X", True) == ["decide 0 X"]


def test_after_the_decision_nothing_more_is_voted() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    a.precommits(0, "X", "bcd")
    assert a.prevotes(4, "nil", "bcd") == []
    assert a.timeout("prevote", 0) == []
    assert a.timeout("precommit", 0) == []
    assert a.proposal(1, "Y") == []


def test_the_commit_gains_late_precommits() -> None:
    a = Bench("a")
    assert a.core.commit() is None
    a.proposal(0, "X")
    a.precommits(0, "X", "bcd")
    decided, commit = a.core.decision, a.core.commit()
    assert decided is not None
    assert commit is not None
    assert len(decided.certificate.signatures) == 3
    a.prevotes(0, "X", "bcd")  # a has decided and will not precommit
    assert a.core.commit() == commit
    b = Bench("b", turns="c")
    b.proposal(0, "X")
    b.prevotes(0, "X", "ac")
    b.precommits(0, "X", "acd")
    late = b.core.commit()
    assert late is not None
    assert [entry.validator for entry in late.signatures] == [b"a", b"b", b"c", b"d"]
