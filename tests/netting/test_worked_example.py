"""P1 owes P2 40 and P3 50, P3 owes P2 60: the mission's own numbers."""

import numpy as np
import pytest

from netting.certificate import Objective
from netting.errors import CertificateRefused
from netting.graph import pay_ins
from netting.round import Due, Round, freeze
from netting.settle import settle

SEED = b"seed"


@pytest.fixture
def example() -> Round:
    return freeze(
        [
            Due("a", "P1", "P2", "USD", 40),
            Due("b", "P1", "P3", "USD", 50),
            Due("c", "P3", "P2", "USD", 60),
        ]
    )


def test_it_has_no_cycle(example: Round) -> None:
    cleared = example.clear(SEED, example.certify(SEED))
    assert cleared.cancelled.tolist() == [0, 0, 0]
    assert cleared.results[0].gross == 150
    assert cleared.results[0].objective is Objective.OPTIMAL


def test_a_proposer_out_of_time_ships_what_is_marked_as_maximal() -> None:
    circle = freeze(
        [Due("1", "A", "B", "USD", 4), Due("2", "B", "C", "USD", 5)]
        + [Due("3", "C", "A", "USD", 6)]
    )
    cleared = circle.clear(SEED, circle.certify_greedily())
    assert cleared.results[0].objective is Objective.MAXIMAL
    assert cleared.cancelled.tolist() == [4, 4, 4]


def test_its_nets_and_pay_ins(example: Round) -> None:
    cleared = example.clear(SEED, example.certify(SEED))
    assert cleared.nets().tolist() == [[-90], [100], [-10]]
    assert pay_ins(cleared.nets()).tolist() == [[90], [0], [10]]


def test_everybody_funds_and_p3_needs_only_10(example: Round) -> None:
    cleared = example.clear(SEED, example.certify(SEED))
    outcome = settle(cleared.legs(), np.array([[90], [0], [10]]))
    assert outcome.discharged.all()
    assert outcome.cash.tolist() == [[-90], [100], [-10]]
    assert outcome.out == ()


def test_setting_pairs_off_first_cancels_20_and_not_30() -> None:
    """u->v 10, v->u 10, v->w 10, w->u 10: the triangle would leave v owing u what it did not."""
    round_ = freeze(
        [
            Due("1", "u", "v", "USD", 10),
            Due("2", "v", "u", "USD", 10),
            Due("3", "v", "w", "USD", 10),
            Due("4", "w", "u", "USD", 10),
        ]
    )
    cleared = round_.clear(SEED, round_.certify(SEED))
    assert cleared.results[0].set_off == 20
    assert cleared.results[0].cycled == 0
    assert cleared.cancelled.tolist() == [10, 10, 0, 0]


def test_a_certificate_of_another_round_is_refused(example: Round) -> None:
    other = freeze([Due("a", "P1", "P2", "USD", 40)])
    with pytest.raises(CertificateRefused):
        example.clear(SEED, other.certify(SEED)[:-1])
