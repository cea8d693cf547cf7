"""Initial margin moves by its routes only: every action there is, with every combination of fields
from small pools, by everyone but the owners, by one owner, by votes, and by recovered keys.

Exhaustive within its bounds: each field takes every value of its pool (members that own, that do
not, the authority; amounts below, at and above what is in custody; live and unknown references),
each alone on a ledger with margin in custody, and all that had an effect one after the other.
"""

import copy
import itertools
import os
from collections.abc import Iterable, Iterator
from enum import IntEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from ledger import execution
from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    Action,
    AgreeIm,
    CastVote,
    PostIm,
    Propose,
    ReturnExcessIm,
    SubstituteCollateral,
)
from ledger.apply import check_transaction
from ledger.genesis import Genesis
from ledger.recovered import SIGNS_FOR_IM
from ledger.requirement import required
from ledger.state import Draft
from ledger.transactions import KeySignature, Transaction, is_trade
from node.founding import Identity
from tests.ledger.defaults import fixed_terms
from tests.ledger.generated import Generator
from tests.ledger.world import CALENDAR, CHAIN, USD, World
from wire.errors import Rejection
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei, Party, Uti
from wire.signing import SigningKey

replace = msgspec.structs.replace
POSTED, EXCESS = 400, 100
SIGNING = (o.KeyRole.TRADE, o.KeyRole.TREASURY, o.KeyRole.GOVERNANCE, o.KeyRole.ORACLE)
DEPTH = int(os.environ.get("DCN_CUSTODY_DEPTH", "2"))
"""Length of the sequences of actions that have an effect alone."""


def _quick(genesis: Genesis) -> Genesis:
    rules = [replace(rule, window_blocks=20) for rule in genesis.rulebook.voting]
    return replace(genesis, rulebook=replace(genesis.rulebook, voting=tuple(rules)))


def _world() -> World:
    """A and B have 400 of margin each in custody, A 100 more than it must; the others are six."""
    world = World(members=8, maturity=CALENDAR[3], change=_quick)
    a, b, *_ = world.members
    world.must(*[world.mint(who, 10_000) for who in world.members])
    keys = (a.key("governance"), b.key("governance"))
    terms = fixed_terms(a, b, POSTED)
    world.must(world.sign(execution.RegisterCsa(terms), *keys))
    world.must(world.register(_trade(world), a, b))
    world.must(world.sign(PostIm(a.lei, b.lei, USD, EXCESS), a.key("treasury")))
    assert _custody(world) == (POSTED + EXCESS, POSTED)
    return world


def _copy(world: World) -> World:
    """The same ledger, to go on from apart."""
    fresh = copy.copy(world)
    fresh.blocks = [*world.blocks]
    return fresh


def _trade(world: World) -> o.Trade:
    a, b, *_ = world.members
    return replace(world.terms(a, b, 5, 1_000), uti=Uti(f"{a.lei}LIVE"))


def _custody(world: World, draft: Draft | None = None) -> tuple[int, int]:
    a, b, *_ = world.members
    rows = [
        (draft or world.state).get(t.BALANCES, t.im_escrow(one.lei, other.lei, USD))
        for one, other in ((a, b), (b, a))
    ]
    first, second = (0 if row is None else row.balance for row in rows)
    return first, second


