"""Networks in which somebody defaults: short windows, turns in proposing, margin terms."""

from collections.abc import Callable
from typing import Any

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    ContributeFund,
    DirectDefault,
    PostCapital,
    RegisterCsa,
)
from ledger.default.rules import STANDARD
from ledger.genesis import Genesis
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.ids import FeedCode, Party


def short(**changes: Any) -> Callable[[Genesis], Genesis]:
    """A change of genesis: notice of two blocks, windows of one, one block of grace."""

    def change(genesis: Genesis) -> Genesis:
        rules = msgspec.structs.replace(
            STANDARD,
            notice_blocks=2,
            close_out_window_blocks=1,
            operator=genesis.assets[0].issuer,
            **changes,
        )
        margin = msgspec.structs.replace(genesis.rulebook.margin, grace_blocks=1)
        rulebook = msgspec.structs.replace(genesis.rulebook, default=rules, margin=margin)
        return msgspec.structs.replace(genesis, rulebook=rulebook)

    return change


def feed(share: str) -> FeedCode:
    """The feed of a share."""
    return FeedCode(f"EQ-{share}")


def world_of(members: int, porting: int = 0, **changes: Any) -> World:
    """A network whose members take turns, with the rules of `short`."""
    change = short(porting_window_blocks=porting, **changes)
    world = World(members=members, maturity=CALENDAR[4], change=change)
    world.turns = members
    return world


def contribution(world: World, who: Identity, amount: int) -> Transaction:
    """A member pays into the fund."""
    service = world.state.must(t.RULEBOOK, t.rulebook_key()).service
    return world.sign(ContributeFund(who.lei, service, amount), who.key("treasury"))


def capital(world: World, amount: int) -> Transaction:
    """The issuer, who is the operator, puts capital in."""
    service = world.state.must(t.RULEBOOK, t.rulebook_key()).service
    action = PostCapital(world.issuer.lei, service, amount)
    return world.sign(action, world.issuer.key("treasury"))


def directed(world: World, who: Identity) -> Transaction:
    """The supervisor directs a default."""
    action = DirectDefault(world.observer.lei, who.lei, "ordered")
    return world.sign(action, world.observer.key("governance"))


def fixed_margin(world: World, one: Identity, other: Identity, amount: int) -> Transaction:
    """Both sides post a fixed amount of cash."""
    terms = fixed_terms(one, other, amount)
    return world.sign(RegisterCsa(terms), *(who.key("governance") for who in (one, other)))


def fixed_terms(one: Identity, other: Identity, amount: int, *currencies: o.CurrencyTerms) -> o.Csa:
    """Terms with a fixed initial margin in cash, and variation margin as stated."""
    first, second = sorted((one, other), key=lambda who: who.lei)
    im = o.ImTerms(
        model=o.ImModel.FIXED,
        currency=USD,
        fixed_first=amount,
        fixed_second=amount,
        confidence_bps=9_900,
        look_back=20,
        horizon=1,
        tool=o.Procyclicality.BUFFER,
        stress_bps=2_500,
        stress_from=None,
        stress_to=None,
        long_look_back=0,
        rise_bps_max=0,
    )
    return o.Csa(
        first=Party(first.lei),
        second=Party(second.lei),
        version=1,
        mode=o.CsaMode.SETTLED,
        currencies=currencies,
        eligible=(o.EligibleAsset(USD, 0, None),),
        im=im,
        grace_blocks=1,
        cut_off_blocks=0,
        mark_source=o.MarkSource.ORACLES,
        mark_tolerance=0,
        oracles=(),
        guarantors=(),
        legal_text_hash=bytes(32),
        governing_law="",
        opinion=None,
        title_transfer=False,
    )


def case(world: World, number: int = 1) -> o.DefaultCase:
    """A case as it stands."""
    return world.state.must(t.DEFAULT_CASES, t.DEFAULT_CASES.key(number))


def declare(world: World, *members: Identity) -> None:
    """Direct that members default, and wait until they are declared."""
    world.must(*[directed(world, who) for who in members])
    while any(
        world.state.must(t.MEMBERS, t.MEMBERS.key(who.lei)).state != o.MemberState.DEFAULTED
        for who in members
    ):
        world.apply()
