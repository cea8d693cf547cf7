"""A feed whose oracles fall silent: the date closes without it, but nothing final rests on that."""

from collections.abc import Callable

import msgspec
import pytest

from ledger import marks, requirement
from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    AmendCsa,
    CommitMark,
    PostIm,
    RegisterCsa,
    ReturnExcessIm,
    SubmitMark,
    SubstituteCollateral,
)
from ledger.csa import signed
from ledger.events import DateClosed, MarkCarried, MarksProvisional
from ledger.genesis import Genesis
from ledger.rejections import ImNotFree
from ledger.requirement import required
from ledger.state import Draft
from node.founding import Identity
from tests.ledger.defaults import fixed_terms
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import Date, FeedCode, Uti

replace = msgspec.structs.replace
WAIT = 5
D1, D2, D3, D4, D5 = CALENDAR


def _waits(blocks: int, jump_bps: int = 1_000) -> Callable[[Genesis], Genesis]:
    def change(genesis: Genesis) -> Genesis:
        margin = replace(genesis.rulebook.margin, quorum_wait_blocks=blocks)
        feeds = tuple(replace(feed, jump_bps=jump_bps) for feed in genesis.feeds)
        return replace(genesis, rulebook=replace(genesis.rulebook, margin=margin), feeds=feeds)

    return change


def _world(blocks: int = WAIT, jump_bps: int = 1_000, maturity: int = CALENDAR[4]) -> World:
    """Two shares and a first close of both at 1.000."""
    world = World(
        members=3, shares=("AAA", "BBB"), maturity=maturity, change=_waits(blocks, jump_bps)
    )
    world.must(*[world.mint(who, 100_000) for who in world.members])
    return world


def _pass(world: World, blocks: int) -> list[object]:
    return [event for _ in range(blocks) for event in world.apply().events]


def _marked_by_parties(world: World, one: Identity, other: Identity) -> None:
    terms = replace(fixed_terms(one, other, 400), mark_source=o.MarkSource.PARTIES)
    keys = (one.key("governance"), other.key("governance"))
    world.must(world.sign(RegisterCsa(terms), *keys))


def _says(world: World, who: Identity, other: Identity, uti: Uti, value: int) -> None:
    """`who` marks the contract for the open date; the other side has not committed."""
    date = world.network.business_date
    assert date is not None
    said = (o.ContractMark(uti, value),)
    commit = CommitMark(who.lei, other.lei, date, marks.digest(b"s", said))
    world.must(world.sign(commit, who.key("trade")))
    world.must(world.sign(SubmitMark(who.lei, other.lei, date, b"s", said), who.key("trade")))


def test_without_a_wait_in_the_rulebook_a_date_waits_for_every_feed() -> None:
    world = _world(blocks=0)
    world.close(D1, AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(D2, AAA=1_001))
    _pass(world, 50)
    assert world.network.business_date == D2


def test_the_first_marks_of_all_cannot_be_carried_forward() -> None:
    world = _world()
    world.must(*world.all_marks(D1, AAA=1_000))
    _pass(world, 3 * WAIT)
    assert world.network.business_date == D1


def test_the_date_closes_at_the_last_mark_and_the_next_quorum_catches_up() -> None:
    world = _world()
    a, b, _ = world.members
    world.must(world.trade(a, b, 10, 1_000, "BBB"))
    world.close(D1, AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(D2, AAA=1_001))
    happened = _pass(world, WAIT)
    carried = MarkCarried(FeedCode("EQ-BBB"), D2, 1_000, o.Basis(o.Clause.MARGIN, 1))
    assert carried in happened
    assert DateClosed(D2) in happened
    mark = world.state.must(t.MARKS, t.MARKS.key(FeedCode("EQ-BBB"), D2))
    assert (mark.value, mark.oracles, mark.previous) == (1_000, 0, D1)
    assert world.obligations() == {}
    world.close(D3, AAA=1_001, BBB=1_010)
    assert world.obligations() == {(b.lei, a.lei): 10}


def test_a_maturity_waits_for_its_price() -> None:
    world = _world(maturity=D2)
    a, b, _ = world.members
    world.must(world.trade(a, b, 10, 1_000, "BBB"))
    world.close(D1, AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(D2, AAA=1_001))
    _pass(world, 3 * WAIT)
    assert world.network.business_date == D2
    world.must(*world.all_marks(D2, BBB=1_010))
    assert world.network.closed_date == D2
    assert world.obligations() == {(b.lei, a.lei): 10}


def test_a_jump_that_is_held_is_never_passed_over() -> None:
    world = _world()
    world.close(D1, AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(D2, AAA=1_001, BBB=1_500))
    _pass(world, 3 * WAIT)
    assert world.network.business_date == D2
    world.must(*world.all_marks(D2, BBB=1_500))
    assert world.network.closed_date == D2


@pytest.mark.parametrize(
    ("said", "jump_bps", "moves", "provisional"),
    [
        (60, 1_000, 60, True),  # within 10 % of 10 * 1.000 = 1,000 cents
        (160, 1_000, 100, True),
        (-160, 1_000, -100, True),
        (60, 0, 0, True),  # a feed without a jump limit: the last mark stays, margin steps up
        (None, 1_000, 0, False),
    ],
)
def test_one_sides_word_moves_within_the_jump_limit_and_margin_steps_up(
    said: int | None, jump_bps: int, moves: int, provisional: bool
) -> None:
    world = _world(jump_bps=jump_bps)
    a, b, _ = world.members
    _marked_by_parties(world, a, b)
    trade = world.terms(a, b, 10, 1_000, "BBB")
    world.must(world.register(trade, a, b))
    world.close(D1, AAA=1_000, BBB=1_000)
    if said is not None:
        _says(world, a, b, trade.uti, said)
    world.must(*world.all_marks(D2, AAA=1_001))
    happened = _pass(world, WAIT)
    owed = {(b.lei, a.lei): moves} if moves > 0 else {(a.lei, b.lei): -moves} if moves else {}
    assert world.obligations() == owed
    terms = signed(world.state, a.lei, b.lei)
    assert terms is not None
    assert required(Draft(world.state), terms).first == (500 if provisional else 400)
    assert any(isinstance(event, MarksProvisional) for event in happened) == provisional
    if provisional:
        ended = world.close(D3, AAA=1_001, BBB=1_020)
        assert (
            MarksProvisional(a.lei, b.lei, D3, False, o.Basis(o.Clause.MARGIN, 1)) in ended.events
        )
        assert required(Draft(world.state), terms).first == 400