class Every:
    """Every value of a type, its fields drawn from pools."""

    def __init__(self, world: World) -> None:
        a, b, c, d, *_ = world.members
        live = _trade(world)
        csa = replace(fixed_terms(a, b, 0), version=2)
        book = world.genesis.rulebook
        loose = replace(book.membership, recovered_key_blocks=100)
        margin = replace(book.margin, provisional_im_bps=0)
        self._pools: dict[Any, list[Any]] = {
            Lei: [a.lei, c.lei, world.observer.lei],
            Party: [a.lei, b.lei, c.lei, d.lei],
            Uti: [live.uti, Uti(f"{c.lei}NEW")],
            AssetCode: [USD],
            FeedCode: [world.genesis.feeds[0].code],
            InstrumentCode: [live.instrument],
            Date: [CALENDAR[0]],
            str: ["R"],
            int: [0, EXCESS, POSTED + EXCESS],
            bytes: [bytes(32), a.key("treasury").public, SigningKey(bytes(range(32))).public],
            bool: [False, True],
            o.Trade: [
                replace(live, quantity=1),
                replace(live, uti=Uti(f"{c.lei}NEW"), buyer=c.lei, seller=d.lei),
            ],
            o.Csa: [csa, replace(csa, eligible=()), replace(csa, version=1)],
            o.Rulebook: [
                replace(book, version=2, membership=loose),
                replace(book, version=2, margin=margin, minimum_transfer_amount=1),
            ],
            o.Instrument: [world.genesis.instruments[0]],
            o.Leg: [o.Leg(c.lei, d.lei, USD, EXCESS), o.Leg(a.lei, c.lei, USD, EXCESS)],
            o.Mandate: [
                o.Mandate(world.observer.lei, "R", (), (), CALENDAR[0], CALENDAR[3], 0, 1, "R"),
                o.Mandate(c.lei, "R", (), (), CALENDAR[0], CALENDAR[3], 0, 1, "R"),
            ],
            o.Look: [o.Look(world.observer.lei, "R", "R", a.lei, "R", 1, 0, "R", bytes(32))],
            o.KeyRole: [o.KeyRole.TREASURY, o.KeyRole.TRADE, o.KeyRole.GOVERNANCE],
        }

    def of(self, kind: Any) -> list[Any]:
        """Every value of `kind`."""
        if kind not in self._pools:
            self._pools[kind] = list(self._make(kind))
        return self._pools[kind]

    def _make(self, kind: Any) -> Iterable[Any]:
        origin = get_origin(kind)
        if origin is Annotated:
            return self.of(get_args(kind)[0])
        if origin in (Union, UnionType):
            return [value for option in get_args(kind) for value in self.of(option)]
        if kind is type(None):
            return [None]
        if origin is tuple:
            return [(), *((value,) for value in self.of(get_args(kind)[0])[:2])]
        if hasattr(kind, "__supertype__"):
            return self.of(kind.__supertype__)
        if issubclass(kind, IntEnum):
            return list(kind)[:3]
        hints = get_type_hints(kind, include_extras=True)
        fields = [self.of(hints[name]) for name in kind.__struct_fields__]
        return (kind(*values) for values in itertools.product(*fields))


def _actions(world: World) -> Iterator[Action]:
    every = Every(world)
    for kind in sorted(execution.RULES, key=lambda one: one.__name__):
        if kind is not Propose:  # votes: below
            yield from every.of(kind)


def _without(world: World, generator: Generator, action: Action, absent: list[Identity]) -> Any:
    """`action` with the keys of all who must sign, but for those `absent`; whether signatures are
    good is asked elsewhere."""
    theirs = {generator.secret(who.lei, role).public for who in absent for role in SIGNING}
    bare = Transaction(CHAIN, 0 if is_trade(action) else 10**6, world.height + 9, action, ())
    keys = sorted(key.public for key in generator.keys(world, bare) if key.public not in theirs)
    return replace(bare, signatures=tuple(KeySignature(key, bytes(64)) for key in keys))


def _effect(world: World, tx: Any) -> Draft | None:
    """What the transaction does in the next block; None: it is refused."""
    try:
        return check_transaction(world.state, tx, world.height + 1)
    except Rejection:
        return None


def test_nobody_but_the_owners_moves_their_margin_by_any_one_action() -> None:
    world = _world()
    generator = Generator(world, hostile=False)
    a, b, *_ = world.members
    before = _custody(world)
    accepted = []
    for action in _actions(world):
        draft = _effect(world, _without(world, generator, action, [a, b]))
        if draft is not None:
            accepted.append(action)
            assert _custody(world, draft) == before, action
    assert len({type(action) for action in accepted}) >= 16
    for length in range(2, DEPTH + 1):
        assert _sequences(world, generator, accepted, length) > len(accepted)
    assert _custody(world) == before


def _sequences(world: World, generator: Generator, actions: list[Action], length: int) -> int:
    """Try every sequence of `length` actions; how many had an effect to the last of them."""
    a, b, *_ = world.members
    count = 0
    for action in actions:
        draft = _effect(world, _without(world, generator, action, [a, b]))
        if draft is None:
            continue
        assert _custody(world, draft) == _custody(world), action
        after = _copy(world)
        after.state = world.state.folded(draft)[0]
        count += _sequences(after, generator, actions, length - 1) if length > 1 else 1
    return count


@pytest.mark.parametrize("n", [0, 1])
def test_one_owner_alone_takes_back_its_own_excess_and_nothing_else(n: int) -> None:
    world = _world()
    generator = Generator(world, hostile=False)
    owner, other = world.members[n], world.members[1 - n]
    before = _custody(world)
    terms = world.state.must(t.CSAS, t.CSAS.key(*sorted((owner.lei, other.lei))))
    took = 0
    for action in _actions(world):
        draft = _effect(world, _without(world, generator, action, [other]))
        if draft is None:
            continue
        after = _custody(world, draft)
        assert after[1 - n] == before[1 - n], action
        if after[n] < before[n]:
            assert isinstance(action, ReturnExcessIm), action
            assert after[n] >= required(draft, terms)[n], action
            took += 1
    assert took == (1 if n == 0 else 0)


