"""Recorded steps: the documented form, really signed, judged by the one rule."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from node.light.errors import BadTrustOptions
from node.light.steps import BadSteps, read_steps, replay

DOCUMENT = Path(__file__).parents[2] / "docs" / "LIGHT.md"
ABCD = dict.fromkeys("abcd", 50)


def judged(block: dict[str, Any], **changes: Any) -> str:
    """The verdict on one block after a trusted block 1 by a, b, c and d."""
    initial = {"height": 1, "time_ms": 1_000, "validators": ABCD, "next_validators": ABCD}
    given = {
        "chain_id": "test-chain",
        "trusting_period_ms": 1_400_000,
        "clock_drift_ms": 1_000,
        "initial": initial,
        "steps": [{"now_ms": 10_000, "block": {**initial, "time_ms": 4_000, **block}}],
    }
    [result] = replay(read_steps(json.dumps(given | changes).encode()))
    return str(result.verdict.answer)


def test_each_deliberate_error_is_judged() -> None:
    assert judged({"height": 4}) == "SUCCESS"
    assert judged({"height": 4, "commit": {"signers": ["a", "b", "c"]}}) == "SUCCESS"
    assert judged({"height": 4, "commit": {"round": 7}}) == "SUCCESS"
    invalid: list[dict[str, Any]] = [
        {"signers": ["a", "b"]},
        {"signers": ["a", "b", "c", "c"]},
        {"signers": ["a", "b", "c", "x"]},
        {"signers": []},
        {"bad_signatures": ["d"]},
        {"kind": 1},
        {"height": 5},
        {"block": None},
        {"block": "another"},
    ]
    for commit in invalid:
        assert judged({"height": 4, "commit": commit}) == "INVALID", commit
    blocks: list[dict[str, Any]] = [
        {"height": 1},
        {"time_ms": 1_000},
        {"time_ms": 11_000},
        {"chain_id": "other"},
        {"validators": {}},
        {"header_validators": {"a": 1}},
        {"header_next_validators": {"a": 1}},
    ]
    for block in blocks:
        assert judged({"height": 4, **block}) == "INVALID", block
    assert judged({"height": 4, "validators": {"x": 1}}) == "NOT_ENOUGH_TRUST"
    assert judged({"height": 2, "validators": {"x": 1}}) == "INVALID"


def test_trust_moves_on_with_success_only() -> None:
    def block(height: int, name: str, following: str) -> dict[str, Any]:
        named = {"validators": {name: 1}, "next_validators": {following: 1}}
        return {"height": height, "time_ms": height * 1_000, **named}

    given = {
        "chain_id": "test-chain",
        "trusting_period_ms": 1_400_000,
        "initial": block(1, "a", "b"),
        "steps": [
            {"now_ms": 9_000, "block": block(3, "c", "d"), "verdict": "NOT_ENOUGH_TRUST"},
            {"now_ms": 9_000, "block": block(2, "c", "c"), "verdict": "INVALID"},
            {"now_ms": 9_000, "block": block(2, "b", "c"), "verdict": "SUCCESS"},
            {"now_ms": 9_000, "block": block(3, "c", "d"), "verdict": "SUCCESS"},
        ],
    }
    results = replay(read_steps(json.dumps(given).encode()))
    assert [result.trusted_height for result in results] == [1, 1, 1, 2]
    assert all(result.agrees for result in results)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"chain_id": 1}', "[" * 5_000, "\udc80"])
def test_other_text_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(BadSteps):
        read_steps(text.encode("utf-8", "surrogatepass"))


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(BadSteps, match="unknown"):
        judged({"height": 4, "colour": "red"})
    with pytest.raises(BadTrustOptions):
        judged({"height": 4}, trust_level=[1, 4])


def test_the_example_of_the_document_is_judged_as_it_says() -> None:
    [example] = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    results = replay(read_steps(example.encode()))
    assert {str(result.expected) for result in results} == {
        "SUCCESS",
        "NOT_ENOUGH_TRUST",
        "INVALID",
    }
    assert all(result.agrees for result in results)
