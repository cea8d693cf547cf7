"""Any action, from its type alone: so that a new transaction is tested the day it is written.

Fields draw from pools of what exists on the ledger of the test, or (hostile) from anything that
the wire can carry.
"""

from enum import IntEnum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from ledger import execution
from ledger import objects as o
from ledger.actions import Action
from ledger.genesis import Genesis
from ledger.state import Draft
from ledger.transactions import Transaction, is_trade, new_keys
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.errors import Rejection
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei, Party, Uti, lei_from
from wire.signing import SigningKey

Strategy = st.SearchStrategy[Any]

PURPOSES = ("trade", "treasury", "governance", "oracle", "consensus", "peer")

SECURITY = AssetCode("GILT")
RATE = FeedCode("SOFR")

HOSTILE_NUMBERS = (
    st.sampled_from([0, 1, -1, 2**47, 2**48 - 1, 2**48, 2**53, 2**61, 2**62 - 1, 2**62, 2**63 - 1])
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(1, 3_000)
)
HOSTILE_TEXTS = st.text(max_size=200)
HOSTILE_BYTES = st.just(bytes(32)) | st.binary(max_size=40)


def rich(genesis: Genesis) -> Genesis:
    """A genesis with a security, a rate, coupons, delivery and intraday cycles."""
    forward = genesis.instruments[0]
    delivered = msgspec.structs.replace(
        forward,
        code=InstrumentCode("BOND-AAA"),
        product=o.Product.BOND,
        asset_class=o.AssetClass.CREDIT,
        issuer=genesis.members[0].lei,
        delivery=o.Delivery(SECURITY, 1),
    )
    swap = msgspec.structs.replace(
        forward,
        code=InstrumentCode("TRS-AAA"),
        product=o.Product.TOTAL_RETURN_SWAP,
        coupons=(
            o.FixedCoupon(CALENDAR[1], o.Side.SELLER, 3),
            o.FloatingCoupon(CALENDAR[1], o.Side.BUYER, RATE, CALENDAR[0], 5, 30, 360),
        ),
    )
    issuer = genesis.assets[0].issuer
    rulebook = msgspec.structs.replace(
        genesis.rulebook,
        margin=o.MarginRules(
            cycle_blocks=3, grace_blocks=2, quorum_wait_blocks=4, provisional_im_bps=2_500
        ),
        terms=msgspec.structs.replace(genesis.rulebook.terms, look_back_min=2),
    )
    return msgspec.structs.replace(
        genesis,
        assets=(*genesis.assets, o.AssetTerms(SECURITY, o.AssetKind.SECURITY, issuer, 0)),
        feeds=(*genesis.feeds, o.Feed(RATE, 10_000, -10_000, 100_000, 0)),
        instruments=(*genesis.instruments, delivered, swap),
        rulebook=rulebook,
    )


