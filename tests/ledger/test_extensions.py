"""Marks that oracles' precommits carried: they count as submitted ones, and nothing can fail."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import objects as o
from ledger import tables as t
from ledger.actions import FeedMark
from ledger.apply import Applied, apply_block
from ledger.genesis import Genesis
from ledger.oracles import ExtensionMarks
from tests.ledger.world import CALENDAR, World
from wire.codec import encode
from wire.ids import FeedCode
from wire.limits import ORACLE_MARKS_MAX


def _validators_mark(genesis: Genesis) -> Genesis:
    """The first three members are oracles, too."""
    members = [
        msgspec.structs.replace(row, roles=(*row.roles, o.Role.ORACLE)) if n < 3 else row
        for n, row in enumerate(genesis.members)
    ]
    return msgspec.structs.replace(genesis, members=tuple(members))


def _world() -> World:
    return World(members=4, change=_validators_mark)


def _marks(value: int, date: int = CALENDAR[0], feed: str = "EQ-AAA") -> bytes:
    return encode(ExtensionMarks(type(CALENDAR[0])(date), (FeedMark(FeedCode(feed), value),)))


def _apply(world: World, *extensions: tuple[int, bytes]) -> Applied:
    carried = tuple((world.members[n].key("consensus").public, data) for n, data in extensions)
    block = msgspec.structs.replace(world.next_block(), extensions=carried)
    applied = apply_block(world.state, block)
    world.state = applied.state
    return applied


def _mark(world: World, member: int) -> o.OracleMark | None:
    lei = world.members[member].lei
    return world.state.get(t.ORACLE_MARKS, t.ORACLE_MARKS.key("EQ-AAA", lei))


def test_the_marks_of_validating_oracles_close_the_date() -> None:
    world = _world()
    _apply(world, (0, _marks(1_000)), (1, _marks(1_002)))
    world.must(world.marks(world.oracles[0], CALENDAR[0], AAA=990))
    assert world.network.business_date == CALENDAR[0]  # 3 of 6 oracles are no majority
    _apply(world, (2, _marks(1_010)))
    assert world.network.business_date == CALENDAR[1]
    assert world.state.must(t.MARKS, t.MARKS.key("EQ-AAA", CALENDAR[0])) == o.Mark(1_001, 4, None)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x93\x01", _marks(0), _marks(-1), _marks(5, feed="EQ-NONE"),
        _marks(5, date=CALENDAR[1]),
        encode(ExtensionMarks(CALENDAR[0], ())),
        encode(ExtensionMarks(CALENDAR[0], (FeedMark(FeedCode("EQ-AAA"), 5),) * 2)),
        encode(
            ExtensionMarks(
                CALENDAR[0], (FeedMark(FeedCode("EQ-AAA"), 5),) * (ORACLE_MARKS_MAX + 1)
            )
        ),
    ],
)  # fmt: skip
def test_what_is_no_good_mark_is_ignored_as_a_whole(data: bytes) -> None:
    world = _world()
    _apply(world, (0, data), (1, _marks(7)))
    assert _mark(world, 0) is None
    assert _mark(world, 1) == o.OracleMark(CALENDAR[0], 7, world.height)


def test_a_validator_that_is_no_oracle_marks_nothing() -> None:
    world = _world()
    _apply(world, (3, _marks(7)))
    assert _mark(world, 3) is None


@given(st.binary(max_size=1_024))
def test_no_extension_can_stop_a_block(data: bytes) -> None:
    world = _world()
    _apply(world, (0, data))
