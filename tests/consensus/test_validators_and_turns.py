"""Quorums by integers, median time, and turns proportional to power."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.errors import BadValidatorSet
from consensus.messages import Certificate, Entry, VoteKind
from consensus.rotation import (
    ProposerOfRound,
    Rotation,
    Turn,
    advanced,
    rotation_at_genesis,
    updated,
)
from consensus.validators import Validator, ValidatorSet, median_time_ms
from wire.codec import decode, encode
from wire.limits import POWER_TOTAL_MAX


def set_of(*powers: int) -> ValidatorSet:
    return ValidatorSet(Validator(bytes([i]) * 32, power) for i, power in enumerate(powers))


def turns_of(rotation: Rotation, count: int) -> list[int]:
    """First byte of the proposer's key for `count` turns, from this one on."""
    taken = []
    for _ in range(count):
        taken.append(rotation.proposer[0])
        rotation = advanced(rotation)
    return taken


powers = st.lists(st.integers(1, 1_000), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("total", "quorum", "third"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 3, 2), (6, 5, 3), (7, 5, 3)]
)
def test_the_least_quorum_and_the_least_third(total: int, quorum: int, third: int) -> None:
    validators = set_of(total)
    assert next(p for p in range(total + 1) if validators.is_quorum(p)) == quorum
    assert next(p for p in range(total + 1) if validators.is_third(p)) == third


@given(powers, st.integers(0, 12_000), st.integers(0, 12_000))
def test_two_quorums_share_more_than_a_third(sizes: list[int], p: int, q: int) -> None:
    validators = set_of(*sizes)
    p, q = min(p, validators.total), min(q, validators.total)
    if validators.is_quorum(p) and validators.is_quorum(q):
        assert validators.is_third(p + q - validators.total)


def test_a_set_is_sorted_and_known_by_its_content() -> None:
    members = [Validator(bytes([i]) * 32, i + 1) for i in range(5)]
    one, other = ValidatorSet(members), ValidatorSet(reversed(members))
    assert one == other
    assert hash(one) == hash(other)
    assert one.hash == other.hash
    assert one.members == tuple(members)
    assert len(one) == 5
    assert members[0].public_key in one
    assert one.total == 15
    assert one != set_of(1)
    assert one.hash != set_of(1, 2, 3, 4, 6).hash
    assert one != members


@pytest.mark.parametrize(
    "members",
    [
        [],
        [Validator(bytes(32), 0)],
        [Validator(bytes(32), 1), Validator(bytes(32), 2)],
        [Validator(bytes(32), POWER_TOTAL_MAX + 1)],
        [Validator(bytes([i]) * 32, 1) for i in range(101)],
    ],
)
def test_an_impossible_set_is_refused(members: list[Validator]) -> None:
    with pytest.raises(BadValidatorSet):
        ValidatorSet(members)


# Turns.


def test_equal_power_means_taking_turns_by_key() -> None:
    assert turns_of(rotation_at_genesis(set_of(5, 5, 5)), 7) == [0, 1, 2, 0, 1, 2, 0]


def test_turns_are_spread_out_by_power() -> None:
    """Powers 1 and 3: (1, 3) p2, (2, 2) p1 by its lower key, (-1, 5) p2, (0, 4) p2."""
    turns = turns_of(rotation_at_genesis(set_of(1, 3)), 8)
    assert turns == [1, 0, 1, 1, 1, 0, 1, 1]
    assert Counter(turns) == {1: 6, 0: 2}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_turns_are_proportional_to_power(sizes: list[int]) -> None:
    """Over k * total turns from genesis each has its share, give or take one."""
    rotation = rotation_at_genesis(set_of(*sizes))
    counts = Counter(turns_of(rotation, 3 * sum(sizes)))
    for i, power in enumerate(sizes):
        assert abs(counts[i] - 3 * power) <= 1


@settings(max_examples=40, deadline=None)
@given(powers, st.lists(powers, max_size=4))
def test_priorities_stay_centred_and_within_the_window(
    sizes: list[int], changes: list[list[int]]
) -> None:
    rotation = rotation_at_genesis(set_of(*sizes))
    for change in [sizes, *changes]:
        rotation = updated(rotation, set_of(*change))
        total, n = sum(change), len(change)
        priorities = [turn.priority for turn in rotation.turns]
        assert 0 <= sum(priorities) < n
        assert max(priorities) - min(priorities) <= 2 * total
        for _ in range(5):
            rotation = advanced(rotation)
            priorities = [turn.priority for turn in rotation.turns]
            assert max(priorities) - min(priorities) <= 3 * total
            assert abs(sum(priorities)) < n


