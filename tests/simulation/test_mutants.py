"""The checkers can fail: defects in the running code are found, and are gone afterwards."""

import pytest

import consensus.rules
from simulator.hunt import Caught, hunt, table
from simulator.mutants import MUTANTS, applied

AT_ONCE = (
    "quorum of 2f", "no lock", "valid value not proposed", "timeout of any round",
    "skip without distinct senders", "vote counted twice", "unweighted time", "signer forgets",
)  # fmt: skip
"""What few seeds show; docs/SIMULATOR.md has the seeds of the others."""


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_defect_is_found(name: str) -> None:
    (mutant,) = [one for one in MUTANTS if one.name == name]
    assert hunt(mutant, 1, 30, nodes_max=4).seeds > 0


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_defect_is_taken_out_again(mutant: object) -> None:
    (one,) = [x for x in MUTANTS if x is mutant]
    before = [(place, name, vars(place)[name]) for place, name, _ in one.patches()]
    with applied(one):
        assert all(vars(place)[name] is not was for place, name, was in before)
    assert all(vars(place)[name] is was for place, name, was in before)
    assert consensus.rules.RULES[0] is consensus.rules.decide


def test_there_are_enough_of_them_each_in_a_place_that_exists() -> None:
    assert len(MUTANTS) >= 15
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_the_table_says_what_was_not_found() -> None:
    found = [Caught("no lock", 3, 7, "conduct", ""), Caught("quorum of 2f", 0, 0, "", "")]
    assert "| 3 (seed 7) | conduct |" in table(found)
    assert "| not found |" in table(found)
