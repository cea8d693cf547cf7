"""Credit support annexes: what two parties have agreed on margin, within the network's bounds."""

from ledger.objects.enums import CsaMode, ImModel, MarkSource, Procyclicality
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, Lei, Party


class CurrencyTerms(Record, frozen=True):
    """Variation margin in one currency; amounts in its minor units."""

    asset: AssetCode
    threshold_first: int
    """Exposure to the first party that the second leaves unsecured; collateralised mode only."""
    threshold_second: int
    minimum_transfer_amount: int
    rounding_unit: int
    interest_bps: int
    """A year, on the balance held (collateralised) or on what has settled (price alignment)."""
    interest_feed: FeedCode | None
    """A rate added to `interest_bps`: its mark / its scale a year."""
    day_basis: int
    """Days of a year: 360 or 365."""


class EligibleAsset(Record, frozen=True):
    """What initial margin may be posted in."""

    asset: AssetCode
    haircut_bps: int
    feed: FeedCode | None
    """Its price in the currency of the initial margin, per whole unit; None for that currency."""


class ImTerms(Record, frozen=True):
    """Initial margin: how much, by which model, in which currency."""

    model: ImModel
    currency: AssetCode
    fixed_first: int
    """FIXED: what the first party posts; minor units of `currency`."""
    fixed_second: int
    confidence_bps: int
    """HISTORICAL: share of scenarios that are covered."""
    look_back: int
    """HISTORICAL: scenarios, one a business date."""
    horizon: int
    """HISTORICAL: business dates of a scenario's move."""
    tool: Procyclicality
    stress_bps: int
    """STRESS_WEIGHT: weight of the stressed period."""
    stress_from: Date | None
    stress_to: Date | None
    long_look_back: int
    """LONG_FLOOR: scenarios of the floor."""
    rise_bps_max: int
    """Most that the model may raise the requirement on unchanged positions in one date; 0: any."""


class NettingOpinion(Record, frozen=True):
    """A legal opinion that close-out netting holds; without a valid one the pair counts gross."""

    jurisdiction: str
    reference: str
    expiry: Date


class Csa(Record, frozen=True):
    """The bilateral terms of two parties, first < second; amended only by both."""

    first: Party
    second: Party
    version: int
    mode: CsaMode
    currencies: tuple[CurrencyTerms, ...]
    """Sorted by asset; a currency that is not listed goes by the rulebook's standard terms."""
    eligible: tuple[EligibleAsset, ...]
    """In the order in which they are taken."""
    im: ImTerms
    grace_blocks: int
    """Between a call's due height and its failure."""
    cut_off_blocks: int
    """From a date's opening until marks may be revealed although the other side is silent."""
    mark_source: MarkSource
    mark_tolerance: int
    """Most that the parties' marks of a contract may differ by; minor units."""
    oracles: tuple[Lei, ...]
    """Who decides disputed marks; empty: all oracles of the network."""
    guarantors: tuple[Lei, ...]
    """Who may take the netting set over when one party defaults: consent given beforehand."""
    legal_text_hash: bytes
    governing_law: str
    opinion: NettingOpinion | None
    title_transfer: bool
    """Else a pledge: variation margin held is not the holder's to keep."""
