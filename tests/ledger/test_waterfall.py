"""The waterfall alone: examples worked by hand, and what holds for any claims and resources."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.objects import RepayOrder, Tranche
from ledger.waterfall import (
    CAPITAL,
    CLASSIC,
    DCN,
    Case,
    Claim,
    Outcome,
    Resources,
    Terms,
    fall,
    repay,
)


def _claim(
    creditor: str, amount: int, im: int = 0, case: int = 1, eligible: int | None = None
) -> Claim:
    return Claim(
        creditor, "D", case, creditor, amount, im, amount if eligible is None else eligible
    )


def _lines(outcome: Outcome) -> list[tuple[str, dict[str, int], dict[str, int]]]:
    """(tranche, what each creditor gets, what each bearer bears)."""
    found = []
    for step in outcome.steps:
        paid = {outcome.claims[n].creditor: amount for n, amount in step.paid.items()}
        borne: dict[str, int] = defaultdict(int)
        for one in step.borne:
            borne[one.bearer] += one.amount
        found.append((step.tranche.name, paid, dict(borne)))
    return found


ONE_CASE = {1: Case("D", 60)}
CLAIMS = (_claim("A", 400, im=100), _claim("B", 200, im=250), _claim("C", 101, im=1))
SURVIVORS = {"A": 30, "B": 60, "C": 30, "E": 90}


def test_the_classic_order_by_hand() -> None:
    """Uncovered 300 and 100; the defaulter's 60 leave 255 + 85, capital's 40 leave 225 + 75; the
    fund's 210 leave 67 (67.5, the tie goes to A, who is paid more) and 23 (22.5)."""
    outcome = fall(CLAIMS, Resources(ONE_CASE, 40, SURVIVORS), Terms(CLASSIC))
    assert _lines(outcome) == [
        ("IM", {"A": 100, "B": 200, "C": 1}, {"D": 301}),
        ("DEFAULTER", {"A": 45, "C": 15}, {"D": 60}),
        ("CAPITAL", {"A": 30, "C": 10}, {CAPITAL: 40}),
        ("SURVIVORS", {"A": 158, "C": 52}, {"A": 30, "B": 60, "C": 30, "E": 90}),
        ("RESIDUAL", {"A": 67, "C": 23}, {"A": 67, "C": 23}),
    ]


def test_the_dcn_order_by_hand() -> None:
    """After the defaulter's 60: 255 + 85. A tenth stays: 25 + 8, then their own 30 each. 200 + 47
    are uncovered: capital's 40 are 32 + 8 (32.39, 7.61), the fund's 150 of B and E cover 122 + 28
    (168 + 39 uncovered: 121.74, 28.26)."""
    outcome = fall(CLAIMS, Resources(ONE_CASE, 40, SURVIVORS), Terms(DCN))
    assert _lines(outcome) == [
        ("IM", {"A": 100, "B": 200, "C": 1}, {"D": 301}),
        ("DEFAULTER", {"A": 45, "C": 15}, {"D": 60}),
        ("RETENTION", {"A": 25, "C": 8}, {"A": 25, "C": 8}),
        ("OWN_CONTRIBUTION", {"A": 30, "C": 30}, {"A": 30, "C": 30}),
        ("CAPITAL", {"A": 32, "C": 8}, {CAPITAL: 40}),
        ("SURVIVORS_BY_RANK", {"A": 122, "C": 28}, {"B": 60, "E": 90}),
        ("RESIDUAL", {"A": 46, "C": 11}, {"A": 46, "C": 11}),
    ]


def test_who_did_not_bid_bears_before_who_lost_and_who_won() -> None:
    resources = Resources(
        {1: Case("D", 0)}, 0, {"B": 50, "E": 50, "F": 50, "G": 50}, {"E": 2, "F": 1, "G": 3}
    )
    outcome = fall([_claim("A", 120)], resources, Terms((Tranche.SURVIVORS_BY_RANK,)))
    assert _lines(outcome) == [
        ("SURVIVORS_BY_RANK", {"A": 50}, {"B": 50}),
        ("SURVIVORS_BY_RANK", {"A": 50}, {"F": 50}),
        ("SURVIVORS_BY_RANK", {"A": 20}, {"E": 20}),
    ]
    assert [step.rank for step in outcome.steps] == [0, 1, 2]


def test_the_last_unit_goes_to_the_lowest_identifier() -> None:
    resources = Resources({1: Case("D", 10)}, 0, {})
    outcome = fall([_claim(x, 7) for x in "CAB"], resources, Terms(CLASSIC))
    assert _lines(outcome)[0] == ("DEFAULTER", {"A": 4, "B": 3, "C": 3}, {"D": 10})


