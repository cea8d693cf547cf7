"""Netting rounds on the ledger, from the freeze to settlement, in cents."""

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.apply import Applied
from ledger.events import RoundCleared, RoundFrozen, RoundSettled
from ledger.receipts import RoundResult, results_root
from ledger.rounds import due_for_clearing, pending, problem
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire import merkle
from wire.codec import encode

D1, D2, D3 = CALENDAR[:3]


def owe(world: World, *debts: tuple[Identity, Identity, int]) -> None:
    """Trades after which, at a mark of 1.000, each debtor owes its creditor that many cents."""
    world.must(*[world.trade(debtor, creditor, n, 1_010) for debtor, creditor, n in debts])


def events(applied: list[Applied], kind: type) -> list[object]:
    return [event for one in applied for event in one.events if isinstance(event, kind)]


def mission(world: World) -> tuple[Identity, Identity, Identity]:
    """P1 owes P2 40 and P3 50, P3 owes P2 60."""
    p1, p2, p3 = world.members
    owe(world, (p1, p2, 40), (p1, p3, 50), (p3, p2, 60))
    return p1, p2, p3


def test_the_missions_example_p3_needs_ten_of_its_own() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, p3 = mission(world)
    world.must(world.mint(p1, 90), world.mint(p3, 10))
    frozen = world.close(D1, AAA=1_000)
    assert world.obligations() == {
        (p1.lei, p2.lei): 40,
        (p1.lei, p3.lei): 50,
        (p3.lei, p2.lei): 60,
    }
    assert RoundFrozen(1, 3) in frozen.events
    world.apply()
    cleared = world.apply()
    figures = o.RoundFigures(USD, 150, 0, 0, 1, 150, 0, 0)
    assert cleared.events == (RoundCleared(1, (figures,)),)
    pay_ins = {t.PAY_INS.parts(key)[1]: row.amount for key, row in world.state.scan(t.PAY_INS)}
    assert pay_ins == {p1.lei: 90, p3.lei: 10}
    assert world.apply().events == ()
    settled = world.apply()
    figures = o.RoundFigures(USD, 150, 0, 0, 1, 150, 150, 100)
    assert settled.events[-1] == RoundSettled(1, (figures,), (), ())
    assert [x.state for x in settled.events[:-1]] == [o.CallState.SETTLED] * 3
    assert [world.cash(x) for x in (p1, p2, p3)] == [0, 100, 0]
    assert world.obligations() == {}
    assert world.state.scan(t.PAY_INS) == []
    assert world.state.scan(t.FLOWS) == []
    assert sorted(x.settled for x in settled.results) == [40, 50, 60]
    assert all(x.because_of is None and x.cancelled == 0 for x in settled.results)


def test_the_freeze_is_the_root_of_the_frozen_obligations() -> None:
    world = World(maturity=CALENDAR[4])
    mission(world)
    world.close(D1, AAA=1_000)
    ((_, row),) = world.state.scan(t.ROUNDS)
    assert row.state == o.RoundState.FROZEN
    rows = [world.state.must(t.OBLIGATIONS, t.OBLIGATIONS.key(i)) for i in row.obligations]
    assert all(entry.state == o.ObligationState.FROZEN for entry in rows)
    leaves = [encode((i, entry)) for i, entry in zip(row.obligations, rows, strict=True)]
    assert row.root == merkle.root(leaves)
    assert (row.freeze_height, row.settle_height, pending(world.state)) == (2, 6, 1)
    assert due_for_clearing(world.state, 3) == []
    assert row.links == (world.blocks[-1].seed_link,)
    world.apply()
    (row,) = due_for_clearing(world.state, 4)
    assert row.links == tuple(block.seed_link for block in world.blocks[-2:])


def test_a_cycle_needs_no_cash_at_all() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    owe(world, (a, b, 30), (b, c, 30), (c, a, 30))
    world.close(D1, AAA=1_000)
    applied = world.settle()
    (event,) = events(applied, RoundSettled)
    assert event == RoundSettled(1, (o.RoundFigures(USD, 90, 0, 90, 1, 0, 0, 0),), (), ())
    assert world.obligations() == {}
    assert [x.cancelled for x in applied[-1].results] == [30, 30, 30]


