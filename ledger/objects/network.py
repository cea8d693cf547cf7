"""The network itself: constants, counters, the rulebook."""

from ledger.objects.default import DefaultRules
from ledger.objects.enums import Clause, Electorate, ImModel, ProposalKind
from wire.codec import Record
from wire.ids import AssetCode, Date, Lei


class Network(Record, frozen=True):
    """The one row of constants and counters of the network."""

    chain_id: str
    height: int
    time_ms: int
    business_date: Date | None
    """The date that is open; None when the calendar is exhausted."""
    calendar: tuple[Date, ...]
    """Business dates still to come, the open one first."""
    opened: int
    """Height at which `business_date` opened."""
    closed_date: Date | None
    """The date closed last."""
    rounds: int
    """Netting rounds started so far."""
    proposals: int
    """Proposals opened so far."""
    recent_from: int
    """The lowest height that evidence can still be brought about."""


class VotingRule(Record, frozen=True):
    """How proposals of one kind are decided; shares in basis points."""

    kind: ProposalKind
    electorate: Electorate
    quorum_bps: int
    """Of the entitled weight that must have voted."""
    threshold_bps: int
    """Of the weight cast that must be in favour, strictly more."""
    window_blocks: int
    """How long it is open."""
    notice_blocks: int
    """Between adoption and effect."""


class Basis(Record, frozen=True):
    """What a decision rests on: stands in the event of every one."""

    clause: Clause
    rulebook_version: int


class MembershipRules(Record, frozen=True):
    """What it takes to become a member, to stay one, and to leave."""

    kyc_required: bool
    """Whether an applicant needs an attestation in force."""
    capital_min: int
    """Attested capital of a member that trades, in minor units of the currency."""
    contribution_min: int
    """What it commits itself to pay into the default fund, at least."""
    kyc_cure_dates: int
    """Business dates after an attestation has expired in which nothing changes."""
    cooling_off_blocks: int
    """Between resignation and exit; the member stays liable."""
    recovered_key_blocks: int
    """In which a recovered key does not sign for initial margin."""


class TermsBounds(Record, frozen=True):
    """Within which two parties may agree on their terms."""

    threshold_max: int
    """Minor units, in every currency."""
    minimum_transfer_max: int
    grace_blocks_max: int
    haircut_bps_min: int
    """Of what is not cash in the currency of the initial margin."""
    im_models: tuple[ImModel, ...]
    confidence_bps_min: int
    look_back_min: int


class MarginRules(Record, frozen=True):
    """How margin is called under standard terms, and how often under all."""

    cycle_blocks: int
    """Blocks between two intraday cycles; 0: one cycle a business date."""
    grace_blocks: int
    """Between a call's due height and its failure, without a CSA."""
    quorum_wait_blocks: int
    """After so many blocks a date closes although some feeds have no quorum, at their last marks;
    0: it waits for them however long."""
    provisional_im_bps: int
    """What initial margin steps up by while a pair's marks are provisional (level L3)."""


class SettlementRules(Record, frozen=True):
    """What becomes of batches that fail."""

    retries_max: int
    """Windows that a batch may ask for after its first one."""


class FeeDiscount(Record, frozen=True):
    """Less fees for whoever has put more into the default fund."""

    contribution_min: int
    """From this contribution on, minor units."""
    discount_bps: int


class FeeSchedule(Record, frozen=True):
    """What each party of a trade pays for its registration."""

    collector: Lei | None
    """Member that is paid; None: there are no fees."""
    flat: int
    """A trade, minor units of its currency."""
    notional_ppm: int
    """Millionths of the notional: 100 are one basis point."""
    cap: int
    """Most for one trade, before the discount; 0: no cap."""
    discounts: tuple[FeeDiscount, ...]
    """Ascending; the last one reached holds."""


class Rulebook(Record, frozen=True):
    """All parameters of the network, one version."""

    version: int
    service: str
    currency: AssetCode
    minimum_transfer_amount: int
    rounding_unit: int
    funding_window_blocks: int
    """Blocks between the publication of pay-ins and settlement."""
    terms: TermsBounds
    margin: MarginRules
    oracle_quorum: int
    """Oracles that must have marked a feed; at least 3 and more than half of the set."""
    evidence_age_blocks: int
    evidence_age_ms: int
    """Evidence expires once its height is past both ages."""
    group_vote_bps_max: int
    """Most of the entitled weight that one group's votes count for."""
    voting: tuple[VotingRule, ...]
    """One for each kind of proposal, sorted."""
    membership: MembershipRules
    fees: FeeSchedule
    settlement: SettlementRules
    default: DefaultRules


class RulebookVersion(Record, frozen=True):
    """One version of the rulebook, kept for ever; the key is its number."""

    rulebook: Rulebook
    rulebook_hash: bytes
    """SHA-256 of its canonical encoding: what members sign and lawyers cite."""
    from_height: int
    """Of the block that put it in force; 0: the genesis."""


class Bootstrap(Record, frozen=True):
    """The key that can take a network's first steps alone; the one row of it."""

    public_key: bytes
    until: int
    """The last height at which it can act."""
    retired: int
    """Height of the block that retired it for good; 0 while it can act."""
