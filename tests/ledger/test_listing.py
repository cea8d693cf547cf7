"""Listings, dates, roles and groups by vote: what a genesis could not say, a vote cannot either."""

from collections.abc import Callable

import msgspec
import pytest

from ledger import enactment
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CastVote, Propose
from ledger.genesis import BadGenesis, Genesis, genesis_state
from ledger.rulebook import standard
from ledger.state import Draft
from tests.ledger.world import CALENDAR, USD, World
from wire.codec import digest_of
from wire.errors import CodedError
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei

replace = msgspec.structs.replace


def try_out(world: World, body: o.ProposalBody) -> None:
    """As if `body` had been adopted; raises its rejection."""
    enactment.enact(Draft(world.state), body, world.height + 1, o.Clause.VOTE)


def decided(world: World, body: o.ProposalBody) -> None:
    """`body` is proposed, adopted by everybody and enacted."""
    who = world.members[0]
    world.must(world.sign(Propose(who.lei, body, ""), who.key("governance")))
    number = world.network.proposals
    for voter in world.members:
        row = world.state.must(t.PROPOSALS, t.PROPOSALS.key(number))
        if row.state == o.ProposalState.OPEN:
            world.must(world.sign(CastVote(voter.lei, number, True), voter.key("governance")))
    world.apply()
    row = world.state.must(t.PROPOSALS, t.PROPOSALS.key(number))
    assert row.state == o.ProposalState.ENACTED


WORLD = World()
ISSUER = WORLD.issuer.lei
FEED = WORLD.genesis.feeds[0]
FORWARD = WORLD.genesis.instruments[0]
Change = Callable[[Genesis], Genesis]
BAD: list[tuple[o.ProposalBody, Change]] = []


def _asset(**changes: object) -> None:
    asset = replace(o.AssetTerms(AssetCode("EUR"), o.AssetKind.CASH, ISSUER, 2), **changes)
    BAD.append((o.ListAsset(asset), lambda g: replace(g, assets=(*g.assets, asset))))


def _feed(**changes: object) -> None:
    feed = replace(FEED, code=FeedCode("EQ-NEW"))
    feed = replace(feed, **changes)
    BAD.append((o.ListFeed(feed), lambda g: replace(g, feeds=(*g.feeds, feed))))


def _instrument(**changes: object) -> None:
    one = replace(FORWARD, code=InstrumentCode("FWD-NEW"))
    one = replace(one, **changes)
    BAD.append((o.ListInstrument(one), lambda g: replace(g, instruments=(*g.instruments, one))))


_asset(code=USD)
_asset(code=AssetCode("eur"))
_asset(issuer=WORLD.members[0].lei)
_asset(issuer=Lei("NOBODY"))
_asset(exponent=9)
_feed(code=FEED.code)
_feed(scale=0)
_feed(value_max=0)
_feed(value_min=FEED.value_max + 1)
_feed(jump_bps=-1)
_instrument(code=FORWARD.code)
_instrument(feed=FeedCode("EQ-NONE"))
_instrument(currency=AssetCode("EUR"))
_instrument(price_scale=FORWARD.price_scale + 1)
_instrument(maturity=Date(20240230))
_instrument(delivery=o.Delivery(USD, 1))
_instrument(coupons=(o.FixedCoupon(Date(20240103), o.Side.BUYER, 0),))


@pytest.mark.parametrize(("body", "change"), BAD)
def test_what_a_genesis_could_not_list_a_vote_cannot_either(
    body: o.ProposalBody, change: Change
) -> None:
    with pytest.raises(r.BadListing):
        try_out(WORLD, body)
    with pytest.raises((BadGenesis, CodedError)):
        genesis_state(change(WORLD.genesis))


def test_dates_come_after_all_that_have_been_and_an_exhausted_calendar_opens_again() -> None:
    world = World(change=lambda g: replace(g, calendar=CALENDAR[:2]), maturity=CALENDAR[1])
    for dates in ((), CALENDAR[1:3], (CALENDAR[3], CALENDAR[2]), (Date(20240230),)):
        with pytest.raises(r.BadListing):
            try_out(world, o.ExtendCalendar(tuple(dates)))
    for date in CALENDAR[:2]:
        world.close(date, AAA=1_000)
    assert world.network.business_date is None
    with pytest.raises(r.BadListing, match=str(CALENDAR[1])):
        try_out(world, o.ExtendCalendar((CALENDAR[1],)))
    decided(world, o.ExtendCalendar(CALENDAR[2:4]))
    assert world.network.business_date == CALENDAR[2]
    world.close(CALENDAR[2], AAA=1_000)
    decided(world, o.ExtendCalendar(CALENDAR[4:]))
    assert world.network.calendar == CALENDAR[3:]


def test_every_version_of_the_rulebook_is_kept_with_its_hash() -> None:
    world = World()
    first = world.genesis.rulebook
    second = replace(first, version=2, rounding_unit=5)
    decided(world, o.AmendRulebook(second))
    kept = {row.rulebook.version: row for _, row in world.state.scan(t.RULEBOOKS)}
    assert [kept[n].rulebook for n in (1, 2)] == [first, second]
    assert [kept[n].rulebook_hash for n in (1, 2)] == [digest_of(first), digest_of(second)]
    assert (kept[1].from_height, kept[2].from_height) == (0, world.height)
    assert standard("S", USD, 1) != first


def test_an_issuer_of_assets_and_a_party_of_contracts_keep_their_roles() -> None:
    world = World()
    a, b, c = world.members
    world.must(world.trade(a, b, 1, 1_000))
    for lei, roles in (
        (ISSUER, (o.Role.ORACLE,)),
        (a.lei, (o.Role.ORACLE,)),
        (c.lei, ()),
        (c.lei, (o.Role.VALIDATOR,)),
        (c.lei, (o.Role.ORACLE, o.Role.MEMBER)),
    ):
        with pytest.raises(r.BadApplication):
            try_out(world, o.SetRoles(lei, roles))
    decided(world, o.SetRoles(c.lei, (o.Role.ATTESTOR,)))
    row = world.state.must(t.MEMBERS, t.MEMBERS.key(c.lei))
    assert row.roles == (o.Role.VALIDATOR, o.Role.ATTESTOR)


def test_neither_the_old_nor_the_new_group_decides_who_belongs_to_it() -> None:
    world = World(members=4)
    a, b, c, d = world.members
    body = o.SetGroup(b.lei, c.lei)
    world.must(world.sign(Propose(a.lei, body, ""), a.key("governance")))
    for who in (b, c):
        with pytest.raises(r.NotEntitled):
            world.check(world.sign(CastVote(who.lei, 1, True), who.key("governance")))
    world.must(*[world.sign(CastVote(x.lei, 1, True), x.key("governance")) for x in (a, d)])
    world.apply()
    assert world.state.must(t.MEMBERS, t.MEMBERS.key(b.lei)).group == c.lei
