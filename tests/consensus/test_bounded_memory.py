"""A Byzantine validator may speak in any round; what it can make others hold is bounded."""

from consensus.book import FUTURE_ROUNDS_KEPT, PAST_PRECOMMITS_KEPT, PAST_ROUNDS_KEPT
from consensus.core import PROPOSAL_ROUNDS_AHEAD_MAX, Core
from consensus.inputs import ProposalReceived, Start, VoteReceived
from tests.consensus.bench import (
    HEIGHT,
    TIMEOUTS,
    Bench,
    core_of,
    four,
    precommit,
    prevote,
    proposal,
)


def test_a_flood_of_future_rounds_is_bounded_and_does_not_hinder_the_skip() -> None:
    core = core_of("a")
    core.handle(Start(0))
    for round_ in range(1, 2_000):
        core.handle(VoteReceived(prevote(round_, b"X", "b"), 0))
        core.handle(VoteReceived(precommit(round_ * 1_000_003, None, "b"), 0))
    assert len(core.process.book.rounds) <= FUTURE_ROUNDS_KEPT + 1
    core.handle(VoteReceived(prevote(3, None, "c"), 0))
    core.handle(VoteReceived(prevote(3, None, "d"), 0))
    assert core.process.round == 3


def test_the_newest_message_of_a_sender_is_always_held() -> None:
    a = Bench("a")
    for round_ in range(100):
        a.prevotes(round_ + 1, "nil", "b")
    assert a.prevotes(100, "nil", "c") == ["timer propose 100"]


def test_an_older_future_message_than_those_held_is_dropped() -> None:
    a = Bench("a")
    for round_ in range(20, 20 + FUTURE_ROUNDS_KEPT):
        a.prevotes(round_, "nil", "b")
    a.prevotes(19, "nil", "b")
    assert 19 not in a.core.process.book.rounds
    a.prevotes(19, "nil", "cd")
    assert a.at[0] == 19


def test_dropping_a_future_round_keeps_what_others_said_in_it() -> None:
    a = Bench("a", powers=dict.fromkeys("abcdefg", 1))
    a.prevotes(2, "nil", "c")
    for round_ in range(2, 12):
        a.precommits(round_, "X", "b")
    log = a.core.process.book.rounds[2]
    assert list(log.speakers) == [b"c"]
    assert log.speakers_power == 1
    assert log.precommits.power_any == 0


def test_a_dropped_proposal_is_taken_again() -> None:
    a = Bench("a", turns="bbbbbbbbbbbbbbbbbbbb")
    for round_ in range(1, 12):
        a.proposal(round_, "X")
    assert 1 not in a.core.process.book.rounds
    a.proposal(1, "X")
    assert 1 not in a.core.process.book.rounds
    a.prevotes(1, "nil", "cd")
    assert a.at[0] == 1
    assert "prevote 1 X" in a.proposal(1, "X")


def test_a_proposal_far_ahead_is_not_even_looked_up() -> None:
    asked: list[int] = []

    def proposer(round_: int) -> bytes:
        asked.append(round_)
        return b"b"

    core = Core(HEIGHT, four(), b"a", proposer, TIMEOUTS)
    core.handle(Start(0))
    asked.clear()
    far = PROPOSAL_ROUNDS_AHEAD_MAX + 1
    assert core.handle(ProposalReceived(proposal(far, b"X", "b"), None, 0)) == []
    assert asked == []
    assert core.process.book.rounds.keys() <= {0}
    core.handle(ProposalReceived(proposal(far - 1, b"X", "b"), None, 0))
    assert asked == [far - 1]


def test_a_long_height_keeps_only_what_a_rule_may_still_use() -> None:
    core = core_of("a", turns="bcd")
    core.handle(Start(0))
    rounds = 300
    for round_ in range(rounds):
        for sender in "bcd":
            core.handle(VoteReceived(prevote(round_, None, sender), 0))
            core.handle(VoteReceived(precommit(round_, b"X" if sender == "b" else None, sender), 0))
        core.handle(VoteReceived(prevote(round_ + 1, None, "c"), 0))
        core.handle(VoteReceived(prevote(round_ + 1, None, "d"), 0))
    book = core.process.book
    assert book.round == rounds
    held = [
        (len(log.prevotes.votes), len(log.precommits.votes))
        for log in book.rounds.values()
        if log.round < rounds - PAST_ROUNDS_KEPT
    ]
    assert all(prevotes == 0 for prevotes, _ in held)
    assert sum(precommits for _, precommits in held) == PAST_PRECOMMITS_KEPT


def test_old_votes_without_use_are_dropped_and_old_quorums_kept() -> None:
    a = Bench("a")
    a.timeout("propose", 0)
    a.prevotes(0, "X", "bcd")
    a.prevotes(100, "nil", "cd")
    book = a.core.process.book
    assert book.rounds[0].prevotes.votes == {}
    assert book.has_polka(0, b"X")
    a.prevotes(1, "Y", "bcd")
    assert 1 not in book.rounds
    a.certificate("prevote", 1, "Y", "bcd")
    assert book.has_polka(1, b"Y")
    assert book.rounds[1].prevotes.votes == {}


def test_questions_of_long_gone_rounds_are_dropped() -> None:
    a = Bench("a", unanswered="X Y", turns="bbbb")
    a.proposal(0, "X")
    a.prevotes(100, "nil", "cd")
    a.proposal(100, "Y")
    assert [block for _, block in a.core.process.checks] == [b"Y"]


def test_a_commit_outlives_the_votes_it_was_made_of() -> None:
    a = Bench("a", turns="bcda")
    a.prevotes(200, "nil", "cd")
    a.precommits(0, "X", "bcd")  # a commit whose proposal is missing
    for round_ in range(1, PAST_PRECOMMITS_KEPT + 10):
        a.precommits(round_, "Y", "b")
    assert b"b" not in a.core.process.book.rounds[0].precommits.votes
    assert a.proposal(0, "X") == ["decide 0 X"]