def _carry(world: World, body: o.ProposalBody) -> o.ProposalState | None:
    """Everybody but the owners proposes and votes for it, and it takes effect if it can."""
    _, _, *others = world.members
    number = world.network.proposals + 1
    world.apply(world.sign(Propose(others[0].lei, body, ""), others[0].key("governance")))
    votes = [CastVote(who.lei, number, True) for who in others]
    keys = [who.key("governance") for who in others]
    world.apply(*[world.sign(vote, key) for vote, key in zip(votes, keys, strict=True)])
    row = world.state.get(t.PROPOSALS, t.PROPOSALS.key(number))
    while row is not None and row.due:
        world.apply()
        row = world.state.must(t.PROPOSALS, t.PROPOSALS.key(number))
    return None if row is None else o.ProposalState(row.state)


def test_no_vote_moves_margin_whatever_it_decides() -> None:
    world = _world()
    before = _custody(world)
    hints = get_type_hints(Propose, include_extras=True)
    enacted = set()
    for body in Every(world).of(hints["body"]):
        fresh = _copy(world)
        if _carry(fresh, body) == o.ProposalState.ENACTED:
            enacted.add(type(body))
        assert _custody(fresh) == before, body
    assert len(enacted) >= 6, enacted


def test_who_gets_all_keys_of_both_owners_by_vote_moves_nothing_while_they_can_object() -> None:
    world = _world()
    a, b, *_ = world.members
    stolen: dict[tuple[str, str], SigningKey] = {}
    for number, who in enumerate((a, b), 1):
        for role in (o.KeyRole.TREASURY, o.KeyRole.TRADE, o.KeyRole.GOVERNANCE):
            key = SigningKey(bytes([number, role]) * 16)
            stolen[who.lei, role.name.lower()] = key
            assert _carry(world, o.RecoverKey(who.lei, role, key.public)) == (
                o.ProposalState.ENACTED
            )
    every = Every(world)
    before = _custody(world)
    refused = set()
    for kind in SIGNS_FOR_IM:
        for action in every.of(kind):
            bare = world.sign(action, nonce=0)
            try:
                wanted = execution.required(Draft(world.state), bare)
            except Rejection:
                continue
            keys = [
                stolen.get((lei, role.name.lower())) or generator_key(world, lei, role)
                for lei, role in wanted
            ]
            tx = world.sign(action, *keys, nonce=10**6)
            with pytest.raises(Rejection) as caught:
                check_transaction(world.state, tx, world.height + 1)
            if {a.lei, b.lei} & {lei for lei, _ in wanted}:
                assert caught.value.code == "KEY_WAITS", action
                refused.add(kind)
    assert refused == {*SIGNS_FOR_IM}
    # Nor with a key that a stolen one is exchanged for.
    new = SigningKey(bytes([9, 9]) * 16)
    rotate = execution.RotateKey(
        a.lei, o.KeyRole.TREASURY, stolen[a.lei, "treasury"].public, new.public, b""
    )
    world.must(world.sign(rotate, stolen[a.lei, "governance"], new))
    back = world.sign(ReturnExcessIm(a.lei, b.lei, USD, EXCESS), new)
    assert world.codes(back) == ["KEY_WAITS"]
    assert _custody(world) == before


def generator_key(world: World, lei: Lei, role: o.KeyRole) -> SigningKey:
    """The key of somebody who still has it."""
    (who,) = [one for one in world.members if one.lei == lei]
    return who.key(role.name.lower())


def test_actions_that_sign_for_margin_are_named_all() -> None:
    """Whatever both owners together can lower custody by, or what has to be in it, is in the list
    that waiting keys do not sign."""
    world = _world()
    generator = Generator(world, hostile=False)
    before = _custody(world)
    key = t.CSAS.key(*sorted(one.lei for one in world.members[:2]))
    needed = sum(required(Draft(world.state), world.state.must(t.CSAS, key)))
    lowering = set()
    for action in _actions(world):
        draft = _effect(world, _without(world, generator, action, []))
        if draft is not None:
            still = sum(required(draft, draft.must(t.CSAS, key)))
            if sum(_custody(world, draft)) < sum(before) or still < needed:
                lowering.add(type(action))
    assert lowering <= {*SIGNS_FOR_IM}, lowering
    assert {AgreeIm, SubstituteCollateral}.isdisjoint(lowering)  # of other models and assets
