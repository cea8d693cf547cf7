"""The rulebook as people write it: TOML, each parameter that is left out as in the standard one."""

import tomllib
from typing import Any

import msgspec

from ledger import objects as o
from ledger.default.rules import STANDARD as STANDARD_DEFAULT
from ledger.genesis import BadGenesis
from ledger.rulebook import (
    STANDARD_BOUNDS,
    STANDARD_MARGIN,
    STANDARD_MEMBERSHIP,
    STANDARD_SETTLEMENT,
    STANDARD_VOTING,
)
from node.described import Described, named
from node.forms import BadForm, Names, record
from node.plain import plain
from wire.ids import AssetCode, Lei


class VotingEntry(Described, frozen=True):
    """How proposals of one kind are decided."""

    kind: str
    electorate: str = "VALIDATORS"
    quorum_bps: int = 5_000
    threshold_bps: int = 6_667
    window_blocks: int = 1_000
    notice_blocks: int = 1


class MembershipEntry(Described, frozen=True):
    """Criteria of admission, the white list's cure window, the cooling-off of who leaves."""

    kyc_required: bool = STANDARD_MEMBERSHIP.kyc_required
    capital_min: int = STANDARD_MEMBERSHIP.capital_min
    contribution_min: int = STANDARD_MEMBERSHIP.contribution_min
    kyc_cure_dates: int = STANDARD_MEMBERSHIP.kyc_cure_dates
    cooling_off_blocks: int = STANDARD_MEMBERSHIP.cooling_off_blocks
    recovered_key_blocks: int = STANDARD_MEMBERSHIP.recovered_key_blocks


class TermsEntry(Described, frozen=True):
    """Bounds of bilateral terms."""

    threshold_max: int = STANDARD_BOUNDS.threshold_max
    minimum_transfer_max: int = STANDARD_BOUNDS.minimum_transfer_max
    grace_blocks_max: int = STANDARD_BOUNDS.grace_blocks_max
    haircut_bps_min: int = STANDARD_BOUNDS.haircut_bps_min
    im_models: tuple[str, ...] = tuple(model.name for model in STANDARD_BOUNDS.im_models)
    confidence_bps_min: int = STANDARD_BOUNDS.confidence_bps_min
    look_back_min: int = STANDARD_BOUNDS.look_back_min


class MarginEntry(Described, frozen=True):
    """How often margin is called, and how long a call may stay unmet."""

    cycle_blocks: int = STANDARD_MARGIN.cycle_blocks
    grace_blocks: int = STANDARD_MARGIN.grace_blocks
    quorum_wait_blocks: int = STANDARD_MARGIN.quorum_wait_blocks
    provisional_im_bps: int = STANDARD_MARGIN.provisional_im_bps


class SettlementEntry(Described, frozen=True):
    """What becomes of batches that fail."""

    retries_max: int = STANDARD_SETTLEMENT.retries_max


class DiscountEntry(Described, frozen=True):
    """Less fees from a contribution to the default fund on."""

    contribution_min: int
    discount_bps: int


class FeesEntry(Described, frozen=True):
    """What registering a trade costs each party."""

    collector: str | None = None
    """LEI of who is paid; left out: there are no fees."""
    flat: int = 0
    notional_ppm: int = 0
    cap: int = 0
    discounts: tuple[DiscountEntry, ...] = ()


class RulebookEntry(Described, frozen=True):
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
    membership: MembershipEntry = MembershipEntry()
    fees: FeesEntry = FeesEntry()
    settlement: SettlementEntry = SettlementEntry()
    default: dict[str, Any] = msgspec.field(default_factory=dict)
    """Rules of default that differ from the standard ones: the fields of `DefaultRules`."""


def rulebook_of(entry: RulebookEntry) -> o.Rulebook:
    """The rulebook that `entry` describes; the ledger checks it. Raises `BadGenesis`."""
    voting = {rule.kind: rule for rule in STANDARD_VOTING}
    for rule in entry.voting:
        kind = named(o.ProposalKind, rule.kind)
        voting[kind] = o.VotingRule(
            kind=kind,
            electorate=named(o.Electorate, rule.electorate),
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
        margin=o.MarginRules(**msgspec.structs.asdict(entry.margin)),
        oracle_quorum=entry.oracle_quorum,
        evidence_age_blocks=entry.evidence_age_blocks,
        evidence_age_ms=entry.evidence_age_ms,
        group_vote_bps_max=entry.group_vote_bps_max,
        voting=tuple(voting.values()),
        membership=o.MembershipRules(**msgspec.structs.asdict(entry.membership)),
        fees=_fees(entry.fees),
        settlement=o.SettlementRules(entry.settlement.retries_max),
        default=_default_rules(entry.default),
    )


def _fees(entry: FeesEntry) -> o.FeeSchedule:
    return o.FeeSchedule(
        collector=None if entry.collector is None else Lei(entry.collector),
        flat=entry.flat,
        notional_ppm=entry.notional_ppm,
        cap=entry.cap,
        discounts=tuple(o.FeeDiscount(x.contribution_min, x.discount_bps) for x in entry.discounts),
    )


def _default_rules(changes: dict[str, Any]) -> o.DefaultRules:
    try:
        fields = {**plain(STANDARD_DEFAULT), **changes}
        rules: o.DefaultRules = record(o.DefaultRules, fields, Names({}), "rulebook.default")
    except BadForm as error:
        raise BadGenesis(error.detail) from None
    return rules


def _bounds(entry: TermsEntry) -> o.TermsBounds:
    return o.TermsBounds(
        threshold_max=entry.threshold_max,
        minimum_transfer_max=entry.minimum_transfer_max,
        grace_blocks_max=entry.grace_blocks_max,
        haircut_bps_min=entry.haircut_bps_min,
        im_models=tuple(named(o.ImModel, name) for name in entry.im_models),
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
    """A rulebook, as plain values, with `changes`; voting rules are changed one by one, and so are
    the fields of a chapter.

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
        return rulebook_of(msgspec.convert(merged, RulebookEntry))
    except (ValueError, KeyError, TypeError) as error:
        raise BadGenesis(f"the rulebook: {error}") from None
