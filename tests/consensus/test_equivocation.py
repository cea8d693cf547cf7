"""A validator that contradicts itself: its first vote counts, once it is reported, quorums win."""

from consensus.effects import ReportEvidence
from consensus.inputs import Start, VoteReceived
from consensus.messages import Equivocation, Vote
from tests.consensus.bench import Bench, core_of, prevote


def test_the_first_vote_counts_and_the_evidence_is_kept_once() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    assert a.prevotes(0, "Y", "b") == []
    assert a.prevotes(0, "X", "b") == ["evidence b 0"]
    assert a.prevotes(0, "Z", "b") == []
    assert a.prevotes(0, "X", "c") == ["timer prevote 0"]  # b still counts for Y
    assert a.prevotes(0, "X", "d") == ["precommit 0 X"]


def test_each_kind_and_round_is_reported() -> None:
    a = Bench("a")
    a.prevotes(0, "Y", "b")
    assert a.prevotes(0, "nil", "b") == ["evidence b 0"]
    a.precommits(0, "Y", "b")
    assert a.precommits(0, "nil", "b") == ["evidence b 0"]
    a.prevotes(1, "Y", "b")
    assert a.prevotes(1, "Z", "b") == ["evidence b 1"]


def test_another_time_is_not_a_contradiction() -> None:
    core = core_of("a")
    core.handle(Start(0))
    first = prevote(0, b"X", "b")
    again = Vote(first.kind, 5, 0, b"X", 999, b"b", b"other")
    assert core.handle(VoteReceived(first, 0)) == []
    assert core.handle(VoteReceived(again, 0)) == []
    assert core.handle(VoteReceived(prevote(0, None, "b"), 0)) == [
        ReportEvidence(Equivocation(first, prevote(0, None, "b")))
    ]


def test_a_certificate_wins_over_the_first_vote() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    a.precommits(0, "nil", "b")
    a.precommits(0, "X", "cd")
    assert a.core.decision is None
    assert a.certificate("precommit", 0, "X", "bcd") == ["evidence b 0", "decide 0 X"]


def test_a_polka_certificate_wins_over_the_first_vote() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    a.prevotes(0, "nil", "bc")
    assert a.locked == ("nil", -1)
    assert "precommit 0 X" in a.certificate("prevote", 0, "X", "bcd")
    assert a.locked == ("X", 0)


def test_two_proposals_are_evidence_and_the_first_is_voted_on() -> None:
    a = Bench("a", unanswered="X")
    a.proposal(0, "X")
    assert a.proposal(0, "Y") == ["evidence b 0"]
    assert a.proposal(0, "Z") == []
    assert a.checked("Y", True) == []
    assert a.checked("X", True) == ["prevote 0 X"]


def test_the_same_block_with_another_valid_round_is_evidence() -> None:
    a = Bench("a")
    a.proposal(4, "X", vr=1)
    assert a.proposal(4, "X", vr=2) == ["evidence b 4"]


def test_the_same_proposal_again_is_nothing() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    assert a.proposal(0, "X") == []


def test_the_second_proposal_is_locked_on_and_decided_when_a_quorum_chose_it() -> None:
    a = Bench("a")
    assert a.proposal(0, "X") == ["prevote 0 X"]
    a.proposal(0, "Y")
    assert a.prevotes(0, "Y", "bcd")[-1] == "precommit 0 Y"
    assert a.locked == ("Y", 0)
    assert a.precommits(0, "Y", "cd")[-1] == "decide 0 Y"


def test_a_third_proposal_with_a_quorum_replaces_the_second() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    a.proposal(0, "Y")
    a.precommits(0, "Z", "bcd")
    assert a.proposal(0, "Z") == ["decide 0 Z"]


def test_an_equivocator_counts_once_for_the_skip_and_for_any() -> None:
    a = Bench("a")
    a.precommits(0, "X", "b")
    a.precommits(0, "Y", "b")
    assert a.precommits(0, "X", "c") == []
    a.prevotes(2, "X", "b")
    a.prevotes(2, "Y", "b")
    assert a.at[0] == 0
