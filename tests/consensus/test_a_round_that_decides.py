"""The good case, step by step, for proposers, followers, observers and networks of one."""

from consensus.effects import ScheduleTimeout
from consensus.inputs import Start
from consensus.messages import Step
from tests.consensus.bench import HEIGHT, Bench, core_of


def test_a_follower_prevotes_precommits_and_decides() -> None:
    a = Bench("a")
    assert [out["type"] for out in a.first] == ["timeout"]  # L20-21
    assert a.proposal(0, "X") == ["prevote 0 X"]  # L22-24
    assert a.prevotes(0, "X", "b") == []
    assert a.prevotes(0, "X", "c") == ["precommit 0 X"]  # L36-40
    assert a.precommits(0, "X", "b") == []
    assert a.precommits(0, "X", "c") == ["decide 0 X"]  # L49
    assert a.precommits(0, "X", "d") == []


def test_the_proposer_asks_for_a_value_and_proposes_it() -> None:
    a = Bench("a", turns="abcd", value=None)
    assert [out["type"] for out in a.first] == ["get_value"]  # L18
    assert a.ready(0, "X") == ["propose 0 X vr-1", "prevote 0 X"]  # L19, L22


def test_a_value_that_is_ready_for_another_round_is_not_proposed() -> None:
    a = Bench("a", turns="abcd", value=None)
    assert a.ready(1, "X") == []


def test_a_value_that_is_ready_after_the_propose_timeout_is_not_proposed() -> None:
    a = Bench("a", turns="abcd", value=None)
    assert a.timeout("propose", 0) == ["prevote 0 nil"]
    assert a.ready(0, "X") == []


def test_a_value_is_proposed_once() -> None:
    a = Bench("a", turns="abcd", value=None)
    a.ready(0, "X")
    assert a.ready(0, "Y") == []


def test_a_single_validator_decides_alone() -> None:
    a = Bench("a", powers={"a": 7}, turns="a")
    assert [out["type"] for out in a.first] == ["proposal", "prevote", "precommit", "decision"]


def test_an_observer_follows_and_decides_and_never_speaks() -> None:
    o = Bench(None)
    assert o.proposal(0, "X") == []
    assert o.prevotes(0, "X", "bcd") == []
    assert o.locked == ("X", 0)
    assert o.precommits(0, "X", "bcd") == ["decide 0 X"]


def test_a_key_outside_the_set_is_an_observer() -> None:
    z = Bench("z", turns="z")
    assert z.core.process.me is None
    assert z.first[0]["type"] == "timeout"


def test_start_is_taken_once() -> None:
    core = core_of("a")
    assert core.handle(Start(0)) == [ScheduleTimeout(Step.PROPOSE, HEIGHT, 0, 300)]
    assert core.handle(Start(1)) == []


def test_messages_before_the_start_wait_for_it() -> None:
    a = Bench("a", start=False)
    for sender in "bcd":
        a.precommits(0, "X", sender)
    a.proposal(0, "X")
    assert a.start() == ["timer propose 0", "timer precommit 0", "decide 0 X"]


def test_weighted_power_decides_not_heads() -> None:
    powers = {"a": 1, "b": 1, "c": 1, "d": 7}
    a = Bench("a", powers=powers, turns="d")
    a.proposal(0, "X")
    assert a.prevotes(0, "X", "bc") == []  # three of four heads, 3 of 10 power
    assert a.prevotes(0, "X", "d") == ["precommit 0 X"]
    assert a.precommits(0, "X", "d") == ["decide 0 X"]  # 8 of 10, two heads


def test_exactly_two_thirds_is_not_a_quorum() -> None:
    a = Bench("a", powers={"a": 1, "b": 1, "c": 1}, turns="b")
    a.proposal(0, "X")
    assert a.prevotes(0, "X", "b") == []  # 2 of 3
    assert a.prevotes(0, "X", "c") == ["precommit 0 X"]
