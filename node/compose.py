"""A genesis from a description that people write: TOML or JSON, unknown keys are errors."""

import json
import tomllib
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from ledger import objects as o
from ledger.default.rules import STANDARD as STANDARD_DEFAULT
from ledger.genesis import (
    BadGenesis,
    Genesis,
    GenesisAsset,
    GenesisKey,
    GenesisMember,
    genesis_state,
)
from ledger.rulebook import STANDARD_BOUNDS, STANDARD_GRACE_BLOCKS, STANDARD_VOTING
from node.identity import PublicKeys, read_public_keys
from node.plain import plain
from node.rehearsal.errors import BadScript
from node.rehearsal.forms import Names, record
from wire.errors import CodedError
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei

E = TypeVar("E", bound=IntEnum)


class _Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the parts of a description."""


class MemberEntry(_Described, frozen=True):
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
    keys: dict[str, str] = {}
    """Signing key by role: trade, treasury, governance, oracle; added to those of `keys_file`."""


class AssetEntry(_Described, frozen=True):
    """A settlement token."""

    code: str
    issuer: str
    kind: str = "CASH"
    exponent: int = 2


class DeliveryEntry(_Described, frozen=True):
    """What the seller delivers on the last date."""

    asset: str
    per_unit: int


class CouponEntry(_Described, frozen=True):
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


class InstrumentEntry(_Described, frozen=True):
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


class FeedEntry(_Described, frozen=True):
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


def feed(entry: FeedEntry) -> o.Feed:
    """The feed that `entry` describes."""
    code = FeedCode(entry.code)
    return o.Feed(code, entry.scale, entry.value_min, entry.value_max, entry.jump_bps)


def instrument(
    entry: InstrumentEntry, feeds: Iterable[o.Feed], currency: str, service: str
) -> o.Instrument:
    """The instrument that `entry` describes; raises `BadGenesis`."""
    scales = {row.code: row.scale for row in feeds}
    product = _named(o.Product, entry.product)
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
            _named(o.AssetClass, entry.asset_class) if entry.asset_class else CLASSES[product]
        ),
        issuer=None if entry.issuer is None else Lei(entry.issuer),
        delivery=(
            None if delivery is None else o.Delivery(AssetCode(delivery.asset), delivery.per_unit)
        ),
        coupons=tuple(_coupon(coupon) for coupon in entry.coupons),
    )


def _coupon(entry: CouponEntry) -> o.Coupon:
    date, payer = Date(entry.date), _named(o.Side, entry.payer)
    if (entry.amount is None) == (entry.fixing is None):
        raise BadGenesis(f"coupon of {date}: either an amount or a fixing")
    if entry.amount is not None:
        return o.FixedCoupon(date, payer, entry.amount)
    assert entry.fixing is not None
    fixed = Date(entry.fixing_date or entry.date)
    fixing = FeedCode(entry.fixing)
    return o.FloatingCoupon(date, payer, fixing, fixed, entry.spread, entry.days, entry.day_basis)


class VotingEntry(_Described, frozen=True):
    """How proposals of one kind are decided."""

    kind: str
    electorate: str = "VALIDATORS"
    quorum_bps: int = 5_000
    threshold_bps: int = 6_667
    window_blocks: int = 1_000
    notice_blocks: int = 1


class TermsEntry(_Described, frozen=True):
    """Bounds of bilateral terms."""

    threshold_max: int = STANDARD_BOUNDS.threshold_max
    minimum_transfer_max: int = STANDARD_BOUNDS.minimum_transfer_max
    grace_blocks_max: int = STANDARD_BOUNDS.grace_blocks_max
    haircut_bps_min: int = STANDARD_BOUNDS.haircut_bps_min
    im_models: tuple[str, ...] = tuple(model.name for model in STANDARD_BOUNDS.im_models)
    confidence_bps_min: int = STANDARD_BOUNDS.confidence_bps_min
    look_back_min: int = STANDARD_BOUNDS.look_back_min


class MarginEntry(_Described, frozen=True):
    """How often margin is called, and how long a call may stay unmet."""

    cycle_blocks: int = 0
    grace_blocks: int = STANDARD_GRACE_BLOCKS


class RulebookEntry(_Described, frozen=True):
    """The parameters of the network."""

    currency: str
    service: str = "EQUITY-FORWARD"
    version: int = 1
    minimum_transfer_amount: int = 0
    rounding_unit: int = 1
    funding_window_blocks: int = 2
    terms: TermsEntry = TermsEntry()
    margin: MarginEntry = MarginEntry()
    oracle_quorum: int = 3
    evidence_age_blocks: int = 10_000
    evidence_age_ms: int = 3_600_000
    group_vote_bps_max: int = 3_334
    voting: tuple[VotingEntry, ...] = ()
    """Rules that differ from the standard ones."""
    default: dict[str, Any] = {}
    """Rules of default that differ from the standard ones: see `ledger/objects/default.py`."""


class Description(_Described, frozen=True):
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
        assets=tuple(
            GenesisAsset(AssetCode(x.code), _named(o.AssetKind, x.kind), Lei(x.issuer), x.exponent)
            for x in description.assets
        ),
        instruments=tuple(
            instrument(x, feeds, rules.currency, rules.service) for x in description.instruments
        ),
        feeds=feeds,
        calendar=tuple(Date(date) for date in description.calendar),
        rulebook=_rulebook(rules),
    )
    genesis_state(genesis)
    return genesis


def _rulebook(entry: RulebookEntry) -> o.Rulebook:
    voting = {rule.kind: rule for rule in STANDARD_VOTING}
    for rule in entry.voting:
        kind = _named(o.ProposalKind, rule.kind)
        voting[kind] = o.VotingRule(
            kind=kind,
            electorate=_named(o.Electorate, rule.electorate),
            quorum_bps=rule.quorum_bps,
            threshold_bps=rule.threshold_bps,
            window_blocks=rule.window_blocks,
            notice_blocks=rule.notice_blocks,
        )
    return o.Rulebook(
        version=entry.version,
        service=entry.service,
        currency=AssetCode(entry.currency),
        minimum_transfer_amount=entry.minimum_transfer_amount,
        rounding_unit=entry.rounding_unit,
        funding_window_blocks=entry.funding_window_blocks,
        terms=_bounds(entry.terms),
        margin=o.MarginRules(entry.margin.cycle_blocks, entry.margin.grace_blocks),
        oracle_quorum=entry.oracle_quorum,
        evidence_age_blocks=entry.evidence_age_blocks,
        evidence_age_ms=entry.evidence_age_ms,
        group_vote_bps_max=entry.group_vote_bps_max,
        voting=tuple(voting.values()),
        default=_default_rules(entry.default),
    )


def _default_rules(changes: dict[str, Any]) -> o.DefaultRules:
    try:
        fields = {**plain(STANDARD_DEFAULT), **changes}
        rules: o.DefaultRules = record(o.DefaultRules, fields, Names({}), "rulebook.default")
    except BadScript as error:
        raise BadGenesis(error.detail) from None
    return rules


def _bounds(entry: TermsEntry) -> o.TermsBounds:
    return o.TermsBounds(
        threshold_max=entry.threshold_max,
        minimum_transfer_max=entry.minimum_transfer_max,
        grace_blocks_max=entry.grace_blocks_max,
        haircut_bps_min=entry.haircut_bps_min,
        im_models=tuple(_named(o.ImModel, name) for name in entry.im_models),
        confidence_bps_min=entry.confidence_bps_min,
        look_back_min=entry.look_back_min,
    )


def amended_rulebook(current: dict[str, Any], text: str) -> o.Rulebook:
    """The next version of the rulebook in force (as the API shows it), with the changes in `text`.

    `text`: TOML, the same keys as `rulebook` of a description. Raises `BadGenesis`.
    """
    try:
        changes = tomllib.loads(text)
    except ValueError as error:
        raise BadGenesis(f"the rulebook: {error}") from None
    return amended(current, changes, int(current["version"]) + 1)


def amended(current: dict[str, Any], changes: dict[str, Any], version: int) -> o.Rulebook:
    """A rulebook, as plain values, with `changes`; voting rules are changed one by one.

    Raises `BadGenesis`.
    """
    try:
        merged = {**current, "version": version, **changes}
        for part, old in current.items():
            if isinstance(old, dict):
                merged[part] = {**old, **changes.get(part, {})}
        kinds = {rule["kind"]: rule for rule in current["voting"]}
        for rule in changes.get("voting", ()):
            kind = str(rule["kind"]).upper()
            kinds[kind] = {**kinds.get(kind, {}), **rule, "kind": kind}
        merged["voting"] = list(kinds.values())
        merged["default"] = {**current.get("default", {}), **changes.get("default", {})}
        return _rulebook(msgspec.convert(merged, RulebookEntry))
    except (ValueError, KeyError, TypeError) as error:
        raise BadGenesis(f"the rulebook: {error}") from None


def _member(entry: MemberEntry, folder: Path) -> GenesisMember:
    known = None if entry.keys_file is None else _keys_file(folder / entry.keys_file)
    lei = entry.lei or (known.lei if known else "")
    roles = entry.roles if entry.roles is not None else (known.roles if known else ())
    found = tuple(_named(o.Role, role) for role in roles)
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
            GenesisKey(_must(lei, text), _named(o.KeyRole, role)) for role, text in keys.items()
        ),
    )


def _keys_file(path: Path) -> PublicKeys:
    try:
        return read_public_keys(path)
    except CodedError as error:
        raise BadGenesis(f"keys_file: {error}") from None


def _named(kind: type[E], name: str) -> E:
    try:
        return kind[name.upper()]
    except KeyError:
        choices = ", ".join(member.name for member in kind)
        raise BadGenesis(f"{kind.__name__} {name[:20]!r}: one of {choices}") from None


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
