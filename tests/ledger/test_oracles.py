"""Oracle marks: the median of a quorum for every feed closes the business date."""

import msgspec
import pytest

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import FeedMark, SubmitOracle
from ledger.events import DateClosed
from ledger.genesis import Genesis
from ledger.oracles import median
from tests.ledger.world import CALENDAR, World
from wire.errors import Rejection
from wire.ids import FeedCode

D1, D2 = CALENDAR[:2]


def _mark(world: World, date: int = D1, share: str = "AAA") -> o.Mark | None:
    return world.state.get(t.MARKS, t.MARKS.key(f"EQ-{share}", date))


def test_the_date_closes_at_the_median_when_a_quorum_has_marked_every_feed() -> None:
    world = World(shares=("AAA", "BBB"))
    one, two, three = world.oracles
    world.must(world.marks(one, D1, AAA=100, BBB=7), world.marks(two, D1, AAA=130, BBB=8))
    world.must(world.marks(three, D1, AAA=110))
    assert world.network.business_date == D1
    assert _mark(world) is None
    applied = world.must(world.marks(three, D1, BBB=1))
    assert applied.events == (DateClosed(D1),)
    assert (_mark(world), _mark(world, share="BBB")) == (o.Mark(110, 3, None), o.Mark(7, 3, None))
    assert world.network.business_date == D2
    assert world.network.calendar == CALENDAR[1:]


def test_an_oracles_latest_mark_counts() -> None:
    world = World()
    one, two, three = world.oracles
    world.must(world.marks(one, D1, AAA=1), world.marks(one, D1, AAA=50))
    world.must(world.marks(two, D1, AAA=60), world.marks(three, D1, AAA=70))
    assert _mark(world) == o.Mark(60, 3, None)


def test_marks_for_a_date_that_is_closed_or_not_open_yet_are_refused() -> None:
    world = World()
    one = world.oracles[0]
    tx = world.marks(one, D2, AAA=1)
    with pytest.raises(r.DateNotOpen, match=f"date is {D2}, open is {D1}"):
        world.check(tx)
    assert world.codes(tx) == ["ORACLE_DATE_NOT_OPEN"]
    world.close(D1, AAA=5)
    assert world.codes(world.marks(one, D1, AAA=1)) == ["ORACLE_DATE_NOT_OPEN"]
    assert _mark(world) == o.Mark(5, 3, None)


def test_marks_of_an_old_date_do_not_count_for_the_next() -> None:
    world = World()
    world.close(D1, AAA=5)
    world.must(*[world.marks(oracle, D2, AAA=6) for oracle in world.oracles[:2]])
    assert world.network.business_date == D2


def test_when_the_calendar_is_used_up_no_date_is_open() -> None:
    world = World()
    for date in CALENDAR:
        world.close(date, AAA=5)
    assert world.network.business_date is None
    assert world.codes(world.marks(world.oracles[0], CALENDAR[-1], AAA=5)) == [
        "ORACLE_DATE_NOT_OPEN"
    ]
    a, b, _ = world.members
    assert world.codes(world.trade(a, b, 1, 1)) == ["TRADE_INSTRUMENT_MATURED"]
    assert world.apply().events == ()


@pytest.mark.parametrize(
    ("marks", "error", "detail"),
    [
        ((), r.BadMark, "has 0 marks, 1 to 512 allowed"),
        ((("EQ-AAA", 1),) * 513, r.BadMark, "has 513 marks, 1 to 512 allowed"),
        ((("EQ-AAA", 1), ("EQ-AAA", 2)), r.BadMark, "a feed stands twice"),
        ((("EQ-AAA", 0),), r.BadMark, "EQ-AAA is 0, must be 1 to 1000000000"),
        ((("EQ-AAA", -1),), r.BadMark, "EQ-AAA is -1, must be 1 to 1000000000"),
        ((("EQ-AAA", 10**9 + 1),), r.BadMark, "must be 1 to 1000000000"),
        ((("EQ-ZZZ", 1),), r.UnknownFeed, "feed EQ-ZZZ"),
        ((("EQ-AAA", 1), ("é" * 99, 1)), r.UnknownFeed, "feed " + "é" * 40),
    ],
)
def test_bad_marks_are_refused_and_none_of_them_counts(
    marks: tuple[tuple[str, int], ...], error: type[Rejection], detail: str
) -> None:
    world = World()
    oracle = world.oracles[0]
    given = tuple(FeedMark(FeedCode(feed), value) for feed, value in marks)
    tx = world.sign(SubmitOracle(oracle.lei, D1, given), oracle.key("oracle"))
    with pytest.raises(error) as caught:
        world.check(tx)
    assert detail in caught.value.detail
    assert world.codes(tx) == [error.code]
    assert world.state.scan(t.ORACLE_MARKS) == []


def test_oracles_of_one_group_count_once() -> None:
    def one_group(genesis: Genesis) -> Genesis:
        oracles = [m for m in genesis.members if o.Role.ORACLE in m.roles]
        members = tuple(
            msgspec.structs.replace(m, group=oracles[0].lei) if m == oracles[1] else m
            for m in genesis.members
        )
        return msgspec.structs.replace(genesis, members=members)

    world = World(change=one_group)
    world.close(D1, AAA=5)
    assert world.network.business_date == D1


def test_a_quorum_is_more_than_half_of_all_oracles() -> None:
    def seven(genesis: Genesis) -> Genesis:
        extra = tuple(
            msgspec.structs.replace(m, roles=(*m.roles, o.Role.ORACLE))
            for m in genesis.members
            if o.Role.MEMBER in m.roles
        )
        rest = tuple(m for m in genesis.members if o.Role.MEMBER not in m.roles)
        return msgspec.structs.replace(genesis, members=(*extra, *rest))

    world = World(members=4, change=seven)
    world.must(*world.all_marks(D1, AAA=5))
    assert world.network.business_date == D1


def test_oracle_marks_act_before_the_other_transactions_of_a_block() -> None:
    world = World(maturity=20240102)
    a, b, _ = world.members
    trade = world.trade(a, b, 1, 1_000)
    world.must(world.mint(a, 100), world.mint(b, 100))
    receipts = world.apply(trade, *world.all_marks(D1, AAA=900)).receipts
    assert [x.code for x in receipts] == ["OK"] * 4
    assert world.obligations() == {(a.lei, b.lei): 10}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5], 5),
        ([9, 1, 4], 4),
        ([1, 2], 2),
        ([2, 3], 2),
        ([3, 4], 4),
        ([1, 1, 4, 9], 2),
        ([1, 2, 5, 9], 4),
        ([7, 7, 7, 7, 1000], 7),
    ],
)
def test_the_median_of_an_even_count_is_the_mean_of_the_middle_two_half_to_even(
    values: list[int], expected: int
) -> None:
    assert median(values) == expected