class Generator:
    """Strategies for actions on one world's ledger."""

    def __init__(self, world: World, *, hostile: bool) -> None:
        self.everybody: dict[str, Identity] = {
            who.lei: who
            for who in [
                *world.members,
                *world.oracles,
                *world.founded.attestors,
                world.issuer,
                world.observer,
            ]
        }
        self._secrets = {
            (lei, purpose): who.key(purpose)
            for lei, who in self.everybody.items()
            for purpose in PURPOSES
        }
        self.hostile = hostile
        members = [who.lei for who in world.members]
        utis = [f"{lei}G{n}" for lei in members[:2] for n in range(3)]
        feeds = [feed.code for feed in world.genesis.feeds]
        self._pools: dict[Any, Strategy] = {
            Lei: st.sampled_from([*members, *self.everybody]),
            Party: st.sampled_from([*members, *(f"{lei}:C" for lei in members)]),
            Uti: st.sampled_from(utis),
            AssetCode: st.sampled_from([USD, SECURITY]),
            FeedCode: st.sampled_from(feeds),
            InstrumentCode: st.sampled_from([x.code for x in world.genesis.instruments]),
            Date: st.sampled_from(CALENDAR),
            str: st.sampled_from(["R", "S", "C"]),
            int: st.sampled_from([1, 2, 5, 100, 1_000]) | st.integers(0, 2_000),
            bytes: st.just(bytes(32)),
            bool: st.booleans(),
            o.Rulebook: self._rulebooks(world),
            o.Csa: self._csas(members),
        }
        if hostile:
            more: dict[Any, Strategy] = {
                int: HOSTILE_NUMBERS,
                str: HOSTILE_TEXTS,
                bytes: HOSTILE_BYTES | st.just(world.members[0].key("trade").public),
                Lei: HOSTILE_TEXTS | st.just(str(lei_from("NEWCOMER0000000000"))),
                Date: HOSTILE_NUMBERS,
            }
            for kind in (Party, Uti, AssetCode, FeedCode, InstrumentCode):
                more[kind] = HOSTILE_TEXTS
            self._pools |= {kind: self._pools[kind] | more[kind] for kind in more}
        self._built: dict[Any, Strategy] = {}

    def actions(self) -> Strategy:
        """Any action."""
        return st.sampled_from(sorted(execution.RULES, key=lambda kind: kind.__name__)).flatmap(
            self.of
        )

    def of(self, kind: Any) -> Strategy:
        """Any value of a type."""
        if kind in self._pools:
            return self._pools[kind]
        if kind not in self._built:
            self._built[kind] = self._make(kind)
        return self._built[kind]

    def _make(self, kind: Any) -> Strategy:
        origin = get_origin(kind)
        if origin is Annotated:
            return self.of(get_args(kind)[0])
        if origin in (Union, UnionType):
            return st.one_of(*[self.of(option) for option in get_args(kind)])
        if kind is type(None):
            return st.none()
        if origin is tuple:
            return st.lists(self.of(get_args(kind)[0]), max_size=3).map(tuple)
        if hasattr(kind, "__supertype__"):
            return self.of(kind.__supertype__)
        if issubclass(kind, IntEnum):
            return st.sampled_from(list(kind))
        assert issubclass(kind, msgspec.Struct), kind
        hints = get_type_hints(kind, include_extras=True)
        fields = {name: self.of(hints[name]) for name in kind.__struct_fields__}
        return st.builds(kind, **fields)

    def _rulebooks(self, world: World) -> Strategy:
        """The one in force with one field, or one field of a part, replaced."""
        current = world.genesis.rulebook

        def changed(name: str) -> Strategy:
            hint = get_type_hints(o.Rulebook)[name]
            return self.of(hint).map(
                lambda value: msgspec.structs.replace(current, **{"version": 2, name: value})
            )

        names = [name for name in o.Rulebook.__struct_fields__ if name != "voting"]
        return st.sampled_from(names).flatmap(changed)

    def _csas(self, members: list[Lei]) -> Strategy:
        """Mostly possible terms of two members."""
        amount = st.sampled_from([0, 10, 1_000])

        def terms(pair: list[Lei]) -> Strategy:
            first, second = sorted(pair[:2])
            return st.builds(
                o.Csa,
                first=st.just(Party(first)),
                second=st.just(Party(second)),
                version=st.sampled_from([1, 1, 2]),
                mode=st.sampled_from(o.CsaMode),
                currencies=st.lists(
                    st.builds(
                        o.CurrencyTerms,
                        asset=st.just(USD),
                        threshold_first=amount,
                        threshold_second=amount,
                        minimum_transfer_amount=amount,
                        rounding_unit=st.sampled_from([1, 50]),
                        interest_bps=st.sampled_from([0, 100]),
                        interest_feed=st.none() | st.just(RATE),
                        day_basis=st.just(360),
                    ),
                    max_size=1,
                ).map(tuple),
                eligible=st.just((o.EligibleAsset(USD, 0, None),)),
                im=st.builds(
                    o.ImTerms,
                    model=st.sampled_from(o.ImModel),
                    currency=st.just(USD),
                    fixed_first=amount,
                    fixed_second=amount,
                    confidence_bps=st.just(9_900),
                    look_back=st.just(2),
                    horizon=st.just(1),
                    tool=st.sampled_from(o.Procyclicality),
                    stress_bps=st.just(2_500),
                    stress_from=st.just(CALENDAR[0]),
                    stress_to=st.just(CALENDAR[1]),
                    long_look_back=st.just(3),
                    rise_bps_max=st.sampled_from([0, 1_000]),
                ),
                grace_blocks=st.sampled_from([0, 3]),
                cut_off_blocks=st.just(0),
                mark_source=st.sampled_from(o.MarkSource),
                mark_tolerance=amount,
                oracles=st.just(()),
                guarantors=st.just(()),
                legal_text_hash=st.just(bytes(32)),
                governing_law=st.just("law"),
                opinion=st.none() | st.just(o.NettingOpinion("j", "r", Date(20991231))),
                title_transfer=st.booleans(),
            )

        possible = st.permutations(members).flatmap(terms)
        if not self.hostile:
            return possible
        hints = get_type_hints(o.Csa)

        def spoiled(name: str) -> Strategy:
            return st.builds(
                lambda csa, value: msgspec.structs.replace(csa, **{name: value}),
                possible,
                self.of(hints[name]),
            )

        return possible | st.sampled_from(list(hints)).flatmap(spoiled)

    # ---------------------------------------------------------------- signing
    def keys(self, world: World, tx: Transaction) -> list[SigningKey]:
        """The keys of those who must sign, as far as the test has them."""
        try:
            required = execution.required(Draft(world.state), tx)
        except Rejection:
            return []
        found = [
            self._secrets[lei, role.name.lower()] for lei, role in required if lei in self.everybody
        ]
        brought = new_keys(tx.action)
        return [*found, *(key for key in self._secrets.values() if key.public in brought)]

    def secret(self, lei: str, role: o.KeyRole) -> SigningKey:
        """Somebody's key of a role."""
        return self._secrets[lei, role.name.lower()]

    def signed(self, world: World, action: Action, nonce: int) -> Transaction:
        """`action` signed by all who must."""
        bare = world.sign(action, nonce=0 if is_trade(action) else nonce)
        return world.sign(action, *self.keys(world, bare), nonce=bare.nonce)
