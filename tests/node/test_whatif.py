"""What the rehearsal of a default says is what then happens; the worst is found by search."""

from collections import defaultdict

import pytest

from ledger.default import calendar
from ledger.events import TrancheBears
from node.whatif.default import Report, default, worst
from node.whatif.marks import BadMove, NothingMarked
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, World
from wire.errors import Rejection
from wire.ids import Lei

BLOCK = "ab" * 32


def _crowd() -> World:
    """Five members: two that will default, one that faces both, two that contribute."""
    world = defaults.world_of(5)
    a, b, c, d, e = world.members
    world.must(*[world.mint(who, 40_000) for who in (*world.members, world.issuer)])
    world.must(
        defaults.fixed_margin(world, a, d, 2_000),
        defaults.capital(world, 3_000),
        *[defaults.contribution(world, who, 1_000) for who in (a, b, c, d, e)],
    )
    world.must(
        world.trade(d, a, 500, 1_000),
        world.trade(d, b, 200, 1_000),
        world.trade(e, a, 300, 1_000),
        world.trade(b, c, 100, 1_000),
    )
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    return world


def _losses(report: Report) -> dict[Lei, dict[str, int]]:
    return {
        effect.lei: {part.tranche: part.amount for part in effect.losses}
        for effect in report.members
        if effect.losses
    }


def test_what_it_says_is_what_then_happens() -> None:
    world = _crowd()
    _, b, c, d, e = world.members
    root = world.state.root
    said = default(world.state, BLOCK, (d.lei, e.lei), {"EQ-AAA": -4_000})
    assert world.state.root == root
    defaults.declare(world, d, e)
    happened: dict[Lei, dict[str, int]] = defaultdict(dict)
    events = list(world.close(CALENDAR[1], AAA=600).events)
    while calendar.pending(world.state):
        events += world.apply().events
    for event in events:
        if isinstance(event, TrancheBears) and event.bearer not in (d.lei, e.lei):
            so_far = happened[Lei(event.bearer)].get(event.tranche.name, 0)
            happened[Lei(event.bearer)][event.tranche.name] = so_far + event.amount
    assert happened
    assert _losses(said) == happened
    assert said.loss == sum(defaults.case(world, number).loss for number in (1, 2))
    assert said.loss == sum(said.borne.values())
    assert (said.block, said.height) == (BLOCK, said.height)
    assert c.lei in happened
    assert "RESIDUAL" not in happened[c.lei]
    assert b.lei in happened


def test_each_member_learns_what_cash_the_cycle_asks_for() -> None:
    world = _crowd()
    _, b, c, d, _ = world.members
    said = default(world.state, BLOCK, (d.lei,), {"EQ-AAA": -1_000})
    cycles = {effect.lei: {cycle.name: cycle for cycle in effect.cycles} for effect in said.members}
    moved = 1_000
    assert cycles[b.lei]["next"].pays == moved
    assert cycles[b.lei]["next"].need == moved
    assert cycles[c.lei]["next"].receives == moved
    assert cycles[b.lei]["next"].short == max(0, moved - world.cash(b))


def test_receipts_from_the_defaulter_that_do_not_come_are_named() -> None:
    world = _crowd()
    a, _, _, d, _ = world.members
    world.close(CALENDAR[1], AAA=900)
    said = default(world.state, BLOCK, (d.lei,), {})
    effect = next(one for one in said.members if one.lei == a.lei)
    assert {cycle.name: cycle.misses for cycle in effect.cycles} == {"open": 5_000, "next": 0}


def test_the_worst_is_at_least_as_bad_as_any_that_is_tried() -> None:
    world = _crowd()
    a, _, _, d, e = world.members
    report, tried = worst(world.state, BLOCK, a.lei)
    mine = next(effect for effect in report.members if effect.lei == a.lei)
    assert tried == (4 + 6) * 9
    assert report.defaulters == (d.lei, e.lei)
    assert report.moves == {"EQ-AAA": -3_000}
    for leis in ((d.lei,), (e.lei,), (d.lei, e.lei)):
        other = default(world.state, BLOCK, leis, {"EQ-AAA": -2_000})
        assert next(x for x in other.members if x.lei == a.lei).loss <= mine.loss


@pytest.mark.parametrize(
    ("moves", "marked", "error"),
    [
        ({"EQ-ZZZ": 1}, True, BadMove),
        ({}, False, NothingMarked),
    ],
)
def test_what_cannot_be_rehearsed_is_said(
    moves: dict[str, int], marked: bool, error: type[Rejection]
) -> None:
    world = _crowd() if marked else defaults.world_of(4)
    with pytest.raises(error):
        default(world.state, BLOCK, (world.members[0].lei,), moves)
