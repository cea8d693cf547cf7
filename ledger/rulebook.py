"""The parameters of the network: what may be set, and a standard set to start from."""

from collections.abc import Iterable
from typing import Final

from ledger import objects as o
from ledger import tables as t
from ledger.default import rules as default_rules
from ledger.rejections import BadRulebook
from ledger.state import Draft
from wire.codec import Digest, digest_of
from wire.ids import AssetCode, Lei
from wire.limits import AMOUNT_MAX, VALID_UNTIL_HEIGHTS_MAX
from wire.money import BPS

EVIDENCE_AGE_BLOCKS_MAX: Final = 100_000
"""The ledger keeps one row a height for as long."""

CURE_DATES_MAX: Final = 250
"""A year of business dates: an attestation that nobody renews must end some day."""

COOLING_OFF_BLOCKS_MAX: Final = 100_000_000
"""Three years of blocks of a second: a member must be able to leave."""

RETRIES_MAX: Final = 100
"""A batch must end some day."""

FEE_MAX: Final = 10**15
"""A fee in minor units: flat fee and fee on a notional stay amounts together."""

FEE_PPM_MAX: Final = 100_000
"""A tenth of the notional."""

FEE_DISCOUNTS_MAX: Final = 16


def _electorate(kind: o.ProposalKind) -> o.Electorate:
    """Cases are the committee's; everything else is the validators'."""
    about_a_case = kind in (o.ProposalKind.NOTE_DEFAULT, o.ProposalKind.WITHDRAW_NOTICE)
    return o.Electorate.COMMITTEE if about_a_case else o.Electorate.VALIDATORS


STANDARD_VOTING: Final = tuple(
    o.VotingRule(
        kind=kind,
        electorate=_electorate(kind),
        quorum_bps=5_000,
        threshold_bps=6_667,
        window_blocks=1_000,
        notice_blocks=1,
    )
    for kind in o.ProposalKind
)
"""More than two thirds of the votes cast: by validators, by power; on cases by the committee."""


RECOVERED_KEY_BLOCKS_MIN: Final = 100
"""No vote takes from the owners of initial margin the time to say no."""

STANDARD_MEMBERSHIP: Final = o.MembershipRules(
    kyc_required=False,
    capital_min=0,
    contribution_min=0,
    kyc_cure_dates=5,
    cooling_off_blocks=1_000,
    recovered_key_blocks=1_000,
)
"""Votes decide alone, until a network publishes criteria."""

STANDARD_MARGIN: Final = o.MarginRules(
    cycle_blocks=0,
    grace_blocks=100,
    quorum_wait_blocks=0,
    provisional_im_bps=2_500,
)
STANDARD_SETTLEMENT: Final = o.SettlementRules(retries_max=3)

NO_FEES: Final = o.FeeSchedule(collector=None, flat=0, notional_ppm=0, cap=0, discounts=())

STANDARD_BOUNDS: Final = o.TermsBounds(
    threshold_max=5_000_000_000,
    minimum_transfer_max=50_000_000,
    grace_blocks_max=VALID_UNTIL_HEIGHTS_MAX,
    haircut_bps_min=0,
    im_models=tuple(o.ImModel),
    confidence_bps_min=9_900,
    look_back_min=20,
)
"""50 million of threshold and 500,000 of minimum transfer in a currency of two digits
(BCBS-IOSCO 2020, requirements 2.2 and 2.3)."""


def standard(
    service: str,
    currency: AssetCode,
    funding_window_blocks: int,
) -> o.Rulebook:
    """A first rulebook with the standard value of everything that is not given."""
    return o.Rulebook(
        version=1,
        service=service,
        currency=currency,
        minimum_transfer_amount=0,
        rounding_unit=1,
        funding_window_blocks=funding_window_blocks,
        terms=STANDARD_BOUNDS,
        margin=STANDARD_MARGIN,
        oracle_quorum=3,
        evidence_age_blocks=10_000,
        evidence_age_ms=3_600_000,
        group_vote_bps_max=3_334,
        voting=STANDARD_VOTING,
        membership=STANDARD_MEMBERSHIP,
        fees=NO_FEES,
        settlement=STANDARD_SETTLEMENT,
        default=default_rules.STANDARD,
    )


def put_in_force(draft: Draft, rulebook: o.Rulebook, height: int) -> Digest:
    """Make `rulebook` the one in force from block `height` on, and keep its version; raises
    `BadRulebook`. Returns its hash."""
    assets = [t.ASSETS.parts(key)[0] for key in draft.indexed(t.ASSETS, 0)]
    fault = fault_of(rulebook, assets) or _fault_of_collector(draft, rulebook.fees.collector)
    if fault is not None:
        raise BadRulebook(fault)
    digest = digest_of(rulebook)
    draft.put(t.RULEBOOK, t.rulebook_key(), rulebook)
    version = o.RulebookVersion(rulebook, digest, height)
    draft.put(t.RULEBOOKS, t.RULEBOOKS.key(rulebook.version), version)
    return digest


def _fault_of_collector(draft: Draft, collector: Lei | None) -> str | None:
    if collector is None:
        return None
    row = draft.get(t.MEMBERS, t.MEMBERS.key(collector))
    fit = row is not None and row.state == o.MemberState.ACTIVE
    return None if fit else "who collects the fees is no active member"