def test_of_an_uneven_cycle_the_smallest_debt_is_cancelled_all_around() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    owe(world, (a, b, 30), (b, c, 50), (c, a, 40))
    world.must(world.mint(b, 20))
    world.close(D1, AAA=1_000)
    (event,) = events(world.settle(), RoundSettled)
    assert event == RoundSettled(1, (o.RoundFigures(USD, 120, 0, 90, 1, 30, 30, 20),), (), ())
    assert [world.cash(x) for x in (a, b, c)] == [10, 0, 10]


def test_a_member_without_cash_fails_and_what_touches_it_stays_open_both_ways() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, p3 = mission(world)
    world.must(world.mint(p1, 89), world.mint(p3, 10))
    world.close(D1, AAA=1_000)
    applied = world.settle()
    (event,) = events(applied, RoundSettled)
    assert isinstance(event, RoundSettled)
    assert event.failed == (p1.lei,)
    assert event.liquidity_events == (p3.lei,)
    assert [world.cash(x) for x in (p1, p2, p3)] == [89, 0, 10]
    states = {(row.debtor, row.creditor): row.state for _, row in world.state.scan(t.OBLIGATIONS)}
    assert states == {
        (p1.lei, p2.lei): o.ObligationState.FAILED,
        (p1.lei, p3.lei): o.ObligationState.FAILED,
        (p3.lei, p2.lei): o.ObligationState.LATE,
    }
    because = {(x.debtor, x.creditor): x.because_of for x in applied[-1].results}
    assert because == {
        (p1.lei, p2.lei): p1.lei,
        (p1.lei, p3.lei): p1.lei,
        (p3.lei, p2.lei): p3.lei,
    }


def test_who_can_pay_without_the_failed_member_still_pays() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, p3 = mission(world)
    world.must(world.mint(p3, 60))
    world.close(D1, AAA=1_000)
    (event,) = events(world.settle(), RoundSettled)
    assert isinstance(event, RoundSettled)
    assert (event.failed, event.liquidity_events) == ((p1.lei,), ())
    assert world.cash(p2) == 60
    assert world.obligations() == {(p1.lei, p2.lei): 40, (p1.lei, p3.lei): 50}


def test_the_next_round_takes_in_what_was_left_open() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, p3 = mission(world)
    world.close(D1, AAA=1_000)
    world.settle()
    assert len(world.obligations()) == 3
    world.must(world.mint(p1, 90), world.mint(p3, 10))
    world.close(D2, AAA=1_000)  # no new margin: the round is of late obligations only
    (event,) = events(world.settle(), RoundSettled)
    assert isinstance(event, RoundSettled)
    assert (event.number, event.figures[0].discharged) == (2, 150)
    assert world.obligations() == {}
    assert [world.cash(x) for x in (p1, p2, p3)] == [0, 100, 0]


def test_late_and_new_obligations_of_a_pair_are_set_off() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, _ = world.members
    owe(world, (p1, p2, 40))
    world.close(D1, AAA=1_000)
    world.settle()
    world.close(D2, AAA=1_010)
    (event,) = events(world.settle(), RoundSettled)
    assert event == RoundSettled(2, (o.RoundFigures(USD, 80, 80, 0, 1, 0, 0, 0),), (), ())
    assert world.obligations() == {}


def test_the_free_cash_of_the_settling_block_counts() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, _ = world.members
    owe(world, (p1, p2, 40))
    world.close(D1, AAA=1_000)
    world.apply()
    world.apply()
    world.apply()
    world.must(world.mint(p1, 40))  # in the very block that settles
    assert world.cash(p2) == 40
    assert pending(world.state) == 0


