"""A genesis from a description that people write: TOML or JSON, unknown keys are errors."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger import objects as o
from ledger.genesis import (
    BadGenesis,
    Genesis,
    GenesisKey,
    GenesisMember,
    genesis_state,
)
from node.described import Described, named
from node.identity import PublicKeys, read_public_keys
from node.rulebook_form import RulebookEntry, rulebook_of
from wire.errors import CodedError
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei


class MemberEntry(Described, frozen=True):
    """A member: either `keys_file`, or everything written out. Keys are hex."""

    keys_file: str | None = None
    """What `dcn keys show --json` printed, relative to the description."""
    lei: str | None = None
    name: str | None = None
    group: str | None = None
    """LEI of the ultimate parent; default: its own."""
    roles: tuple[str, ...] | None = None
    power: int | None = None
    """Voting power; default 1 for validators."""
    peer_key: str | None = None
    consensus_key: str | None = None
    seed_link: str | None = None
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Signing key by role: trade, treasury, governance, oracle; added to those of `keys_file`."""


class AssetEntry(Described, frozen=True):
    """A settlement token."""

    code: str
    issuer: str
    kind: str = "CASH"
    exponent: int = 2


class DeliveryEntry(Described, frozen=True):
    """What the seller delivers on the last date."""

    asset: str
    per_unit: int


class CouponEntry(Described, frozen=True):
    """A scheduled payment: an `amount` in units of the price scale, or a `fixing`."""

    date: int
    payer: str
    amount: int | None = None
    fixing: str | None = None
    fixing_date: int = 0
    """0: on `date`."""
    spread: int = 0
    days: int = 0
    day_basis: int = 360


class InstrumentEntry(Described, frozen=True):
    """Something to trade."""

    code: str
    feed: str
    maturity: int
    product: str = "EQUITY_FORWARD"
    currency: str = ""
    """The rulebook's, if empty."""
    price_scale: int | None = None
    """The feed's, if not given."""
    asset_class: str = ""
    """By the product, if empty."""
    issuer: str | None = None
    delivery: DeliveryEntry | None = None
    coupons: tuple[CouponEntry, ...] = ()


class FeedEntry(Described, frozen=True):
    """What oracles mark."""

    code: str
    scale: int = 1_000
    value_min: int = 1
    value_max: int = 10**9
    jump_bps: int = 0


CLASSES: Final = {
    o.Product.EQUITY_FORWARD: o.AssetClass.EQUITY,
    o.Product.FUTURE: o.AssetClass.EQUITY,
    o.Product.TOTAL_RETURN_SWAP: o.AssetClass.EQUITY,
    o.Product.FX_SPOT: o.AssetClass.FX,
    o.Product.FX_FORWARD: o.AssetClass.FX,
    o.Product.BOND: o.AssetClass.CREDIT,
}
"""The asset class of a product whose description names none."""


class Listing(Described, frozen=True):
    """What a proposal lists: one of the three, written as in a description."""

    asset: AssetEntry | None = None
    feed: FeedEntry | None = None
    instrument: InstrumentEntry | None = None
    """With its `price_scale`."""


def listed(text: str, currency: str, service: str) -> o.ListAsset | o.ListFeed | o.ListInstrument:
    """The body of a proposal to list what `text` (TOML) describes; raises `BadGenesis`."""
    try:
        entry = msgspec.convert(tomllib.loads(text), Listing)
    except ValueError as error:
        raise BadGenesis(f"the listing: {error}") from None
    match entry:
        case Listing(asset=AssetEntry() as asset, feed=None, instrument=None):
            return o.ListAsset(asset_terms(asset))
        case Listing(asset=None, feed=FeedEntry() as row, instrument=None):
            return o.ListFeed(feed(row))
        case Listing(asset=None, feed=None, instrument=InstrumentEntry() as row):
            return o.ListInstrument(instrument(row, (), currency, service))
        case _:
            raise BadGenesis("a listing has one of [asset], [feed], [instrument]")


def asset_terms(entry: AssetEntry) -> o.AssetTerms:
    """The asset that `entry` describes; raises `BadGenesis`."""
    kind = named(o.AssetKind, entry.kind)
    return o.AssetTerms(AssetCode(entry.code), kind, Lei(entry.issuer), entry.exponent)


def feed(entry: FeedEntry) -> o.Feed:
    """The feed that `entry` describes."""
    code = FeedCode(entry.code)
    return o.Feed(code, entry.scale, entry.value_min, entry.value_max, entry.jump_bps)


