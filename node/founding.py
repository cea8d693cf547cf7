"""Founding a network from a seed: identities, keys and the genesis that names them.

For test networks and simulations only: whoever knows the seed knows every key. Real members make
their own keys (`dcn init`) and send each other the public halves.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from ledger import objects as o
from ledger.genesis import Genesis, GenesisKey, GenesisMember
from ledger.rulebook import standard
from node.core.seedchain import SeedChain
from wire import ids
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei
from wire.signing import SigningKey

CURRENCY = AssetCode("USD")
SERVICE = "EQUITY-FORWARD"
PRICE_SCALE = 1_000
VALUE_MAX = 10**9
"""A million dollars a share in thousandths: no mark may be higher."""


class Identity(msgspec.Struct, frozen=True):
    """All secrets of one legal entity; 32-byte seeds."""

    lei: Lei
    name: str
    roles: tuple[o.Role, ...]
    peer: bytes
    consensus: bytes
    trade: bytes
    treasury: bytes
    governance: bytes
    oracle: bytes
    seed_chain: bytes

    def key(self, purpose: str) -> SigningKey:
        """The signing key of one purpose, e.g. `trade`."""
        return SigningKey(getattr(self, purpose))


class Plan(msgspec.Struct, frozen=True):
    """What the network to found looks like."""

    chain_id: str
    seed: int
    members: int
    observers: int
    time_ms: int
    shares: tuple[str, ...]
    """Tickers: a feed `EQ-X` and an instrument `FWD-X` each."""
    calendar: tuple[Date, ...]
    maturity: Date
    oracles: int = 3
    attestors: int = 0
    funding_window_blocks: int = 2
    seed_chain_length: int = 1 << 20


class Founded(msgspec.Struct, frozen=True):
    """A genesis and everybody's secrets."""

    genesis: Genesis
    members: tuple[Identity, ...]
    oracles: tuple[Identity, ...]
    observers: tuple[Identity, ...]
    attestors: tuple[Identity, ...]
    issuer: Identity


def found(plan: Plan) -> Founded:
    """The network of `plan`; the same plan gives the same network."""
    validator = (o.Role.MEMBER, o.Role.VALIDATOR)
    members = _identities(plan, "MEMBER", plan.members, validator)
    oracles = _identities(plan, "ORACLE", plan.oracles, (o.Role.ORACLE,))
    observers = _identities(plan, "OBSERVER", plan.observers, (o.Role.REGULATOR,))
    attestors = _identities(plan, "ATTESTOR", plan.attestors, (o.Role.ATTESTOR,))
    issuer = _identities(plan, "CASHBANK", 1, (o.Role.ISSUER,))[0]
    everybody = [*members, *oracles, *observers, *attestors, issuer]
    genesis = Genesis(
        chain_id=plan.chain_id,
        time_ms=plan.time_ms,
        members=tuple(_genesis_member(who, plan.seed_chain_length) for who in everybody),
        assets=(o.AssetTerms(CURRENCY, o.AssetKind.CASH, issuer.lei, 2),),
        instruments=tuple(_forward(share, plan.maturity) for share in plan.shares),
        feeds=tuple(o.Feed(_feed(share), PRICE_SCALE, 1, VALUE_MAX, 0) for share in plan.shares),
        calendar=plan.calendar,
        rulebook=standard(SERVICE, CURRENCY, plan.funding_window_blocks),
        bootstrap=None,
    )
    return Founded(genesis, members, oracles, observers, attestors, issuer)


def _identities(
    plan: Plan, kind: str, count: int, roles: tuple[o.Role, ...]
) -> tuple[Identity, ...]:
    return tuple(_identity(plan.seed, kind, number, roles) for number in range(1, count + 1))


def _identity(seed: int, kind: str, number: int, roles: tuple[o.Role, ...]) -> Identity:
    def secret(purpose: str) -> bytes:
        text = f"dcn/founding/{seed}/{kind}/{number}/{purpose}"
        return hashlib.sha256(text.encode()).digest()

    purposes = ("peer", "consensus", "trade", "treasury", "governance", "oracle", "seed_chain")
    lei = ids.lei_from(f"{'DCN' + kind:0<14}{number:04d}")
    name = f"{kind.capitalize()} {number}"
    return Identity(lei, name, roles, **{purpose: secret(purpose) for purpose in purposes})


def _genesis_member(who: Identity, seed_chain_length: int) -> GenesisMember:
    votes = o.Role.VALIDATOR in who.roles
    return GenesisMember(
        lei=who.lei,
        name=who.name,
        group=who.lei,
        roles=who.roles,
        peer_key=who.key("peer").public if _has_node(who.roles) else None,
        consensus_key=who.key("consensus").public if votes else None,
        power=1 if votes else 0,
        seed_link=SeedChain(who.seed_chain, seed_chain_length).anchor if votes else None,
        keys=tuple(GenesisKey(who.key(name).public, role) for name, role in key_roles(who.roles)),
    )


def _has_node(roles: Sequence[o.Role]) -> bool:
    return o.Role.MEMBER in roles or o.Role.REGULATOR in roles


def key_roles(roles: Sequence[o.Role]) -> list[tuple[str, o.KeyRole]]:
    """Which signing keys an entity of these roles has, by purpose."""
    keys: list[tuple[str, o.KeyRole]] = []
    if o.Role.MEMBER in roles:
        keys.append(("trade", o.KeyRole.TRADE))
    if o.Role.MEMBER in roles or o.Role.ISSUER in roles:
        keys.append(("treasury", o.KeyRole.TREASURY))
    if not {o.Role.MEMBER, o.Role.ATTESTOR, o.Role.REGULATOR}.isdisjoint(roles):
        keys.append(("governance", o.KeyRole.GOVERNANCE))
    if o.Role.ORACLE in roles:
        keys.append(("oracle", o.KeyRole.ORACLE))
    return keys


def _feed(share: str) -> FeedCode:
    return FeedCode(f"EQ-{share}")


def _forward(share: str, maturity: Date) -> o.Instrument:
    return o.Instrument(
        code=InstrumentCode(f"FWD-{share}"),
        product=o.Product.EQUITY_FORWARD,
        feed=_feed(share),
        currency=CURRENCY,
        price_scale=PRICE_SCALE,
        maturity=maturity,
        service=SERVICE,
        asset_class=o.AssetClass.EQUITY,
        issuer=None,
        delivery=None,
        coupons=(),
    )