def test_two_rounds_can_be_open_at_once() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, p3 = mission(world)
    world.must(world.mint(p1, 500), world.mint(p3, 500))
    world.close(D1, AAA=1_000)
    world.close(D2, AAA=990)
    world.close(D3, AAA=980)
    assert pending(world.state) == 3
    world.settle()
    assert [world.cash(x) for x in (p1, p2, p3)] == [500 - 270, 300, 500 - 30]
    assert [row.state for _, row in world.state.scan(t.ROUNDS)] == [o.RoundState.SETTLED] * 3


def test_members_not_in_good_standing_stay_out_of_the_freeze() -> None:
    world = World(maturity=CALENDAR[4])
    p1, p2, p3 = mission(world)
    key = t.MEMBERS.key(p1.lei)
    row = world.state.must(t.MEMBERS, key)
    suspended = msgspec.structs.replace(row, state=o.MemberState.SUSPENDED)
    world.put({key: suspended})
    assert world.codes(world.transfer(p1, p2, 1), world.transfer(p2, p1, 1)) == [
        "MEMBER_NOT_ACTIVE",
        "MEMBER_NOT_ACTIVE",
    ]
    world.must(world.mint(p3, 60))
    applied = world.close(D1, AAA=1_000)
    assert RoundFrozen(1, 1) in applied.events
    world.settle()
    assert world.obligations() == {(p1.lei, p2.lei): 40, (p1.lei, p3.lei): 50}
    assert world.cash(p2) == 60


def test_what_would_take_a_rounds_total_out_of_range_waits_for_the_next() -> None:
    world = World(members=4, maturity=CALENDAR[4])
    a, b, c, d = world.members
    quantity = (2**61 - 1) // 10**8
    for one, other in ((a, b), (b, c), (c, d)):
        world.must(world.trade(one, other, quantity, 5 * 10**8))
    applied = world.close(D1, AAA=10**9)
    each = quantity * 5 * 10**7
    assert RoundFrozen(1, 3) in applied.events
    world.settle()
    assert set(world.obligations().values()) == {each}
    for date, mark in ((D2, 1), (D3, 10**9)):
        world.close(date, AAA=mark)
        world.settle()
    numbers = [row.figures[0].gross for _, row in world.state.scan(t.ROUNDS)]
    assert all(gross < 2**62 for gross in numbers)
    assert sum(world.cash(x) for x in world.members) == 0


def test_results_are_salted_leaves_that_can_be_proved_one_by_one() -> None:
    world = World(maturity=CALENDAR[4])
    p1, _, p3 = mission(world)
    world.must(world.mint(p1, 90), world.mint(p3, 10))
    world.close(D1, AAA=1_000)
    results: tuple[RoundResult, ...] = world.settle()[-1].results
    leaves = [encode(result) for result in results]
    assert len({result.salt for result in results}) == 3
    path = merkle.inclusion_proof(leaves, 1)
    merkle.verify_inclusion(leaves[1], 1, 3, path, results_root(results))


def test_the_greedy_certificate_serves_and_says_so() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    owe(world, (a, b, 30), (b, c, 30), (c, a, 30))
    world.close(D1, AAA=1_000)
    world.apply()
    (row,) = due_for_clearing(world.state, world.height + 1)
    greedy = problem(world.state, row).solve_greedily()
    world.apply(certificates=(greedy,))
    ((_, row),) = world.state.scan(t.ROUNDS)
    assert (row.figures[0].objective, row.figures[0].cleared) == (2, 90)


def test_what_the_freezing_block_contains_does_not_move_the_seed() -> None:
    """Only the links of two hash chains do: a proposer can skip its turn, and choose nothing."""
    seeds = {}
    for quantity in (30, 31):
        world = World(maturity=CALENDAR[4])
        a, b, _ = world.members
        owe(world, (a, b, quantity))
        world.close(D1, AAA=1_000)
        world.apply()
        (row,) = due_for_clearing(world.state, 4)
        seeds[row.root] = problem(world.state, row).seed
        for place in (0, 1):
            links = tuple(bytes(32) if i == place else link for i, link in enumerate(row.links))
            other = msgspec.structs.replace(row, links=links)
            assert problem(world.state, other).seed != seeds[row.root]
    assert len(seeds) == 2
    assert len(set(seeds.values())) == 1