def instrument(
    entry: InstrumentEntry, feeds: Iterable[o.Feed], currency: str, service: str
) -> o.Instrument:
    """The instrument that `entry` describes; raises `BadGenesis`."""
    scales = {row.code: row.scale for row in feeds}
    product = named(o.Product, entry.product)
    delivery = entry.delivery
    return o.Instrument(
        code=InstrumentCode(entry.code),
        product=product,
        feed=FeedCode(entry.feed),
        currency=AssetCode(entry.currency or currency),
        price_scale=entry.price_scale or scales.get(FeedCode(entry.feed), 1),
        maturity=Date(entry.maturity),
        service=service,
        asset_class=(
            named(o.AssetClass, entry.asset_class) if entry.asset_class else CLASSES[product]
        ),
        issuer=None if entry.issuer is None else Lei(entry.issuer),
        delivery=(
            None if delivery is None else o.Delivery(AssetCode(delivery.asset), delivery.per_unit)
        ),
        coupons=tuple(_coupon(coupon) for coupon in entry.coupons),
    )


def _coupon(entry: CouponEntry) -> o.Coupon:
    date, payer = Date(entry.date), named(o.Side, entry.payer)
    if (entry.amount is None) == (entry.fixing is None):
        raise BadGenesis(f"coupon of {date}: either an amount or a fixing")
    if entry.amount is not None:
        return o.FixedCoupon(date, payer, entry.amount)
    assert entry.fixing is not None
    fixed = Date(entry.fixing_date or entry.date)
    fixing = FeedCode(entry.fixing)
    return o.FloatingCoupon(date, payer, fixing, fixed, entry.spread, entry.days, entry.day_basis)


class BootstrapEntry(Described, frozen=True):
    """A key that takes the network's first steps alone."""

    public_key: str
    until: int
    """The last height at which it can act."""


class Description(Described, frozen=True):
    """A whole network."""

    chain_id: str
    time_ms: int
    """Genesis time, milliseconds since 1970 UTC: the time of block 1."""
    calendar: tuple[int, ...]
    """Business dates, yyyymmdd, ascending."""
    members: tuple[MemberEntry, ...]
    assets: tuple[AssetEntry, ...]
    rulebook: RulebookEntry
    instruments: tuple[InstrumentEntry, ...] = ()
    feeds: tuple[FeedEntry, ...] = ()
    bootstrap: BootstrapEntry | None = None


def read_description(path: Path) -> Description:
    """The description in a TOML or (suffix .json) JSON file; raises `BadGenesis`."""
    try:
        text = path.read_text(encoding="utf-8")
        raw: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return msgspec.convert(raw, Description)
    except OSError as error:
        raise BadGenesis(f"{path}: {error.strerror}") from None
    except ValueError as error:  # also msgspec's, json's, tomllib's and UnicodeDecodeError
        raise BadGenesis(f"{path}: {error}") from None


def compose(description: Description, folder: Path) -> Genesis:
    """The genesis that `description` describes, checked; raises `BadGenesis`, `BadIdentifier`.

    `folder`: what `keys_file`s are relative to.
    """
    rules = description.rulebook
    feeds = tuple(feed(entry) for entry in description.feeds)
    genesis = Genesis(
        chain_id=description.chain_id,
        time_ms=description.time_ms,
        members=tuple(_member(entry, folder) for entry in description.members),
        assets=tuple(asset_terms(x) for x in description.assets),
        instruments=tuple(
            instrument(x, feeds, rules.currency, rules.service) for x in description.instruments
        ),
        feeds=feeds,
        calendar=tuple(Date(date) for date in description.calendar),
        rulebook=rulebook_of(rules),
        bootstrap=None
        if description.bootstrap is None
        else o.Bootstrap(
            _must("bootstrap", description.bootstrap.public_key), description.bootstrap.until, 0
        ),
    )
    genesis_state(genesis)
    return genesis


def _member(entry: MemberEntry, folder: Path) -> GenesisMember:
    known = None if entry.keys_file is None else _keys_file(folder / entry.keys_file)
    lei = entry.lei or (known.lei if known else "")
    roles = entry.roles if entry.roles is not None else (known.roles if known else ())
    found = tuple(named(o.Role, role) for role in roles)
    power = entry.power
    if power is None:
        power = 1 if o.Role.VALIDATOR in found else 0
    keys = {**(known.keys if known else {}), **entry.keys}
    return GenesisMember(
        lei=Lei(lei),
        name=entry.name or (known.name if known else lei),
        group=Lei(entry.group or lei),
        roles=found,
        peer_key=_key(lei, entry.peer_key or (known.peer_key if known else None)),
        consensus_key=_key(lei, entry.consensus_key or (known.consensus_key if known else None)),
        power=power,
        seed_link=_key(lei, entry.seed_link or (known.seed_link if known else None)),
        keys=tuple(
            GenesisKey(_must(lei, text), named(o.KeyRole, role)) for role, text in keys.items()
        ),
    )


def _keys_file(path: Path) -> PublicKeys:
    try:
        return read_public_keys(path)
    except CodedError as error:
        raise BadGenesis(f"keys_file: {error}") from None


def _key(lei: str, text: str | None) -> bytes | None:
    return None if text is None else _must(lei, text)


def _must(lei: str, text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise BadGenesis(f"{lei}: key {text[:20]!r} is not 32 bytes in hex")
    return found
