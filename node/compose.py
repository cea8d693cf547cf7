"""A genesis from a description that people write: TOML or JSON, unknown keys are errors."""

import json
import tomllib
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

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
from ledger.rulebook import STANDARD_VOTING
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


class InstrumentEntry(_Described, frozen=True):
    """Something to trade."""

    code: str
    feed: str
    currency: str
    maturity: int
    product: str = "EQUITY_FORWARD"
    price_scale: int = 1_000


class FeedEntry(_Described, frozen=True):
    """What oracles mark."""

    code: str
    scale: int = 1_000
    value_max: int = 10**9


class VotingEntry(_Described, frozen=True):
    """How proposals of one kind are decided."""

    kind: str
    electorate: str = "VALIDATORS"
    quorum_bps: int = 5_000
    threshold_bps: int = 6_667
    window_blocks: int = 1_000
    notice_blocks: int = 1


class RulebookEntry(_Described, frozen=True):
    """The parameters of the network."""

    currency: str
    service: str = "EQUITY-FORWARD"
    version: int = 1
    minimum_transfer_amount: int = 0
    rounding_unit: int = 1
    funding_window_blocks: int = 2
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
    genesis = Genesis(
        chain_id=description.chain_id,
        time_ms=description.time_ms,
        members=tuple(_member(entry, folder) for entry in description.members),
        assets=tuple(
            GenesisAsset(AssetCode(x.code), _named(o.AssetKind, x.kind), Lei(x.issuer), x.exponent)
            for x in description.assets
        ),
        instruments=tuple(_instrument(x, rules.service) for x in description.instruments),
        feeds=tuple(o.Feed(FeedCode(x.code), x.scale, x.value_max) for x in description.feeds),
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
        kinds = {rule["kind"]: rule for rule in current["voting"]}
        for rule in changes.get("voting", ()):
            kind = str(rule["kind"]).upper()
            kinds[kind] = {**kinds.get(kind, {}), **rule, "kind": kind}
        merged["voting"] = list(kinds.values())
        merged["default"] = {**current.get("default", {}), **changes.get("default", {})}
        return _rulebook(msgspec.convert(merged, RulebookEntry))
    except (ValueError, KeyError, TypeError) as error:
        raise BadGenesis(f"the rulebook: {error}") from None


def _instrument(entry: InstrumentEntry, service: str) -> o.Instrument:
    return o.Instrument(
        code=InstrumentCode(entry.code),
        product=_named(o.Product, entry.product),
        feed=FeedCode(entry.feed),
        currency=AssetCode(entry.currency),
        price_scale=entry.price_scale,
        maturity=Date(entry.maturity),
        service=service,
    )


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