def test_a_word_that_nobody_needs_any_more_steps_no_margin_up() -> None:
    """The pair goes over to the oracles' marks: the step of their own marks ends at the close."""
    world = _world()
    a, b, _ = world.members
    _marked_by_parties(world, a, b)
    trade = world.terms(a, b, 10, 1_000, "BBB")
    world.must(world.register(trade, a, b))
    world.close(D1, AAA=1_000, BBB=1_000)
    _says(world, a, b, trade.uti, 60)
    world.must(*world.all_marks(D2, AAA=1_001))
    _pass(world, WAIT)
    amended = AmendCsa(replace(fixed_terms(a, b, 400), version=2))
    world.must(world.sign(amended, a.key("governance"), b.key("governance")))
    world.close(D3, AAA=1_001, BBB=1_020)
    terms = signed(world.state, a.lei, b.lei)
    assert terms is not None
    assert required(Draft(world.state), terms).first == 400


@pytest.mark.parametrize("fixing", [D2, 20240106], ids=["on a date", "between two dates"])
@pytest.mark.parametrize("traded", ["before", "after"])
def test_a_fixing_waits_for_its_rate_whenever_the_contract_is_made(
    fixing: int, traded: str
) -> None:
    """Between two dates it is the mark of the one before: that must not be a carried one. Nor may
    it be so because nobody had traded the instrument yet."""
    calendar = (D1, D2, Date(20240108), Date(20240109), Date(20240110))

    def change(genesis: Genesis) -> Genesis:
        founded = _waits(WAIT)(genesis)
        coupon = o.FloatingCoupon(
            Date(20240109), o.Side.BUYER, FeedCode("EQ-BBB"), Date(fixing), 0, 30, 360
        )
        shares = tuple(
            replace(one, coupons=(coupon,), maturity=Date(20240110)) for one in founded.instruments
        )
        return replace(founded, calendar=calendar, instruments=shares)

    world = World(members=3, shares=("AAA", "BBB"), maturity=CALENDAR[4], change=change)
    a, b, _ = world.members
    if traded == "before":
        world.must(world.trade(a, b, 10, 1_000))
    world.close(D1, AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(D2, AAA=1_001))
    _pass(world, 3 * WAIT)
    assert world.network.business_date == D2


def test_moves_of_two_feeds_are_taken_from_the_same_dates() -> None:
    """A mark carried forward is no move of its feed, and leaves no scenario of another's on that
    date: two prices that always move together have no risk against each other."""
    world = _world(jump_bps=0)
    a, b, _ = world.members
    terms = fixed_terms(a, b, 0)
    historical = replace(
        terms.im, model=o.ImModel.HISTORICAL, look_back=2, long_look_back=2, horizon=1,
        confidence_bps=9_900,
    )  # fmt: skip
    hedged = (world.trade(a, b, 10, 1_000, "AAA"), world.trade(b, a, 10, 1_000, "BBB"))
    world.must(*hedged)
    world.close(D1, AAA=1_000, BBB=1_000)
    world.close(D2, AAA=1_200, BBB=1_200)
    world.must(*world.all_marks(D3, AAA=1_200))
    _pass(world, WAIT)
    assert world.network.closed_date == D3
    world.close(D4, AAA=1_300, BBB=1_300)
    draft = Draft(world.state)
    row = draft.must(t.NETTING_SETS, t.netting_set_key(a.lei, b.lei))
    with_model = replace(terms, im=historical)
    exposures = requirement._exposures(draft, with_model, row, D4)
    moves = requirement._scenarios(draft, with_model, exposures, 3, True)
    assert [gain for _, gain in moves] == [0] * len(moves)
    assert [date for date, _ in moves] == [D4, D2]


def test_nothing_leaves_custody_at_a_price_that_nobody_gave() -> None:
    world = _world()
    a, b, _ = world.members
    terms = fixed_terms(a, b, 400)
    world.must(
        world.sign(RegisterCsa(terms), a.key("governance"), b.key("governance")),
        world.trade(a, b, 10, 1_000, "BBB"),
        world.sign(PostIm(a.lei, b.lei, USD, 50), a.key("treasury")),
    )
    world.close(D1, AAA=1_000, BBB=1_000)
    world.must(*world.all_marks(D2, AAA=1_001))
    _pass(world, WAIT)
    both = (a.key("treasury"), b.key("treasury"))
    for asked, signers in (
        (ReturnExcessIm(a.lei, b.lei, USD, 50), (a.key("treasury"),)),
        (SubstituteCollateral(a.lei, b.lei, USD, 50, USD, 50), both),
    ):
        with pytest.raises(ImNotFree, match="the last mark of EQ-BBB was carried forward"):
            world.check(world.sign(asked, *signers))
    world.close(D3, AAA=1_001, BBB=1_000)
    world.must(world.sign(ReturnExcessIm(a.lei, b.lei, USD, 50), a.key("treasury")))