def test_simultaneous_cases_share_a_tranche_pro_rata() -> None:
    """90 of capital over 200 + 100 uncovered; each defaulter's contribution is for its own case."""
    cases = {1: Case("D", 50), 2: Case("E", 0)}
    claims = [_claim("A", 250, case=1), _claim("B", 100, case=2)]
    outcome = fall(claims, Resources(cases, 90, {}), Terms(CLASSIC))
    assert _lines(outcome)[:2] == [
        ("DEFAULTER", {"A": 50}, {"D": 50}),
        ("CAPITAL", {"A": 60, "B": 30}, {CAPITAL: 90}),
    ]
    assert [tuple(one) for one in outcome.steps[1].borne] == [(1, CAPITAL, 60), (2, CAPITAL, 30)]


def test_an_estate_uses_the_margin_held_for_it_and_no_mutual_tranche() -> None:
    claims = [_claim("A", 100, im=10), _claim("E", 100, im=10, eligible=0)]
    resources = Resources({1: Case("D", 20)}, 30, {"A": 25})
    outcome = fall(claims, resources, Terms(CLASSIC))
    assert _lines(outcome) == [
        ("IM", {"A": 10, "E": 10}, {"D": 20}),
        ("DEFAULTER", {"A": 20}, {"D": 20}),
        ("CAPITAL", {"A": 30}, {CAPITAL: 30}),
        ("SURVIVORS", {"A": 25}, {"A": 25}),
        ("RESIDUAL", {"A": 15, "E": 90}, {"A": 15, "E": 90}),
    ]


def test_what_the_fund_does_not_cover_is_a_residual_and_margin_counts_first_for_the_rest() -> None:
    """Of 100, 40 are from contracts that the fund does not cover, and 50 of margin is held: the
    fund pays 10, as if the 40 did not exist."""
    outcome = fall(
        [_claim("A", 100, im=50, eligible=60)],
        Resources({1: Case("D", 0)}, 0, {"B": 500}),
        Terms(CLASSIC),
    )
    assert _lines(outcome) == [
        ("IM", {"A": 50}, {"D": 50}),
        ("SURVIVORS", {"A": 10}, {"B": 10}),
        ("RESIDUAL", {"A": 40}, {"A": 40}),
    ]


def test_cash_calls_and_haircuts_are_capped_and_what_a_cap_leaves_is_not_reallocated() -> None:
    """Called: 49 (98 * 15 / 30) of B, capped at 7 (15 * 50 % floored), likewise C. Gains of 21 are
    cut by 10 (50 % floored): 5 + 5, the tie of the last unit at B."""
    order = (Tranche.CASH_CALL, Tranche.GAINS_HAIRCUT)
    resources = Resources(
        {1: Case("D", 0)}, 0, {"B": 15, "C": 15}, gains={"B": 11, "C": 10, "E": 0}
    )
    terms = Terms(order, cash_call_cap_bps=5_000, gains_cap_bps=5_000)
    assert _lines(fall([_claim("A", 98)], resources, terms)) == [
        ("CASH_CALL", {"A": 14}, {"B": 7, "C": 7}),
        ("GAINS_HAIRCUT", {"A": 10}, {"B": 5, "C": 5}),
        ("RESIDUAL", {"A": 74}, {"A": 74}),
    ]


def test_a_recovery_repays_in_reverse_order_pro_rata_within_a_tranche() -> None:
    borne = [(2, 30), (3, 100), (4, 50), (4, 101)]
    assert repay(100, borne, RepayOrder.REVERSE) == [0, 0, 33, 67]
    assert repay(200, borne, RepayOrder.REVERSE) == [0, 49, 50, 101]
    assert repay(500, borne, RepayOrder.REVERSE) == [30, 100, 50, 101]
    assert repay(28, borne, RepayOrder.PRO_RATA) == [3, 10, 5, 10]


NAMES = st.sampled_from("ABCDEFGH")
AMOUNTS = st.sampled_from([0, 1, 2, 3, 10**18]) | st.integers(0, 1_000)
ORDERS = st.sampled_from([CLASSIC, DCN]) | st.lists(
    st.sampled_from([tranche for tranche in Tranche if tranche != Tranche.RESIDUAL]),
    unique=True,
    max_size=9,
).map(tuple)


