"""A round from obligations to settlement: what netting promises its members."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netting.cycles import count, decompose, discharges
from netting.errors import BadObligations, CertificateRefused
from netting.graph import Graph, aggregate, edges_of, exact_sum, nets, set_off
from netting.round import Due, Obligation, freeze
from netting.settle import settle
from netting.solve import solve
from tests.netting.markets import (
    EXAMPLES,
    SEED,
    Rows,
    amounts,
    graph_of,
    ids_of,
    row_markets,
)


@st.composite
def obligations(draw: st.DrawFn) -> list[Due]:
    """Up to six members, two assets; some obligations are legs of instructions."""
    count = draw(st.integers(0, 30))
    found = []
    for number in range(count):
        debtor = draw(st.integers(0, 5))
        creditor = (debtor + draw(st.integers(1, 5))) % 6
        asset = draw(st.sampled_from(["EUR", "USD"]))
        joins = draw(st.sampled_from([None, None, None, "dvp-1", "pvp-2"]))
        due = draw(st.integers(0, 3))
        amount = draw(amounts)
        found.append(Due(f"{number:03d}", f"M{debtor}", f"M{creditor}", asset, amount, due, joins))
    return found


def bilateral(owed: list[tuple[Obligation, int]]) -> Counter[tuple[object, object, str]]:
    """Net claims per ordered pair and asset, the positive ones."""
    claims: Counter[tuple[object, object, str]] = Counter()
    for one, amount in owed:
        claims[one.creditor, one.debtor, one.asset] += amount
        claims[one.debtor, one.creditor, one.asset] -= amount
    return +claims


@settings(max_examples=EXAMPLES, deadline=None)
@given(obligations())
def test_no_net_position_changes_and_no_pairs_claim_rises(owed: list[Due]) -> None:
    round_ = freeze(owed)
    cleared = round_.clear(SEED, round_.certify(SEED))
    assert (cleared.cancelled >= 0).all()
    assert (cleared.cancelled <= round_.legs.amount).all()
    # A leg of an instruction is exchanged against value: it is no exposure of the pair.
    pairs = zip(round_.obligations, cleared.cancelled.tolist(), strict=True)
    plain = [(one, cut) for one, cut in pairs if one.instruction is None]
    before = bilateral([(one, one.amount) for one, _ in plain])
    after = bilateral([(one, one.amount - cut) for one, cut in plain])
    for pair, claim in after.items():
        assert claim <= before[pair]
    assert (settle(cleared.legs(), np.maximum(-cleared.nets(), 0)).cash == cleared.nets()).all()


@settings(max_examples=EXAMPLES, deadline=None)
@given(obligations(), st.lists(st.integers(0, 10**13), min_size=12, max_size=12))
def test_a_failure_costs_a_claim_only_to_those_who_dealt_with_it(
    owed: list[Due], cash: list[int]
) -> None:
    round_ = freeze(owed)
    cleared = round_.clear(SEED, round_.certify(SEED))
    legs = cleared.legs()
    free_cash = np.array(cash, np.int64)[: legs.n * legs.assets].reshape(legs.n, legs.assets)
    outcome = settle(legs, free_cash)
    assert (free_cash + outcome.cash >= 0).all()
    for leg, culprit in zip(outcome.late.tolist(), outcome.late_because_of.tolist(), strict=True):
        one = round_.obligations[leg]
        name = round_.participants[culprit]
        linked = {
            party
            for other in round_.obligations
            if other is one or (one.instruction and other.instruction == one.instruction)
            for party in (other.debtor, other.creditor)
        }
        assert name in linked


@settings(max_examples=EXAMPLES, deadline=None)
@given(obligations(), st.randoms(use_true_random=False))
def test_everybody_freezes_the_same_round_in_whatever_order(
    owed: list[Due], chance: random.Random
) -> None:
    round_, shuffled = freeze(owed), list(owed)
    chance.shuffle(shuffled)
    again = freeze(shuffled)
    assert again.obligations == round_.obligations
    assert again.certify(SEED) == round_.certify(SEED)


@settings(max_examples=EXAMPLES, deadline=None)
@given(obligations(), st.sets(st.sampled_from([f"M{n}" for n in range(6)]), max_size=3))
def test_who_stays_out_beforehand_takes_no_leg_of_anybody_else_apart(
    owed: list[Due], out: set[str]
) -> None:
    joining = set(freeze(owed, out).obligations)
    for one in owed:
        together = [one] if one.instruction is None else []
        together += [x for x in owed if one.instruction and x.instruction == one.instruction]
        touched = any(out & {str(x.debtor), str(x.creditor)} for x in together)
        assert (one in joining) == (not touched)


def test_client_accounts_are_participants_of_their_own() -> None:
    """A client's debt cancels against its claims, not against those of its member's house."""
    own, client = "5299000J2N45DDNE4Y28", "5299000J2N45DDNE4Y28:C1"
    owed = [Due("1", client, "B", "USD", 10), Due("2", "B", own, "USD", 10)]
    round_ = freeze(owed)
    assert round_.participants == (own, client, "B")
    assert not round_.clear(SEED, round_.certify(SEED)).cancelled.any()


@settings(max_examples=EXAMPLES, deadline=None)
@given(obligations())
def test_instructions_are_not_cancelled_in_cycles(owed: list[Due]) -> None:
    round_ = freeze(owed)
    cleared = round_.clear(SEED, round_.certify(SEED))
    for one, cut in zip(round_.obligations, cleared.cancelled.tolist(), strict=True):
        assert cut == 0 or one.instruction is None


def test_the_oldest_obligation_of_a_pair_is_discharged_first() -> None:
    owed = [
        Due("young", "A", "B", "USD", 10, due=2),
        Due("old", "A", "B", "USD", 10, due=1),
        Due("back", "B", "A", "USD", 13, due=3),
    ]
    round_ = freeze(owed)
    cleared = round_.clear(SEED, round_.certify(SEED))
    ids = [one.id for one in round_.obligations]
    assert dict(zip(ids, cleared.cancelled.tolist(), strict=True)) == {
        "old": 10,
        "young": 3,
        "back": 13,
    }


@pytest.mark.parametrize(
    ("owed", "why"),
    [
        ([Due("1", "A", "A", "USD", 1)], "owes itself"),
        ([Due("1", "A", "B", "USD", 0)], "amounts"),
        ([Due("1", "A", "B", "USD", 1 << 62)], "amounts"),
        ([Due("1", "A", "B", "USD", -(1 << 70))], "amounts"),
        ([Due("1", "A", "B", "USD", 1), Due("1", "B", "A", "USD", 1)], "twice"),
        ([Due("1", "A", "A", "USD", 1, instruction="dvp")], "owes itself"),
    ],
)
def test_what_cannot_be_netted_is_refused(owed: list[Due], why: str) -> None:
    with pytest.raises(BadObligations, match=why):
        freeze(owed)


def test_a_participants_gross_stays_below_2_to_62() -> None:
    big = (1 << 61) - 1
    graph_of(4, [(0, 1, big), (1, 0, big), (2, 3, big), (2, 1, 1)])
    with pytest.raises(BadObligations, match="gross of participant 1"):
        graph_of(4, [(0, 1, big), (1, 0, big), (2, 3, big), (2, 1, 2)])


def test_a_participant_who_is_not_there_is_refused() -> None:
    with pytest.raises(BadObligations, match="numbered 0 to 1"):
        graph_of(2, [(0, 2, 1)])


def test_certificates_of_fewer_assets_are_refused() -> None:
    round_ = freeze([Due("1", "A", "B", "USD", 1), Due("2", "A", "B", "EUR", 1)])
    certificate = round_.certify(SEED)
    for bad in (b"", certificate[:-1], certificate + b"\x00", b"\xff" * 20):
        with pytest.raises(CertificateRefused):
            round_.clear(SEED, bad)


def test_an_empty_round_clears_nothing() -> None:
    round_ = freeze([])
    cleared = round_.clear(SEED, round_.certify(SEED))
    assert cleared.results == ()
    assert settle(cleared.legs(), cleared.nets()).out == ()


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets())
def test_setting_off_leaves_one_direction_and_every_net(market: Rows) -> None:
    graph = market.graph()
    rest = set_off(graph)
    left = set(zip(rest.graph.debtor.tolist(), rest.graph.creditor.tolist(), strict=True))
    assert not any((creditor, debtor) in left for debtor, creditor in left)
    assert (nets(rest.graph) == nets(graph)).all()
    back = graph.amount - rest.cancelled
    assert (back[rest.kept] == rest.graph.amount).all()
    assert exact_sum(back) == exact_sum(rest.graph.amount)


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets())
def test_aggregating_adds_up_each_ordered_pair(market: Rows) -> None:
    expected: Counter[tuple[int, int]] = Counter()
    for debtor, creditor, amount in market.rows:
        expected[debtor, creditor] += amount
    graph = market.graph()
    pairs = list(zip(graph.debtor.tolist(), graph.creditor.tolist(), strict=True))
    assert pairs == sorted(expected)
    assert graph.amount.tolist() == [expected[pair] for pair in pairs]


@settings(max_examples=EXAMPLES, deadline=None)
@given(row_markets())
def test_cycles_add_up_to_the_flows_and_discharge_what_was_allotted(market: Rows) -> None:
    table = np.array(market.rows, np.int64).reshape(-1, 3)
    round_ = freeze(
        [
            Due(f"{place:03d}", b"%d" % debtor, b"%d" % creditor, "USD", amount)
            for place, (debtor, creditor, amount) in enumerate(market.rows)
        ]
    )
    cleared = round_.clear(SEED, round_.certify(SEED))
    graph = aggregate(market.n, table[:, 0], table[:, 1], table[:, 2])
    flows = np.zeros(graph.pairs, np.int64)
    edge = edges_of(graph, table[:, 0], table[:, 1])
    np.add.at(flows, edge, cleared.cancelled)

    cycles = decompose(graph, flows)
    assert count(graph, flows) == len(cycles) <= graph.pairs
    total = np.zeros(graph.pairs, np.int64)
    for cycle in cycles:
        assert len(set(cycle.members)) == len(cycle.members) >= 2
        assert cycle.members[0] == min(cycle.members)
        for here, there in pairwise((*cycle.edges, cycle.edges[0])):
            assert graph.creditor[here] == graph.debtor[there]
        assert graph.debtor[list(cycle.edges)].tolist() == list(cycle.members)
        total[list(cycle.edges)] += cycle.amount
    assert (total == flows).all()

    record = discharges(cycles, edge, cleared.cancelled)
    discharged = np.zeros(len(edge), np.int64)
    for part in record:
        assert part.amount > 0
        assert int(edge[part.obligation]) in cycles[part.cycle].edges
        discharged[part.obligation] += part.amount
    assert (discharged == cleared.cancelled).all()


def test_a_pair_is_a_cycle_of_two() -> None:
    graph = graph_of(2, [(0, 1, 5), (1, 0, 5)])
    (cycle,) = decompose(graph, graph.amount)
    assert (cycle.members, cycle.edges, cycle.amount) == ((0, 1), (0, 1), 5)


def test_flows_that_are_no_circulation_have_no_cycles() -> None:
    graph = graph_of(2, [(0, 1, 5)])
    with pytest.raises(AssertionError, match="circulation"):
        decompose(graph, graph.amount)


def test_solving_works_in_another_process() -> None:
    """The shell runs the solver in a process of its own, under a time box."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    graph: Graph = graph_of(3, [(0, 1, 5), (1, 2, 7), (2, 0, 9)])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        elsewhere = worker.submit(solve, graph, ids_of(3), SEED).result(timeout=60)
    assert elsewhere == solve(graph, ids_of(3), SEED)