def basis(draft: Draft, clause: o.Clause) -> o.Basis:
    """What a decision by `clause` rests on: the version in force."""
    return o.Basis(clause, draft.must(t.RULEBOOK, t.rulebook_key()).version)


CLEAR_AFTER_BLOCKS: Final = 2
"""From freeze to certificate: the seed needs the links of the freezing block and the next."""


def settle_height(rulebook: o.Rulebook, height: int) -> int:
    """When a round settles that block `height` freezes."""
    return height + CLEAR_AFTER_BLOCKS + rulebook.funding_window_blocks


def voting_rule(rulebook: o.Rulebook, kind: o.ProposalKind) -> o.VotingRule:
    """How proposals of `kind` are decided."""
    return next(rule for rule in rulebook.voting if rule.kind == kind)


def fault_of(rulebook: o.Rulebook, assets: Iterable[str]) -> str | None:
    """What is wrong with a rulebook on a ledger with these assets, or None."""
    checks = (
        (rulebook.currency in set(assets), "the currency is no asset"),
        (0 <= rulebook.minimum_transfer_amount <= AMOUNT_MAX, "the minimum transfer amount"),
        (1 <= rulebook.rounding_unit <= AMOUNT_MAX, "the rounding unit is out of range"),
        (
            1 <= rulebook.funding_window_blocks <= VALID_UNTIL_HEIGHTS_MAX,
            "the funding window is shorter than a block, or has no end",
        ),
        (_are_sound(rulebook.terms), "the bounds of bilateral terms"),
        (0 <= rulebook.settlement.retries_max <= RETRIES_MAX, "the retries of batches"),
        (_is_cycle(rulebook.margin), "the cycle of margin calls"),
        (rulebook.oracle_quorum >= 3, "fewer than 3 oracles are no quorum"),
        (1 <= rulebook.evidence_age_blocks <= EVIDENCE_AGE_BLOCKS_MAX, "evidence age in blocks"),
        (0 <= rulebook.evidence_age_ms <= AMOUNT_MAX, "evidence age in time"),
        (1 <= rulebook.group_vote_bps_max <= BPS, "the cap of a group's votes"),
        (
            [rule.kind for rule in rulebook.voting] == list(o.ProposalKind),
            "not one voting rule for each kind of proposal, in order",
        ),
    )
    for holds, what in (*checks, *_of_membership(rulebook.membership), *_of_fees(rulebook.fees)):
        if not holds:
            return what
    for rule in rulebook.voting:
        if not _is_sound(rule):
            return f"the voting rule of {o.ProposalKind(rule.kind).name}"
    return default_rules.fault_of(rulebook.default)


def _of_membership(rules: o.MembershipRules) -> tuple[tuple[bool, str], ...]:
    return (
        (0 <= rules.capital_min <= AMOUNT_MAX, "the capital minimum"),
        (0 <= rules.contribution_min <= AMOUNT_MAX, "the contribution minimum"),
        (0 <= rules.kyc_cure_dates <= CURE_DATES_MAX, "the cure window of attestations"),
        (0 <= rules.cooling_off_blocks <= COOLING_OFF_BLOCKS_MAX, "the cooling-off"),
        (
            RECOVERED_KEY_BLOCKS_MIN <= rules.recovered_key_blocks <= VALID_UNTIL_HEIGHTS_MAX,
            "the wait of recovered keys",
        ),
    )


def _of_fees(schedule: o.FeeSchedule) -> tuple[tuple[bool, str], ...]:
    least = [discount.contribution_min for discount in schedule.discounts]
    return (
        (0 <= schedule.flat <= FEE_MAX, "the flat fee"),
        (0 <= schedule.notional_ppm <= FEE_PPM_MAX, "the fee on the notional"),
        (0 <= schedule.cap <= FEE_MAX, "the cap of fees"),
        (len(least) <= FEE_DISCOUNTS_MAX, "the number of discounts"),
        (least == sorted(set(least)), "discounts ascend by contribution"),
        (all(0 <= number <= AMOUNT_MAX for number in least), "a discount's contribution"),
        (all(0 <= x.discount_bps <= BPS for x in schedule.discounts), "a discount"),
    )


def _are_sound(bounds: o.TermsBounds) -> bool:
    models = list(bounds.im_models)
    return (
        0 <= bounds.threshold_max <= AMOUNT_MAX
        and 0 <= bounds.minimum_transfer_max <= AMOUNT_MAX
        and 0 <= bounds.grace_blocks_max <= VALID_UNTIL_HEIGHTS_MAX
        and 0 <= bounds.haircut_bps_min < BPS
        and models == sorted(set(models))
        and 0 < bounds.confidence_bps_min < BPS
        and bounds.look_back_min >= 1
    )


def _is_cycle(rules: o.MarginRules) -> bool:
    spans = (rules.cycle_blocks, rules.grace_blocks, rules.quorum_wait_blocks)
    step = 0 <= rules.provisional_im_bps <= 10 * BPS
    return step and all(0 <= blocks <= VALID_UNTIL_HEIGHTS_MAX for blocks in spans)


def _is_sound(rule: o.VotingRule) -> bool:
    """A minority never decides, votes can be cast, and effect follows adoption."""
    shares = 0 <= rule.quorum_bps <= BPS <= 2 * rule.threshold_bps < 2 * BPS
    window = 1 <= rule.window_blocks <= VALID_UNTIL_HEIGHTS_MAX
    return shares and window and 1 <= rule.notice_blocks <= VALID_UNTIL_HEIGHTS_MAX
