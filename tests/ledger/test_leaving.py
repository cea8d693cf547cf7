"""Resignation, cooling-off and exit: nothing of a member is left behind."""

from collections.abc import Callable

import msgspec
import pytest

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import (
    ApplyMembership,
    CancelBatch,
    CreateBatch,
    Exit,
    MemberKey,
    Redeem,
    Resign,
    WithdrawResignation,
)
from ledger.genesis import Genesis
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.signing import SigningKey


def cooling_off(blocks: int) -> Callable[[Genesis], Genesis]:
    def change(genesis: Genesis) -> Genesis:
        rules = msgspec.structs.replace(genesis.rulebook.membership, cooling_off_blocks=blocks)
        rulebook = msgspec.structs.replace(genesis.rulebook, membership=rules)
        return msgspec.structs.replace(genesis, rulebook=rulebook)

    return change


def leaving(blocks: int = 0, members: int = 3) -> World:
    return World(members=members, maturity=CALENDAR[0], change=cooling_off(blocks))


def resign(world: World, who: Identity) -> Transaction:
    return world.sign(Resign(who.lei), who.key("governance"))


def leave(world: World, who: Identity) -> Transaction:
    return world.sign(Exit(who.lei), who.key("governance"))


def state(world: World, who: Identity) -> o.MemberState:
    return o.MemberState(world.state.must(t.MEMBERS, t.MEMBERS.key(who.lei)).state)


def why(world: World, who: Identity) -> str:
    with pytest.raises(r.StillOpen) as refused:
        world.check(leave(world, who))
    return refused.value.detail


def test_nobody_exits_before_its_cooling_off_is_over_nor_without_resigning() -> None:
    world = leaving(3)
    _, b, _ = world.members
    with pytest.raises(r.WrongMemberState):
        world.check(leave(world, b))
    world.must(resign(world, b))  # block 1: exit from height 4
    for _ in range(2):
        with pytest.raises(r.CoolingOff, match="until height 4"):
            world.check(leave(world, b))
        world.apply()
    world.must(leave(world, b))
    assert state(world, b) == o.MemberState.EXITED


def test_the_last_validator_cannot_resign() -> None:
    world = leaving(members=2)
    a, b = world.members
    world.must(resign(world, b))
    with pytest.raises(r.BadPower):
        world.check(resign(world, a))


def test_contracts_obligations_batches_escrow_and_money_are_each_named() -> None:
    world = leaving()
    a, b, c = world.members
    legs = (o.Leg(b.lei, c.lei, USD, 5),)
    batch = CreateBatch(b.lei, "B1", legs, None, world.height + 50, 0, False)
    world.must(world.mint(b, 20), world.trade(a, b, 1, 1_000), world.sign(batch, b.key("treasury")))
    world.must(resign(world, b))
    assert why(world, b) == f"1 live contracts; batch {b.lei}/B1; OWN USD holds 20"
    world.must(world.sign(CancelBatch(c.lei, b.lei, "B1"), c.key("treasury")))
    world.close(CALENDAR[0], AAA=1_100)  # b owes 10; the contract has matured
    assert why(world, b) == "OWN USD holds 20; 1 obligations"
    world.settle()
    assert why(world, b) == "OWN USD holds 10"
    world.must(world.transfer(b, c, 10), leave(world, b))


def test_a_receiver_of_a_batch_under_way_stays_until_it_is_over() -> None:
    world = leaving()
    _, b, c = world.members
    batch = CreateBatch(
        b.lei, "B1", (o.Leg(b.lei, c.lei, USD, 5),), None, world.height + 5, 0, False
    )
    world.must(world.sign(batch, b.key("treasury")), resign(world, c))
    assert why(world, c) == f"batch {b.lei}/B1"
    for _ in range(5):
        world.apply()
    world.must(leave(world, c))


def test_an_issuer_leaves_when_all_it_issued_is_redeemed() -> None:
    world = leaving()
    a, _, _ = world.members
    key = world.issuer.key("treasury")
    row = world.state.must(t.MEMBERS, t.MEMBERS.key(world.issuer.lei))
    world.must(world.mint(a, 5))
    leaves = msgspec.structs.replace(row, state=o.MemberState.RESIGNING)
    governs = SigningKey(b"issuer governs".ljust(32, b"."))
    world.put(
        {
            t.MEMBERS.key(row.lei): leaves,
            t.KEYS.key(governs.public): o.SigningKeyRow(row.lei, o.KeyRole.GOVERNANCE, 0, 0),
        }
    )
    out = world.sign(Exit(row.lei), governs)
    with pytest.raises(r.StillOpen, match="5 USD not redeemed"):
        world.check(out)
    world.must(world.transfer(a, world.issuer, 5), world.sign(Redeem(USD, 5, ""), key), out)


def test_a_resigning_member_trades_and_votes_no_more_but_pays_and_stays_if_it_likes() -> None:
    world = leaving(100)
    a, b, c = world.members
    world.must(world.mint(b, 20), resign(world, b))
    with pytest.raises(r.MemberNotActive):
        world.check(world.trade(a, b, 1, 1_000))
    with pytest.raises(r.MemberNotActive):
        world.check(resign(world, b))
    world.must(world.transfer(b, c, 5), world.transfer(c, b, 1))
    world.must(world.sign(WithdrawResignation(b.lei), b.key("governance")))
    world.must(world.trade(a, b, 1, 1_000))
    row = world.state.must(t.MEMBERS, t.MEMBERS.key(b.lei))
    assert (row.state, row.power, row.leaves_from) == (o.MemberState.ACTIVE, 0, 0)


def test_who_has_left_signs_nothing_and_comes_back_with_new_keys_only() -> None:
    world = leaving()
    a, b, _ = world.members
    world.must(resign(world, b), leave(world, b))
    with pytest.raises(r.MemberNotActive):
        world.check(world.transfer(b, a, 1))
    with pytest.raises(r.MemberNotActive):
        world.check(world.mint(b, 1))

    def application(key: SigningKey) -> Transaction:
        keys = (MemberKey(key.public, o.KeyRole.GOVERNANCE),)
        action = ApplyMembership(b.lei, "B", b.lei, (o.Role.MEMBER,), keys, b"", 0)
        return world.sign(action, key)

    with pytest.raises(r.KeyTaken):
        world.check(application(b.key("governance")))
    world.must(application(SigningKey(b"again".ljust(32, b"."))))
    assert state(world, b) == o.MemberState.APPLIED
