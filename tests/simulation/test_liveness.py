"""Liveness in virtual time: what a fault costs, and that it costs it once."""

import pytest

from simulator.checkers import check_all
from simulator.network import TIMEOUTS, SimulatedNetwork
from tests.simulation.test_networks import network

HOUR_MS = 3_600_000


def _names(made: SimulatedNetwork) -> list[str]:
    return list(made.nodes)


def _rounds(made: SimulatedNetwork, name: str, from_height: int) -> list[int]:
    blocks = made.nodes[name].disk.blocks
    return [b.commit.round for b in blocks if b.block.header.height > from_height]


def _signers(made: SimulatedNetwork, name: str) -> set[bytes]:
    return {entry.validator for entry in made.nodes[name].disk.blocks[-1].commit.signatures}


def test_after_an_hour_without_anybody_the_next_block_takes_seconds() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 5)
    for name in _names(made):
        made.crash(name)
    made.run(lambda: False, HOUR_MS)
    made.now_ms += HOUR_MS
    made.start()
    begin, height = made.now_ms, max(made.heights())
    assert made.run(lambda: min(made.heights()) >= height + 2, 20_000)
    assert made.now_ms - begin < 10_000


@pytest.mark.parametrize("loss", [0, 50])
def test_after_an_hour_of_partition_rounds_meet_within_seconds(loss: int) -> None:
    """Two and two: both sides climb through rounds on their own, then meet in one."""
    made = network(4, loss_permille=loss)
    made.start()
    made.run(lambda: min(made.heights()) >= 5)
    left, right = _names(made)[:2], _names(made)[2:]
    for one in left:
        for other in right:
            made.cut(one, other)
    made.run(lambda: False, HOUR_MS)
    height = max(made.heights())
    assert height <= 7
    for one in left:
        for other in right:
            made.join(one, other)
    begin = made.now_ms
    assert made.run(lambda: min(made.heights()) >= height + 2, 60_000)
    assert made.now_ms - begin < 6 * TIMEOUTS.cap_ms
    after = max(made.heights())
    begin = made.now_ms
    assert made.run(lambda: min(made.heights()) >= after + 5, 60_000)
    assert max(_rounds(made, left[0], after + 1)) <= (0 if loss == 0 else 3)
    assert check_all(made.record()) == []


def test_each_alone_for_an_hour() -> None:
    made = network(7)
    made.start()
    made.run(lambda: min(made.heights()) >= 5)
    names = _names(made)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            made.cut(one, other)
    made.run(lambda: False, HOUR_MS)
    height = max(made.heights())
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            made.join(one, other)
    begin = made.now_ms
    assert made.run(lambda: min(made.heights()) >= height + 2, 60_000)
    assert made.now_ms - begin < 6 * TIMEOUTS.cap_ms


def test_a_dead_proposer_costs_one_round_each_time_it_is_its_turn() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 3)
    dead, alive = _names(made)[0], _names(made)[1]
    height = max(made.heights())
    made.crash(dead)
    assert made.run(lambda: min(made.heights()) >= height + 24, 120_000)
    rounds = _rounds(made, alive, height + 1)
    assert max(rounds) == 1
    assert sum(rounds) <= len(rounds) // 4 + 1


def test_a_slow_proposer_costs_one_round() -> None:
    """It is heard too late in its own turn, and votes with the others in theirs."""
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 3)
    slow, quick = _names(made)[0], _names(made)[1]
    height = max(made.heights())
    made.lag_ms[slow] = 2 * TIMEOUTS.propose_ms
    assert made.run(lambda: min(made.heights()) >= height + 12, 240_000)
    rounds = _rounds(made, quick, height + 1)
    assert max(rounds) <= 1


def test_a_validator_that_comes_back_is_used_again() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 3)
    name, other = _names(made)[:2]
    made.crash(name)
    made.run(lambda: False, HOUR_MS // 6)
    made.start([name])
    height = max(made.heights())
    assert made.run(lambda: made.nodes[name].core.tip.height >= height, 60_000)
    key = made.nodes[name].key.public
    assert made.run(lambda: key in _signers(made, other), 30_000)
    height = max(made.heights())
    assert made.run(lambda: min(made.heights()) >= height + 9, 60_000)
    blocks = made.nodes[other].disk.blocks[height:]
    assert any(b.block.header.proposer == key for b in blocks)
    assert {b.commit.round for b in blocks[2:]} == {0}


def test_timers_grow_until_slow_messages_arrive_and_are_short_again_after() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 5)
    names = _names(made)
    for name in names:
        made.lag_ms[name] = 3 * TIMEOUTS.propose_ms
    height = max(made.heights())
    assert made.run(lambda: min(made.heights()) >= height + 3, 240_000)
    assert 3 <= max(_rounds(made, names[0], height)) <= 20
    for name in names:
        made.lag_ms[name] = 0
    height = max(made.heights()) + 1
    assert made.run(lambda: min(made.heights()) >= height, 60_000)
    begin = made.now_ms
    assert made.run(lambda: min(made.heights()) >= height + 5, 60_000)
    assert made.now_ms - begin < 5 * 2_000
    assert set(_rounds(made, names[0], height)) == {0}


def test_timers_stop_growing_at_the_cap_so_that_an_outage_ends_within_seconds() -> None:
    """For a long time every message takes longer than any timer waits."""
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 5)
    names = _names(made)
    for name in names:
        made.lag_ms[name] = 4 * TIMEOUTS.cap_ms
    made.run(lambda: False, HOUR_MS // 6)
    height = max(made.heights())
    rounds = made.nodes[names[0]].core.deciding.run.core.process.round
    made.run(lambda: False, 60 * TIMEOUTS.cap_ms)
    climbed = made.nodes[names[0]].core.deciding.run.core.process.round - rounds
    assert max(made.heights()) <= height + 1
    assert rounds > 20
    assert climbed >= 60 // 12
    for name in names:
        made.lag_ms[name] = 0
    begin = made.now_ms
    assert made.run(lambda: min(made.heights()) >= height + 2, 60_000)
    assert made.now_ms - begin < 12 * TIMEOUTS.cap_ms


def test_without_a_quorum_a_round_waits_and_does_not_climb() -> None:
    """As published: timers for votes start with two thirds of them, so nobody runs ahead."""
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 5)
    for name in _names(made)[:2]:
        made.crash(name)
    made.run(lambda: False, HOUR_MS)
    assert made.nodes[_names(made)[3]].core.deciding.run.core.process.round <= 1


def test_with_nothing_to_decide_blocks_come_at_the_slow_pace() -> None:
    made = network(4, empty_block_ms=30_000)
    made.start()
    assert made.run(lambda: min(made.heights()) >= 3, 120_000)
    begin, height = made.now_ms, max(made.heights())
    made.run(lambda: False, HOUR_MS)
    assert HOUR_MS // 31_000 - 2 <= max(made.heights()) - height <= HOUR_MS // 30_000 + 1
    assert made.now_ms - begin <= HOUR_MS
