"""Situations of default that no scenario file shows: several at once, and what protects whom."""

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.actions import CastVote, Propose, SubmitQuote, WithdrawFund
from ledger.events import (
    ClaimCovered,
    ClosedOut,
    ContributionShort,
    DefaultDeclared,
    Event,
    FundBreached,
    FundSized,
    InstrumentPriced,
    RoundRecomputed,
    TrancheBears,
)
from ledger.genesis import Genesis
from ledger.waterfall import CLASSIC
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, World
from wire.ids import InstrumentCode

D1, D2 = CALENDAR[:2]


def _until_allocated(world: World, date: int, mark: int) -> list[Event]:
    """Close a date at a mark, and go on until no case waits."""
    events = list(world.close(date, AAA=mark).events)
    while any(
        row.state not in (o.CaseState.RECOVERY, o.CaseState.CLOSED)
        for _, row in world.state.scan(t.DEFAULT_CASES)
    ):
        events += world.apply().events
    return events


def test_proposers_of_a_third_of_the_power_cannot_bring_a_declaration_about() -> None:
    """One of three validators proposes for ever: it could keep the payment out."""
    world = defaults.world_of(3)
    world.turns = 1
    a, b, _ = world.members
    world.must(defaults.directed(world, b))
    for _ in range(12):
        world.apply()
    assert defaults.case(world).room_blocks >= 12
    assert defaults.case(world).state == o.CaseState.NOTICE
    world.turns = 3
    for _ in range(3):
        world.apply()
    assert defaults.case(world).declared
    assert a.lei in defaults.case(world).heard


def test_two_defaulters_share_the_tranches_and_their_estates_draw_on_none() -> None:
    """E and D both fail A; D has lost to E too. At 0.60 less: A's claims are 120 and 60 units of
    loss, E's estate has one of 30 on D, covered by nothing."""
    world = defaults.world_of(4, order=CLASSIC)
    a, b, d, e = world.members
    world.must(*[world.mint(who, 10_000) for who in (b, world.issuer)])
    world.must(defaults.capital(world, 3_000), defaults.contribution(world, b, 600))
    world.must(
        world.trade(d, a, 200, 1_000), world.trade(e, a, 100, 1_000), world.trade(d, e, 50, 1_000)
    )
    world.close(D1, AAA=1_000)
    defaults.declare(world, d, e)
    events = _until_allocated(world, D2, 400)
    amounts = {
        (event.debtor, event.creditor): event.amount
        for event in events
        if isinstance(event, ClosedOut) and event.amount
    }
    assert amounts[d.lei, a.lei] == 12_000
    assert amounts[e.lei, a.lei] == 6_000
    assert amounts[d.lei, e.lei] == 3_000
    covered = {
        (event.debtor, event.creditor): event.covered
        for event in events
        if isinstance(event, ClaimCovered)
    }
    assert covered == {(d.lei, a.lei): 2_400, (e.lei, a.lei): 1_200, (d.lei, e.lei): 0}
    capital = [x for x in events if isinstance(x, TrancheBears) and x.tranche == o.Tranche.CAPITAL]
    assert [(x.case, x.amount) for x in capital] == [(1, 2_000), (2, 1_000)]
    assert {row.state for _, row in world.state.scan(t.CONTRACTS)} == {o.ContractState.TERMINATED}


def test_an_affiliate_of_the_defaulter_is_paid_by_margin_only() -> None:
    def one_group(genesis: Genesis) -> Genesis:
        changed = defaults.short(porting_window_blocks=0, order=CLASSIC)(genesis)
        first, *rest = changed.members
        affiliate = msgspec.structs.replace(rest[0], group=first.group)
        return msgspec.structs.replace(changed, members=(first, affiliate, *rest[1:]))

    world = World(members=4, maturity=CALENDAR[4], change=one_group)
    world.turns = 4
    d, a, b, _ = world.members
    world.must(world.mint(world.issuer, 9_000))
    world.must(defaults.capital(world, 9_000), world.trade(d, a, 100, 1_000))
    world.must(world.trade(d, b, 10, 1_000))
    world.close(D1, AAA=1_000)
    defaults.declare(world, d)
    events = _until_allocated(world, D2, 900)
    covered = {x.creditor: x.covered for x in events if isinstance(x, ClaimCovered)}
    assert covered == {a.lei: 0, b.lei: 100}


def test_what_was_entered_is_protected_if_the_rulebook_says_so() -> None:
    """The round that was frozen before the declaration settles with the defaulter in it."""
    for protected, paid in ((True, 1_000), (False, 0)):
        world = defaults.world_of(3, porting=20, protected_after_entry=protected)
        a, b, _ = world.members
        world.must(world.mint(a, 5_000), world.trade(a, b, 100, 1_000))
        world.must(defaults.directed(world, a))
        events = list(world.close(D1, AAA=900).events)
        for _ in range(6):
            events += world.apply().events
        assert any(isinstance(x, DefaultDeclared) for x in events)
        assert any(isinstance(x, RoundRecomputed) for x in events) != protected
        assert world.cash(b) == paid


