"""Nobody meets what it owes in a token that its own group issues: a promise is no payment."""

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.actions import Approve, CreateBatch, Mint, RegisterCsa
from ledger.csa import currency_terms
from ledger.events import RoundSettled
from ledger.genesis import Genesis
from node.founding import Identity
from tests.ledger.defaults import fixed_terms
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import AssetCode

replace = msgspec.structs.replace
EUR = AssetCode("EUR")


def _issued_by(world: World, who: Identity, code: AssetCode = USD) -> None:
    """The token passes to `who`, as if a group had bought the issuer."""
    key = t.ASSETS.key(code)
    world.put({key: replace(world.state.must(t.ASSETS, key), issuer=who.lei)})


def _in_group_of(world: World, who: Identity, parent: Identity) -> None:
    key = t.MEMBERS.key(who.lei)
    world.put({key: replace(world.state.must(t.MEMBERS, key), group=parent.lei)})


def test_a_trade_settled_in_a_partys_own_token_is_refused_to_it_and_its_group() -> None:
    world = World(members=4, maturity=CALENDAR[4])
    bank, sister, b, c = world.members
    _issued_by(world, bank)
    _in_group_of(world, sister, bank)
    for one, other in ((bank, b), (b, bank), (sister, b), (b, sister)):
        assert world.codes(world.trade(one, other, 10, 1_000)) == ["ASSET_OWN_ISSUED"]
    world.must(world.trade(b, c, 10, 1_000))


def test_terms_that_margin_in_a_partys_own_token_are_refused() -> None:
    world = World(members=3, maturity=CALENDAR[4])
    bank, b, c = world.members
    _issued_by(world, bank)
    for one, other, code in ((bank, b, "ASSET_OWN_ISSUED"), (b, c, "OK")):
        rule = world.state.must(t.RULEBOOK, t.rulebook_key())
        terms = fixed_terms(one, other, 100, currency_terms(None, rule, USD))
        keys = (one.key("governance"), other.key("governance"))
        assert world.codes(world.sign(RegisterCsa(terms), *keys)) == [code]


def test_a_pay_in_is_not_met_in_what_became_ones_own_token_though_receipts_count() -> None:
    world = World(members=3, maturity=CALENDAR[4])
    a, b, c = world.members
    world.must(
        world.trade(a, b, 40, 1_010), world.trade(c, a, 30, 1_010), world.mint(a, 1_000),
        world.mint(c, 1_000),
    )  # fmt: skip
    _issued_by(world, a)
    world.close(CALENDAR[0], AAA=1_000)
    (settled,) = [x for one in world.settle() for x in one.events if isinstance(x, RoundSettled)]
    # a owes 40 and gets 30: of the 10 that are missing, its thousand of its own pay nothing.
    assert settled.failed == (a.lei,)
    assert world.obligations() == {(a.lei, b.lei): 40, (c.lei, a.lei): 30}


def test_an_issuer_delivers_its_own_token_in_an_exchange() -> None:
    def with_euro(genesis: Genesis) -> Genesis:
        euro = o.AssetTerms(EUR, o.AssetKind.CASH, genesis.assets[0].issuer, 2)
        return replace(genesis, assets=(*genesis.assets, euro))

    world = World(members=3, change=with_euro)
    a, b, _ = world.members
    euros = world.sign(Mint(EUR, a.lei, 500, "R"), world.issuer.key("treasury"))
    world.must(euros, world.mint(b, 600))
    _issued_by(world, a, EUR)
    legs = (o.Leg(a.lei, b.lei, EUR, 500), o.Leg(b.lei, a.lei, USD, 600))
    world.must(
        world.sign(CreateBatch(a.lei, "X", legs, CALENDAR[0], 60, 0, True), a.key("treasury"))
    )
    for who in (a, b):
        world.must(world.sign(Approve(who.lei, a.lei, "X"), who.key("treasury")))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert world.cash(a) == 600
    assert world.state.must(t.BALANCES, t.own_account(b.lei, EUR)).balance == 500
