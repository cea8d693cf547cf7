"""Why validators lock: a decided X in round 0 and was cut off; d lies; b and c must not decide Y.

The same play with a defect in the rules ends in two decisions, so it can fail.
"""

from collections.abc import Callable

import pytest

import consensus.rules
from consensus.messages import NO_ROUND
from consensus.process import Process
from consensus.rules import RULES, Rule, lock, precommit_nil, prevote_fresh
from tests.consensus.bench import Bench


def decisions() -> dict[str, str]:
    """Proposers are a, d, d: a's X in round 0, d silent in round 1, d's Y in round 2."""
    cast = {name: Bench(name, turns="add", value="X") for name in "abc"}
    b, c = cast["b"], cast["c"]
    for name in "bc":
        assert cast[name].proposal(0, "X") == ["prevote 0 X"]
    for name, bench in cast.items():
        bench.prevotes(0, "X", "abcd".replace(name, ""))
        assert bench.locked == ("X", 0) or consensus.rules.RULES is not RULES
    cast["a"].precommits(0, "X", "bd")  # a decides, alone
    for name in "bc":
        cast[name].precommits(0, "nil", "d")
    b.precommits(0, "X", "c")
    c.precommits(0, "X", "b")
    for bench in (b, c):
        bench.timeout("precommit", 0)
        bench.timeout("propose", 1)
    for name, bench in (("b", b), ("c", c)):
        other = "c" if name == "b" else "b"
        bench.prevotes(1, "nil", other + "d")
        bench.precommits(1, "nil", other + "d")
        bench.timeout("precommit", 1)
        bench.proposal(2, "Y")
    for kind in ("prevote", "precommit"):
        said = {name: _vote_of(cast[name], kind) for name in "bc"}
        for name, bench in (("b", b), ("c", c)):
            other = "c" if name == "b" else "b"
            votes = bench.prevotes if kind == "prevote" else bench.precommits
            votes(2, said[other], other)
            votes(2, "Y", "d")
    return {
        name: bench.core.decision.block_id.decode()
        for name, bench in cast.items()
        if bench.core.decision is not None
    }


def _vote_of(bench: Bench, kind: str) -> str:
    log = bench.core.process.log
    votes = log.prevotes.votes if kind == "prevote" else log.precommits.votes
    me = bench.core.process.me
    assert me is not None
    block_id = votes[me].block_id if me in votes else None
    return "nil" if block_id is None else block_id.decode()


def test_the_locked_do_not_decide_another_block() -> None:
    assert decisions() == {"a": "X"}


def unlocked(process: Process) -> None:
    process.locked_value, process.locked_round = None, NO_ROUND


def never_locks(process: Process) -> bool:
    fired = lock(process)
    unlocked(process)
    return fired


def unlocks_on_nil(process: Process) -> bool:
    fired = precommit_nil(process)
    if fired:
        unlocked(process)
    return fired


def ignores_its_lock(process: Process) -> bool:
    kept = process.locked_value, process.locked_round
    unlocked(process)
    fired = prevote_fresh(process)
    process.locked_value, process.locked_round = kept
    return fired


@pytest.mark.parametrize(
    ("rule", "defect"),
    [(lock, never_locks), (precommit_nil, unlocks_on_nil), (prevote_fresh, ignores_its_lock)],
)
def test_without_the_lock_they_do(
    monkeypatch: pytest.MonkeyPatch, rule: Rule, defect: Callable[[Process], bool]
) -> None:
    monkeypatch.setattr(consensus.rules, "RULES", tuple(defect if r is rule else r for r in RULES))
    assert decisions() == {"a": "X", "b": "Y", "c": "Y"}