@st.composite
def _problems(draw: st.DrawFn) -> tuple[list[Claim], Resources, Terms]:
    cases = {
        number: Case(f"X{number}", draw(AMOUNTS)) for number in range(1, draw(st.integers(2, 4)))
    }
    slots = draw(st.lists(st.tuples(NAMES, st.sampled_from(sorted(cases))), unique=True))
    claims = []
    for creditor, case in slots:
        amount = draw(AMOUNTS)
        eligible = draw(st.sampled_from([0, amount, amount // 2]))
        claims.append(Claim(creditor, "D", case, creditor, amount, draw(AMOUNTS), eligible))
    resources = Resources(
        cases,
        draw(AMOUNTS),
        draw(st.dictionaries(NAMES, AMOUNTS)),
        draw(st.dictionaries(NAMES, st.integers(0, 3))),
        draw(st.dictionaries(NAMES, AMOUNTS)),
    )
    bps = st.sampled_from([0, 1, 1_000, 5_000, 10_000])
    return claims, resources, Terms(draw(ORDERS), draw(bps), draw(bps), draw(bps))


@given(problem=_problems())
@settings(max_examples=400)
def test_every_loss_is_borne_to_the_unit_and_no_bearer_beyond_what_it_has(
    problem: tuple[list[Claim], Resources, Terms],
) -> None:
    claims, resources, terms = problem
    outcome = fall(claims, resources, terms)
    paid: dict[int, int] = defaultdict(int)
    by_tranche: dict[tuple[Tranche, str], int] = defaultdict(int)
    shared_out: dict[int, int] = defaultdict(int)
    for step in outcome.steps:
        for number in resources.cases:
            to_claims = sum(x for n, x in step.paid.items() if outcome.claims[n].case == number)
            assert to_claims == sum(one.amount for one in step.borne if one.case == number)
        for n, amount in step.paid.items():
            assert amount > 0
            paid[n] += amount
            if step.tranche not in (Tranche.IM, Tranche.RESIDUAL):
                shared_out[n] += amount
        for one in step.borne:
            by_tranche[step.tranche, one.bearer] += one.amount
    assert [paid[n] for n in range(len(claims))] == [claim.amount for claim in outcome.claims]
    for n, claim in enumerate(outcome.claims):
        assert shared_out[n] <= claim.eligible
    for (tranche, _), amount in by_tranche.items():
        if tranche == Tranche.CAPITAL:
            assert amount <= resources.capital
    funds = (Tranche.OWN_CONTRIBUTION, Tranche.SURVIVORS, Tranche.SURVIVORS_BY_RANK)
    for member, contribution in resources.contributions.items():
        assert sum(by_tranche[tranche, member] for tranche in funds) <= contribution
    for case in resources.cases.values():
        assert by_tranche[Tranche.DEFAULTER, case.defaulter] <= case.contribution


@given(problem=_problems(), seed=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_the_order_in_which_claims_are_told_changes_nothing(
    problem: tuple[list[Claim], Resources, Terms], seed: object
) -> None:
    claims, resources, terms = problem
    again = list(claims)
    seed.shuffle(again)  # type: ignore[attr-defined]
    assert fall(again, resources, terms) == fall(claims, resources, terms)


@given(problem=_problems())
@settings(max_examples=200)
def test_the_next_tranche_is_touched_only_when_the_one_before_is_used_up(
    problem: tuple[list[Claim], Resources, Terms],
) -> None:
    claims, resources, _ = problem
    outcome = fall(claims, resources, Terms(CLASSIC))
    used = {step.tranche: sum(one.amount for one in step.borne) for step in outcome.steps}
    if used.get(Tranche.SURVIVORS):
        assert used.get(Tranche.CAPITAL, 0) == resources.capital
    whole = dict.fromkeys(range(len(outcome.claims)), 0)
    for step in outcome.steps:
        if step.tranche == Tranche.RESIDUAL:
            whole |= step.paid
    covered = all(
        whole[n] <= c.amount - c.eligible for n, c in enumerate(outcome.claims) if not c.im
    )
    if not covered:
        assert used.get(Tranche.SURVIVORS, 0) == sum(resources.contributions.values())


@given(
    amount=AMOUNTS,
    borne=st.lists(st.tuples(st.integers(0, 5), AMOUNTS), max_size=8),
    order=st.sampled_from(RepayOrder),
)
def test_nobody_is_repaid_more_than_it_bore_and_nothing_is_lost(
    amount: int, borne: list[tuple[int, int]], order: RepayOrder
) -> None:
    shares = repay(amount, borne, order)
    assert all(0 <= share <= open_ for share, (_, open_) in zip(shares, borne, strict=True))
    assert sum(shares) == min(amount, sum(open_ for _, open_ in borne))


def test_residuals_are_no_tranche_of_an_order() -> None:
    with pytest.raises(AssertionError):
        fall([], Resources({}, 0, {}), Terms((Tranche.RESIDUAL,)))
