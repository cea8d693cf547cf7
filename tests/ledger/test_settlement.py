"""Settlement batches: all legs or none, escrow, deadlines, dates, and who may do what."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import objects as o
from ledger import tables as t
from ledger.actions import Allocate, Approve, CancelBatch, CreateBatch, Mint
from ledger.events import BatchCancelled, BatchRetried, BatchSettled
from ledger.genesis import Genesis
from ledger.invariants import InvariantBroken, check_full
from ledger.state import Draft
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import AssetCode, Date
from wire.limits import BATCH_LEGS_MAX

BOND = AssetCode("BOND")
BASIS = o.Basis(o.Clause.SETTLEMENT, 1)


def _with_a_bond(genesis: Genesis) -> Genesis:
    cash = genesis.assets[0]
    bond = o.AssetTerms(BOND, o.AssetKind.SECURITY, cash.issuer, 0)
    return msgspec.structs.replace(genesis, assets=(*genesis.assets, bond))


def _world() -> World:
    world = World(members=3, change=_with_a_bond)
    a, b, _ = world.members
    mint = Mint(BOND, b.lei, 50, "R")
    world.must(world.mint(a, 1_000), world.sign(mint, world.issuer.key("treasury")))
    return world


def _leg(sender: Identity, to: Identity, asset: AssetCode, amount: int) -> o.Leg:
    return o.Leg(sender.lei, to.lei, asset, amount)


def _create(
    world: World,
    *legs: o.Leg,
    by: Identity | None = None,
    date: Date | None = None,
    deadline: int = 60,
    reference: str = "R1",
    retries: int = 0,
    in_netting: bool = False,
) -> Transaction:
    who = by or world.members[0]
    action = CreateBatch(who.lei, reference, legs, date, deadline, retries, in_netting)
    return world.sign(action, who.key("treasury"))


def _dvp(world: World, **how: object) -> Transaction:
    a, b, _ = world.members
    legs = (_leg(a, b, USD, 300), _leg(b, a, BOND, 20))
    return _create(world, *legs, **how)  # type: ignore[arg-type]


def _allocate(world: World, who: Identity, reference: str = "R1") -> Transaction:
    action = Allocate(who.lei, world.members[0].lei, reference)
    return world.sign(action, who.key("treasury"))


def _approve(world: World, who: Identity, reference: str = "R1") -> Transaction:
    action = Approve(who.lei, world.members[0].lei, reference)
    return world.sign(action, who.key("treasury"))


def _cancel(world: World, who: Identity) -> Transaction:
    return world.sign(CancelBatch(who.lei, world.members[0].lei, "R1"), who.key("treasury"))


def _holds(world: World, who: Identity, asset: AssetCode) -> int:
    row = world.state.get(t.BALANCES, t.own_account(who.lei, asset))
    return 0 if row is None else row.balance


def _batch(world: World) -> o.Batch:
    return world.state.must(t.BATCHES, t.BATCHES.key(world.members[0].lei, "R1"))


def test_both_legs_go_in_the_block_that_completes_the_batch() -> None:
    world = _world()
    a, b, _ = world.members
    world.must(_dvp(world))
    world.must(_allocate(world, a), _approve(world, a), _approve(world, b))
    assert (_holds(world, a, USD), _holds(world, b, USD)) == (700, 0)
    applied = world.must(_allocate(world, b))
    assert BatchSettled(a.lei, "R1") in applied.events
    assert (_holds(world, b, USD), _holds(world, a, BOND), _holds(world, b, BOND)) == (300, 20, 30)
    escrow = [key for key, _ in world.state.scan(t.BALANCES) if t.BALANCES.parts(key)[1] == 9]
    assert escrow == []
    assert world.codes(_cancel(world, a), _allocate(world, a)) == ["BATCH_CLOSED"] * 2


def test_an_irrevocable_batch_waits_for_its_date_past_its_deadline() -> None:
    world = _world()
    a, b, _ = world.members
    world.must(_dvp(world, date=CALENDAR[1], deadline=world.height + 5))
    world.must(_allocate(world, a), _allocate(world, b), _approve(world, a), _approve(world, b))
    assert _batch(world).state == o.BatchState.IRREVOCABLE
    assert world.codes(_cancel(world, b)) == ["BATCH_CLOSED"]
    for _ in range(8):
        world.apply()
    assert _batch(world).state == o.BatchState.IRREVOCABLE
    applied = world.close(CALENDAR[0], AAA=1)
    assert BatchSettled(a.lei, "R1") in applied.events


def test_what_is_incomplete_at_its_deadline_is_cancelled_and_paid_back() -> None:
    world = _world()
    a, b, _ = world.members
    deadline = world.height + 3
    world.must(_dvp(world, deadline=deadline))
    world.must(_allocate(world, a), _approve(world, a))
    applied = world.apply()
    assert world.height == deadline
    assert applied.events == (BatchCancelled(a.lei, "R1", None, BASIS),)
    assert (_holds(world, a, USD), _holds(world, b, BOND)) == (1_000, 50)


def test_completed_in_the_block_of_its_deadline_it_still_settles() -> None:
    world = _world()
    a, b, _ = world.members
    world.must(_dvp(world, deadline=world.height + 2))
    world.must(_allocate(world, a), _allocate(world, b), _approve(world, a), _approve(world, b))
    assert _batch(world).state == o.BatchState.SETTLED


def test_any_party_withdraws_before_it_is_irrevocable_and_nobody_else() -> None:
    world = _world()
    a, b, c = world.members
    world.must(_dvp(world))
    world.must(_allocate(world, b))
    assert world.codes(_cancel(world, c)) == ["BATCH_NOT_A_PARTY"]
    applied = world.must(_cancel(world, a))
    assert applied.events == (BatchCancelled(a.lei, "R1", a.lei, BASIS),)
    assert _holds(world, b, BOND) == 50


def test_senders_allocate_and_receivers_approve_each_once() -> None:
    world = _world()
    a, b, c = world.members
    world.must(_dvp(world), _allocate(world, a), _approve(world, b))
    again = (_allocate(world, a), _approve(world, b), _allocate(world, c), _approve(world, c))
    assert world.codes(*again) == ["BATCH_NOT_A_PARTY"] * 4
    assert world.codes(_allocate(world, a, "R2")) == ["BATCH_UNKNOWN"]


def test_a_sender_without_cover_allocates_nothing_of_it() -> None:
    world = _world()
    a, b, _ = world.members
    legs = (_leg(a, b, USD, 900), _leg(a, b, USD, 101))
    world.must(_create(world, *legs))
    assert world.codes(_allocate(world, a)) == ["CASH_INSUFFICIENT"]
    assert _holds(world, a, USD) == 1_000


def test_a_batch_that_cannot_be_is_not_instructed() -> None:
    world = _world()
    a, b, c = world.members
    good = _leg(a, b, USD, 1)
    stranger = o.Leg(a.lei, type(a.lei)("NOBODY"), USD, 1)
    wrong = [
        (_create(world), "BATCH_INVALID"),
        (_create(world, *[good] * (BATCH_LEGS_MAX + 1)), "BATCH_INVALID"),
        (_create(world, _leg(a, a, USD, 1)), "BATCH_INVALID"),
        (_create(world, _leg(b, c, USD, 1)), "BATCH_INVALID"),
        (_create(world, good, deadline=world.height), "BATCH_INVALID"),
        (_create(world, good, deadline=10**9), "BATCH_INVALID"),
        (_create(world, good, date=Date(20240229)), "BATCH_INVALID"),
        (_create(world, _leg(a, b, USD, 0)), "AMOUNT_OUT_OF_RANGE"),
        (_create(world, _leg(a, b, AssetCode("EUR"), 1)), "ASSET_UNKNOWN"),
        (_create(world, stranger), "MEMBER_UNKNOWN"),
        (_create(world, good, reference="x" * 500), "TX_TEXT_TOO_LONG"),
    ]
    assert world.codes(*(tx for tx, _ in wrong)) == [code for _, code in wrong]
    world.must(_create(world, good))
    assert world.codes(_create(world, good)) == ["BATCH_EXISTS"]


def test_escrow_that_does_not_match_its_batch_stops_the_node() -> None:
    world = _world()
    a = world.members[0]
    world.must(_dvp(world), _allocate(world, a))
    draft = Draft(world.state)
    draft.put(t.BALANCES, t.escrow(a.lei, a.lei, "R1", USD), o.Balance(299, 0))
    draft.put(t.BALANCES, t.own_account(a.lei, USD), o.Balance(701, 0))
    broken = world.state.folded(draft)[0]
    with pytest.raises(InvariantBroken, match="2-escrow"):
        check_full(broken)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 8), max_size=14), st.integers(3, 12))
def test_whatever_the_order_all_legs_have_gone_or_none(steps: list[int], deadline: int) -> None:
    world = _world()
    a, b, c = world.members
    legs = (_leg(a, b, USD, 300), _leg(b, c, BOND, 20), _leg(a, c, USD, 5))
    world.must(_create(world, *legs, deadline=world.height + deadline))
    acts = [
        lambda: _allocate(world, a), lambda: _allocate(world, b), lambda: _allocate(world, c),
        lambda: _approve(world, a), lambda: _approve(world, b), lambda: _approve(world, c),
        lambda: _cancel(world, b), lambda: world.transfer(a, c, 10), lambda: world.mint(b, 1),
    ]  # fmt: skip
    for step in steps:
        world.apply(acts[step]())
    while _batch(world).state == o.BatchState.INSTRUCTED:
        world.apply()
    moved = (_holds(world, c, BOND), _holds(world, b, BOND))
    assert moved == ((20, 30) if _batch(world).state == o.BatchState.SETTLED else (0, 50))
    escrow = [key for key, _ in world.state.scan(t.BALANCES) if t.BALANCES.parts(key)[1] == 9]
    assert escrow == []


# -------------------------------------------------------------------- fails
def _state(world: World, reference: str = "R1") -> o.BatchState:
    row = world.state.must(t.BATCHES, t.BATCHES.key(world.members[0].lei, reference))
    return o.BatchState(row.state)


def test_a_batch_that_misses_its_deadline_gets_the_windows_it_asked_for_and_no_more() -> None:
    world = _world()
    a, _, _ = world.members
    world.must(_dvp(world, deadline=world.height + 3, retries=2))  # a window of 3 blocks
    world.must(_allocate(world, a))
    heights = []
    for _ in range(12):
        applied = world.apply()
        for event in applied.events:
            if isinstance(event, BatchRetried):
                heights.append((world.height, event.deadline, event.retries_left))
                assert _holds(world, a, USD) == 700
    assert heights == [(4, 7, 1), (7, 10, 0)]
    assert (_state(world), _holds(world, a, USD)) == (o.BatchState.CANCELLED, 1_000)


def test_a_batch_cannot_ask_for_more_windows_than_the_rulebook_allows() -> None:
    world = _world()
    for retries in (-1, 4):
        assert world.codes(_dvp(world, retries=retries)) == ["BATCH_INVALID"]
    assert world.codes(_dvp(world, in_netting=True)) == ["BATCH_INVALID"]  # it has no date


def _linked(retries: int) -> World:
    """A owes B 300 against 20 bonds, in the round of the first date."""
    world = _world()
    a, b, _ = world.members
    world.must(_dvp(world, date=CALENDAR[0], in_netting=True, retries=retries))
    assert world.codes(_allocate(world, a)) == ["BATCH_NOT_A_PARTY"]
    world.must(_approve(world, a))
    assert _state(world) == o.BatchState.INSTRUCTED
    world.must(_approve(world, b))
    assert _state(world) == o.BatchState.IN_NETTING
    assert world.codes(_cancel(world, a)) == ["BATCH_CLOSED"]
    return world


def test_a_linked_batch_settles_whole_in_the_round_of_its_date() -> None:
    world = _linked(0)
    a, b, _ = world.members
    world.close(CALENDAR[0], AAA=1_000)
    applied = world.settle()
    assert BatchSettled(a.lei, "R1") in applied[-1].events
    assert _state(world) == o.BatchState.SETTLED
    assert (_holds(world, a, BOND), _holds(world, b, USD)) == (20, 300)
    assert world.obligations() == {}


def test_a_linked_batch_uses_what_its_parties_get_in_the_same_round() -> None:
    """A's cash comes from C, who owes it variation margin: nothing was in escrow beforehand."""
    world = World(members=3, change=_with_a_bond)
    a, b, c = world.members
    mint = world.sign(Mint(BOND, b.lei, 20, "R"), world.issuer.key("treasury"))
    world.must(mint, world.mint(c, 300), world.trade(a, c, 30, 900))
    world.must(_dvp(world, date=CALENDAR[0], in_netting=True))
    world.must(_approve(world, a), _approve(world, b))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert (_holds(world, a, BOND), _holds(world, b, USD), _holds(world, c, USD)) == (20, 300, 0)


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_no_leg_of_a_linked_batch_goes_without_the_other_and_it_fails_as_often_as_it_may(
    retries: int,
) -> None:
    world = _linked(retries)
    a, b, c = world.members
    world.must(world.transfer(a, c, 701))
    for n, date in enumerate(CALENDAR[: retries + 1]):
        assert _state(world) == o.BatchState.IN_NETTING
        world.close(date, AAA=1_000)
        world.settle()
        assert (_holds(world, a, BOND), _holds(world, b, USD)) == (0, 0), n
    assert _state(world) == o.BatchState.CANCELLED
    assert world.obligations() == {}


def test_an_instruction_is_frozen_whole_or_waits_whole() -> None:
    """A leg between two members in good standing waits for the leg of one that is not."""
    world = _world()
    a, b, c = world.members
    legs = (_leg(a, b, USD, 300), _leg(b, a, BOND, 20), _leg(a, c, USD, 1))
    world.must(_create(world, *legs, date=CALENDAR[0], in_netting=True))
    world.must(*[_approve(world, who) for who in (a, b, c)])
    key = t.MEMBERS.key(c.lei)
    row = world.state.must(t.MEMBERS, key)
    world.put({key: msgspec.structs.replace(row, state=o.MemberState.SUSPENDED)})
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert _state(world) == o.BatchState.IN_NETTING
    assert (_holds(world, a, USD), _holds(world, b, BOND)) == (1_000, 50)
    world.put({key: row})
    world.close(CALENDAR[1], AAA=1_000)
    world.settle()
    assert (_holds(world, a, BOND), _holds(world, b, USD), _holds(world, c, USD)) == (20, 300, 1)
