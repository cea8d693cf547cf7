"""Evidence in a block: once, in time, about a validator; it takes the validator's power."""

from collections.abc import Callable

import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.actions import StandDown
from ledger.apply import apply_block, check_block
from ledger.events import PowerChanged, ValidatorSuspended
from ledger.genesis import Genesis
from ledger.rejections import BlockRefused
from ledger.validators import Accusation
from node.founding import Identity
from tests.ledger.world import DERIVED, World


def _said(
    who: Identity, height: int, kind: o.OffenceKind = o.OffenceKind.DOUBLE_VOTE
) -> Accusation:
    return Accusation(kind, who.key("consensus").public, height, 0, b"")


def _refused(world: World, *accusations: Accusation, why: str) -> None:
    block = world.next_block(accusations=accusations)
    for judge in (check_block, apply_block):
        with pytest.raises(BlockRefused, match=why):
            judge(world.state, block)


def _ages(blocks: int, ms: int) -> Callable[[Genesis], Genesis]:
    def change(genesis: Genesis) -> Genesis:
        book = msgspec.structs.replace(
            genesis.rulebook, evidence_age_blocks=blocks, evidence_age_ms=ms
        )
        return msgspec.structs.replace(genesis, rulebook=book)

    return change


def test_an_equivocator_loses_its_power_two_heights_later_and_its_supervisors_are_told() -> None:
    world = World(members=4)
    world.apply()
    b = world.members[1]
    applied = world.apply(accusations=(_said(b, 1),))
    key = b.key("consensus").public
    because = o.Basis(o.Clause.EVIDENCE, 1)
    assert applied.events == (
        ValidatorSuspended(b.lei, o.OffenceKind.DOUBLE_VOTE, 1, key, because),
        PowerChanged(b.lei, 0, 4, because),
    )
    row = world.state.must(t.MEMBERS, t.MEMBERS.key(b.lei))
    assert (row.power, row.state) == (0, o.MemberState.ACTIVE)
    offence = world.state.must(t.OFFENCES, t.OFFENCES.key(key, 1))
    assert offence == o.Offence(b.lei, o.OffenceKind.DOUBLE_VOTE, 2)


def test_evidence_counts_once() -> None:
    world = World(members=4)
    world.apply()
    b = world.members[1]
    _refused(world, _said(b, 1), _said(b, 1), why="stands twice")
    world.apply(accusations=(_said(b, 1),))
    _refused(world, _said(b, 1), why="has been acted on")
    other = _said(b, 1, o.OffenceKind.DOUBLE_PROPOSAL)
    _refused(world, other, why="has been acted on")
    world.apply(accusations=(_said(b, 2),))  # another height is another offence
    assert len(world.state.scan(t.OFFENCES)) == 2


def test_evidence_about_a_height_that_is_not_decided_is_refused() -> None:
    world = World(members=4)
    world.apply()
    for height in (0, -1, 2, 3, 2**53):
        _refused(world, _said(world.members[1], height), why="no decided height")


def test_evidence_about_a_key_that_did_not_vote_then_is_refused() -> None:
    world = World(members=4)
    world.apply()
    _refused(world, _said(world.issuer, 1), why="did not vote then")
    b = world.members[1]
    world.must(world.sign(StandDown(b.lei), b.key("governance")))  # at 2: votes up to 3
    for _ in range(3):
        world.apply()
    _refused(world, _said(b, 4), why="did not vote then")
    world.apply(accusations=(_said(b, 3),))


def test_evidence_expires_only_past_both_ages() -> None:
    blocks_first = World(members=4, change=_ages(3, 10_000))  # blocks are a second apart
    time_first = World(members=4, change=_ages(10, 3_000))
    for world in (blocks_first, time_first):
        while world.height < 11:
            world.apply()
        b = world.members[1]
        check_block(world.state, world.next_block(accusations=(_said(b, 1),)))
        world.apply()
        _refused(world, _said(b, 1), why="too old")
        assert world.network.recent_from == 2


def test_after_a_long_pause_old_heights_are_forgotten_a_few_in_each_block() -> None:
    world = World(members=4, change=_ages(1, 100_000))
    while world.height < 90:
        world.apply()
    late = msgspec.structs.replace(
        world.next_block(), recent=o.RecentBlock(bytes(32), DERIVED, 2**50, 0)
    )
    after = apply_block(world.state, late).state
    assert after.must(t.NETWORK, t.network_key()).recent_from == 65


def test_a_forged_header_differs_from_what_the_chain_had_determined() -> None:
    world = World(members=4)
    world.apply()
    key = world.members[1].key("consensus").public
    same = Accusation(o.OffenceKind.FORGED_HEADER, key, 1, 0, DERIVED)
    _refused(world, same, why="not forged")
    forged = Accusation(o.OffenceKind.FORGED_HEADER, key, 1, 0, b"\x01" * 32)
    world.apply(accusations=(forged,))
    assert world.state.must(t.MEMBERS, t.MEMBERS.key(world.members[1].lei)).power == 0


def test_the_last_validator_keeps_its_power_but_not_its_name() -> None:
    world = World(members=2)
    world.apply()
    applied = world.apply(accusations=(_said(world.members[1], 1), _said(world.members[0], 1)))
    told = [event for event in applied.events if isinstance(event, ValidatorSuspended)]
    assert len(told) == 2
    powers = [world.state.must(t.MEMBERS, t.MEMBERS.key(who.lei)).power for who in world.members]
    assert powers == [1, 0]