def test_a_trade_far_from_the_market_shortly_before_the_notice_is_not_the_funds() -> None:
    world = defaults.world_of(3, order=CLASSIC, look_back_blocks=50, price_band_bps=1_000)
    a, b, d = world.members
    world.must(world.mint(world.issuer, 90_000), world.trade(d, b, 100, 1_000))
    world.must(defaults.capital(world, 90_000))
    world.close(D1, AAA=1_000)
    world.must(world.trade(d, a, 100, 1_101), world.trade(d, b, 100, 1_100))
    defaults.declare(world, d)
    events = _until_allocated(world, D2, 1_000)
    covered = {x.creditor: (x.amount, x.covered) for x in events if isinstance(x, ClaimCovered)}
    assert covered == {a.lei: (1_010, 0), b.lei: (1_000, 1_000)}


def test_two_firm_quotes_and_one_of_the_counterparty_are_no_quorum() -> None:
    """The oracles' median counts, taken after the window opened."""
    world = defaults.world_of(5)
    a, b, d, e, _ = world.members
    world.must(world.trade(d, a, 10, 1_000))
    world.close(D1, AAA=1_000)
    defaults.declare(world, d)
    code = InstrumentCode("FWD-AAA")
    quotes = [SubmitQuote(who.lei, 1, code, 500) for who in (a, b, e)]
    keys = [who.key("trade") for who in (a, b, e)]
    world.must(*[world.sign(quote, key) for quote, key in zip(quotes, keys, strict=True)])
    events = _until_allocated(world, D2, 700)
    prices = [x for x in events if isinstance(x, InstrumentPriced)]
    assert [(x.price, x.source, x.date) for x in prices] == [(700, o.PriceSource.ORACLES, D2)]


def test_a_case_goes_by_the_rules_of_its_notice() -> None:
    """An amendment under way when notice is given does not change who bears the losses."""
    world = defaults.world_of(4, order=CLASSIC)
    a, b, d, e = world.members
    world.must(world.mint(b, 5_000), world.trade(d, a, 100, 1_000))
    world.must(defaults.contribution(world, b, 5_000))
    world.close(D1, AAA=1_000)
    world.must(defaults.directed(world, d))
    current = world.state.must(t.RULEBOOK, t.rulebook_key())
    rules = msgspec.structs.replace(current.default, order=(o.Tranche.IM,), notice_blocks=500)
    later = msgspec.structs.replace(current, version=2, default=rules)

    body = Propose(a.lei, o.AmendRulebook(later), "")
    world.must(world.sign(body, a.key("governance")))
    votes = [world.sign(CastVote(x.lei, 1, True), x.key("governance")) for x in (a, b, e)]
    world.must(*votes)
    while not defaults.case(world).declared:
        world.apply()
    world.apply()
    events = _until_allocated(world, D2, 900)
    assert world.state.must(t.RULEBOOK, t.rulebook_key()).version == 2
    borne = [x for x in events if isinstance(x, TrancheBears)]
    assert [(x.tranche, x.bearer, x.amount) for x in borne] == [(o.Tranche.SURVIVORS, b.lei, 1_000)]
    assert borne[0].basis.rulebook_version == 1


def test_the_fund_is_sized_by_the_two_largest_groups_in_one_scenario() -> None:
    """Down 20 %: A loses 6,000 to B, less margin of 1,000 and its contribution of 500; C 2,000.
    Up 20 %: B loses 6,000 - 1,000, D 2,000."""
    down = o.StressScenario("down", (o.Shift(defaults.feed("AAA"), -2_000),))
    up = o.StressScenario("up", (o.Shift(defaults.feed("AAA"), 2_000),))
    world = defaults.world_of(4, scenarios=(down, up), contribution_floor=300)
    a, b, c, d = world.members
    world.must(*[world.mint(who, 20_000) for who in world.members])
    world.must(defaults.fixed_margin(world, a, b, 1_000), defaults.contribution(world, a, 500))
    world.must(world.trade(a, b, 300, 1_000), world.trade(c, d, 100, 1_000))
    events = world.close(D1, AAA=1_000).events
    (sized,) = [x for x in events if isinstance(x, FundSized)]
    assert (sized.requirement, sized.scenario, sized.fund) == (7_000, "up", 500)
    assert sized.groups == (b.lei, d.lei)
    assert any(isinstance(x, FundBreached) for x in events)
    # Risk: A and B the margin of 1,000 each, C and D their notional of 10,000 each.
    short = {x.member: x.required for x in events if isinstance(x, ContributionShort)}
    assert short == {b.lei: 318, c.lei: 3_182, d.lei: 3_182}
    service = world.genesis.rulebook.service
    wanted = WithdrawFund(a.lei, service, 183)
    assert world.codes(world.sign(wanted, a.key("treasury"))) == ["FUND_BELOW_REQUIREMENT"]
    wanted = WithdrawFund(a.lei, service, 182)
    assert world.codes(world.sign(wanted, a.key("treasury"))) == ["OK"]


def test_from_its_notice_on_a_member_has_no_minimum_transfer_amount() -> None:
    def change(genesis: Genesis) -> Genesis:
        changed = defaults.short(porting_window_blocks=0)(genesis)
        rulebook = msgspec.structs.replace(changed.rulebook, minimum_transfer_amount=5_000)
        return msgspec.structs.replace(changed, rulebook=rulebook)

    world = World(members=4, maturity=CALENDAR[4], change=change)
    world.turns = 4
    a, b, c, d = world.members
    world.must(world.trade(a, b, 100, 1_000), world.trade(c, d, 100, 1_000))
    world.must(defaults.directed(world, a))
    world.close(D1, AAA=900)
    assert world.obligations() == {(a.lei, b.lei): 1_000}