def test_a_newcomer_starts_at_minus_nine_eighths_of_the_total() -> None:
    before = rotation_at_genesis(set_of(8, 8))
    after = updated(before, set_of(8, 8, 8))
    # -(24 + 3) = -27 before centring; the mean of (-8, 8, -27) is -9.
    assert [turn.priority for turn in before.turns] == [-8, 8]
    assert [turn.priority for turn in after.turns] == [1, 17, -18]


def test_the_leavers_power_counts_for_the_newcomers_start() -> None:
    before = Rotation((Turn(bytes([0]) * 32, 8, 0), Turn(bytes([9]) * 32, 16, 0)), bytes([9]) * 32)
    after = updated(before, set_of(8, 8))
    # 8 + 8 + 16 = 32 gives -36, in a window of 32: halved to -18; the mean of (0, -18) is -9.
    assert [turn.priority for turn in after.turns] == [9, -9]
    assert after.proposer == bytes([0]) * 32


def test_leaving_and_coming_back_gains_no_turn() -> None:
    stay = rotation_at_genesis(set_of(10, 10, 10))
    assert 2 in turns_of(stay, 3)
    back = updated(updated(stay, set_of(10, 10)), set_of(10, 10, 10))
    assert turns_of(advanced(back), 3).count(2) <= 1
    assert turns_of(advanced(back), 1) != [2]


def test_who_stays_keeps_its_priority_under_a_new_power() -> None:
    before = advanced(rotation_at_genesis(set_of(4, 4)))
    after = updated(before, set_of(4, 6))
    assert [t.priority for t in after.turns] == [t.priority for t in before.turns]
    assert [t.power for t in after.turns] == [4, 6]


def test_wide_priorities_are_rescaled_towards_zero() -> None:
    wide = Rotation((Turn(bytes([0]) * 32, 1, -25), Turn(bytes([1]) * 32, 1, 5)), bytes(32))
    # The spread is 30, the window 4: ratio 8 gives -3 and 0, mean floor(-3/2) = -2; then a turn.
    assert [turn.priority for turn in advanced(wide).turns] == [0, 1]


def test_the_proposer_of_a_round_is_that_many_turns_on() -> None:
    rotation = rotation_at_genesis(set_of(1, 2, 3))
    proposer = ProposerOfRound(rotation)
    expected = turns_of(rotation, 10)
    assert proposer(9)[0] == expected[9]
    assert [proposer(r)[0] for r in range(10)] == expected
    assert ProposerOfRound(advanced(rotation))(0)[0] == expected[1]


def test_a_rotation_can_be_persisted() -> None:
    rotation = advanced(rotation_at_genesis(set_of(1, 2, 3)))
    assert decode(encode(rotation), Rotation, 1_000) == rotation


# Median time.


def commit_at(times: list[int]) -> Certificate:
    entries = tuple(Entry(bytes([i]) * 32, t, b"") for i, t in enumerate(times))
    return Certificate(VoteKind.PRECOMMIT, 1, 0, bytes(32), entries)


@pytest.mark.parametrize(
    ("weights", "times", "median"),
    [
        ([1], [7], 7),
        ([1, 1], [7, 9], 7),
        ([1, 1, 1], [30, 10, 20], 20),
        ([1, 1, 1, 1], [40, 10, 30, 20], 20),
        ([1, 1, 5], [10, 20, 90], 90),
        ([2, 1, 1], [10, 20, 30], 10),
    ],
)
def test_median_time(weights: list[int], times: list[int], median: int) -> None:
    assert median_time_ms(commit_at(times), set_of(*weights)) == median


def test_absent_precommits_do_not_count() -> None:
    assert median_time_ms(commit_at([10, 20, 30]), set_of(1, 1, 1, 9)) == 20


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 99)), min_size=1), st.data())
def test_less_than_half_of_a_commit_cannot_move_its_time_past_the_others(
    votes: list[tuple[int, int]], data: st.DataObject
) -> None:
    validators = set_of(*(power for power, _ in votes))
    whole, liars, lying = validators.total, [], 0
    for i in data.draw(st.permutations(range(len(votes)))):
        if 2 * (lying + votes[i][0]) < whole:
            liars.append(i)
            lying += votes[i][0]
    honest = [time for i, (_, time) in enumerate(votes) if i not in liars]
    times = [
        data.draw(st.integers(0, 10**9)) if i in liars else t for i, (_, t) in enumerate(votes)
    ]
    assert min(honest) <= median_time_ms(commit_at(times), validators) <= max(honest)
