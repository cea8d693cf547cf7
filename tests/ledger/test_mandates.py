"""Mandates of authorities, and looks on record before anybody may say they were not."""

import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.actions import CommitLooks, DiscloseLooks
from ledger.events import LookDisclosed, LookOverdue
from ledger.mandates import digest_of, grant
from ledger.state import Draft
from ledger.transactions import Transaction
from tests.ledger.world import CALENDAR, World
from wire.errors import Rejection

replace = msgspec.structs.replace


def _mandate(world: World, embargo: int = 5, disclosure: int = 3) -> o.Mandate:
    return o.Mandate(
        authority=world.observer.lei,
        reference="M1",
        products=(),
        members=(world.members[0].lei,),
        first_date=CALENDAR[0],
        last_date=CALENDAR[-1],
        embargo_blocks=embargo,
        disclosure_blocks=disclosure,
        basis="an act",
    )


def _world() -> World:
    world = World()
    mandate = _mandate(world)
    world.put({t.MANDATES.key(mandate.authority, "M1"): mandate})
    return world


def _look(world: World, what: str = "positions") -> o.Look:
    return o.Look(
        authority=world.observer.lei,
        mandate="M1",
        person="inspector 7",
        member=world.members[0].lei,
        what=what,
        height=1,
        time_ms=1_700_000_000_000,
        purpose="a complaint",
        salt=bytes(32),
    )


def _commit(world: World, *looks: o.Look, routine: bool = False) -> Transaction:
    digests = tuple(sorted(map(digest_of, looks)))
    action = CommitLooks(world.observer.lei, "M1", routine, digests)
    return world.sign(action, world.observer.key("governance"))


def _disclose(world: World, *looks: o.Look) -> Transaction:
    action = DiscloseLooks(world.observer.lei, looks)
    return world.sign(action, world.observer.key("governance"))


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": " "},
        {"basis": ""},
        {"products": (o.Product.BOND, o.Product.BOND)},
        {"first_date": CALENDAR[1], "last_date": CALENDAR[0]},
        {"first_date": 20241301},
        {"embargo_blocks": -1},
        {"disclosure_blocks": 0},
    ],
)
def test_a_mandate_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    world = World()
    with pytest.raises(Rejection) as caught:
        grant(Draft(world.state), replace(_mandate(world), **changes))
    assert caught.value.code == "MANDATE_INVALID"


def test_a_look_is_disclosed_once_as_it_was_committed_to() -> None:
    world = _world()
    look = _look(world)
    world.must(_commit(world, look))
    assert world.codes(_disclose(world, replace(look, purpose="another"))) == ["LOOK_INVALID"]
    assert LookDisclosed(look) in world.must(_disclose(world, look)).events
    assert world.codes(_disclose(world, look)) == ["LOOK_INVALID"]
    assert world.state.scan(t.LOOKS) == []


def test_what_is_not_disclosed_after_the_embargo_is_overdue_until_it_is() -> None:
    world = _world()
    look = _look(world)
    committed = world.height + 1
    world.must(_commit(world, look))
    events = []
    while world.height < committed + 5 + 3:
        events += world.apply().events
    assert not any(isinstance(event, LookOverdue) for event in events)
    late = LookOverdue(world.observer.lei, digest_of(look), committed)
    assert late in world.apply().events
    assert not any(isinstance(event, LookOverdue) for event in world.apply().events)
    world.must(_disclose(world, look))
    assert world.state.scan(t.LOOKS) == []


def test_a_routine_look_has_no_embargo() -> None:
    world = _world()
    look = _look(world)
    world.must(_commit(world, look, routine=True))
    ((_, row),) = world.state.scan(t.LOOKS)
    assert row.due == world.height + 3


def test_nobody_commits_for_an_authority_nor_without_a_mandate() -> None:
    world = _world()
    look = _look(world)
    other = CommitLooks(world.members[0].lei, "M1", False, (digest_of(look),))
    assert world.codes(world.sign(other, world.members[0].key("governance"))) == ["MANDATE_UNKNOWN"]
    world.must(_commit(world, look))
    assert world.codes(_commit(world, look)) == ["LOOK_INVALID"]
    assert world.codes(_commit(world)) == ["LOOK_INVALID"]
