"""Twins scenarios: no disagreement, and with a defect there is one, so they can fail."""

import os
from itertools import islice

from simulator.mutants import MUTANTS, applied
from simulator.twins import COPIES, ROUNDS, disagreements, partitions, per_round, scripts

LIMIT = int(os.environ.get("DCN_TWINS", "1500"))


def test_whoever_leads_and_whoever_hears_whom_the_correct_agree() -> None:
    assert list(disagreements(scripts(LIMIT))) == []


def test_scripts_are_systematic_and_all_different() -> None:
    assert len(partitions()) == 16
    assert len(per_round()) == 4 * 16 * 16
    drawn = list(scripts(3_000))
    assert len(set(drawn)) == 3_000
    assert {len(script) for script in drawn} == {ROUNDS}
    assert {here.leader for script in drawn for here in script} == set("abcd")
    assert len({here.prevoting for script in drawn for here in script}) == 16
    assert len(list(scripts(2_000, rounds=1))) == len(set(scripts(2_000, rounds=1))) == 1_024
    assert COPIES[-1] == "d'"


def test_without_locks_and_with_small_quorums_they_disagree() -> None:
    for name in ("no lock", "quorum of 2f"):
        (mutant,) = [one for one in MUTANTS if one.name == name]
        with applied(mutant):
            found = list(islice(disagreements(scripts(3_000)), 1))
        assert found, name
        assert len(set(found[0][1].values())) == 2
