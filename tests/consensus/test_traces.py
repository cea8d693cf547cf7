"""Recorded traces drive one core from outside: the ten lines of docs/CONSENSUS.md, and more."""

import re
from pathlib import Path

import pytest

from consensus.messages import Step
from consensus.trace import Trace
from tests.consensus.bench import FOUR, HEIGHT, TIMEOUTS, Bench, line

DOC = Path(__file__).parents[2] / "docs" / "CONSENSUS.md"


def test_the_code_in_the_documentation_runs() -> None:
    code = re.search(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert code is not None
    scope: dict[str, object] = {}
    exec(code.group(1), scope)
    assert isinstance(scope["out"], list)
    assert scope["out"][-1] == [{"type": "decision", "height": 1, "round": 0, "value": "v"}]


def trace(**options: object) -> Trace:
    return Trace(FOUR, "a", lambda height, round_: "abcd"[(height + round_) % 4], **options)  # type: ignore[arg-type]


def test_events_of_a_later_height_wait_for_its_start() -> None:
    t = trace()
    t.feed({"type": "start", "height": 1})
    ahead = {"type": "precommit", "height": 2, "round": 0, "value": "v", "from": "b"}
    assert t.feed(ahead) == []
    later = t.feed_all([{**ahead, "from": sender} for sender in "cd"])
    assert later == [[], []]
    assert [line(out) for out in t.feed({"type": "start", "height": 2})] == [
        "timer propose 0",
        "timer precommit 0",
    ]


def test_events_of_an_earlier_height_are_nothing() -> None:
    t = trace()
    t.feed({"type": "start", "height": 2})
    vote = {"type": "prevote", "height": 1, "round": 0, "value": None, "from": "b"}
    assert t.feed(vote) == []
    assert t.core is not None
    assert t.core.process.log.prevotes.votes == {}


def test_the_next_height_starts_by_itself_if_wanted() -> None:
    alone = Trace({"a": 1}, "a", lambda _height, _round: "a", next_height=True)
    values = iter(["one", "two", None])
    alone._value = lambda _height, _round: next(values)
    out = [line(event) for event in alone.feed({"type": "start", "height": 1})]
    assert [text for text in out if text.startswith(("decide", "get"))] == [
        "decide 0 one",
        "decide 0 two",
        "get 0",
    ]


def test_the_proposers_own_timer_is_shown_only_if_wanted() -> None:
    assert [line(out) for out in Bench("a", turns="a", value=None).first] == ["get 0"]
    t = trace(proposer_timer=True, value=lambda _height, _round: None)
    out = t.feed({"type": "start", "height": 4})
    assert [line(event) for event in out] == ["get 0", "timer propose 0"]


def test_the_cap_and_growth_of_timers_come_with_the_parameters() -> None:
    t = trace(timeouts=TIMEOUTS)
    assert t.feed({"type": "start", "height": 1})[0]["duration_ms"] == 300
    later = t.feed({"type": "timeout", "step": "precommit", "height": 1, "round": 0})
    assert later[0]["duration_ms"] == TIMEOUTS.duration_ms(Step.PROPOSE, 1)


def test_a_message_that_no_correct_validator_sends_changes_nothing() -> None:
    a = Bench("a")
    assert a.proposal(0, "X", by="c") == []
    assert a.prevotes(0, "X", "z") == []
    assert a.certificate("precommit", 0, "X", "bc") == []
    assert a.core.process.log.speakers == {}


def test_an_unknown_event_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown event"):
        Bench("a").said({"type": "gossip", "height": HEIGHT})


def test_events_without_a_start_wait() -> None:
    assert trace().feed({"type": "timeout", "step": "propose", "height": 1, "round": 0}) == []
