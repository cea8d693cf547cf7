"""Default: the rules of the rulebook, and what a case, its claims and its losses are made of."""

from enum import IntEnum

from ledger.objects.enums import Product
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, Lei, Party


class Tranche(IntEnum):
    """Who bears a part of a loss; the order in which they do is data of the rulebook."""

    IM = 1
    """Initial margin of the defaulter, held for the one creditor."""
    DEFAULTER = 2
    """The defaulter's contribution to the fund: shared by the claims of its case."""
    RETENTION = 3
    """A share of its uncovered claim that each creditor bears itself."""
    OWN_CONTRIBUTION = 4
    """The creditor's own contribution to the fund."""
    CAPITAL = 5
    """Of the network's operator: shared by all claims."""
    SURVIVORS = 6
    """Contributions of who is not in default, all in proportion."""
    SURVIVORS_BY_RANK = 7
    """The same, juniorised: rank by rank, who helped least first."""
    CASH_CALL = 8
    """More from each survivor, up to its cap."""
    GAINS_HAIRCUT = 9
    """Less for each that has a net gain in the round, up to a cap."""
    RESIDUAL = 10
    """What is left stays with the creditor; never part of an order, always its end."""


class Recourse(IntEnum):
    """What may be claimed from the defaulter itself, after the waterfall."""

    FULL = 1
    """Residuals are provable in its insolvency, and whoever paid is subrogated."""
    LIMITED = 2
    """Nothing more."""


class RepayOrder(IntEnum):
    """Whom recoveries repay first."""

    REVERSE = 1
    """The last to bear is the first repaid, in proportion within a tranche."""
    PRO_RATA = 2
    """All bearers, in proportion."""


class Trigger(IntEnum):
    """What opens a case."""

    UNPAID = 1
    """A debt that its debtor failed to fund, unpaid past grace."""
    INSOLVENCY = 2
    """Notice of an insolvency, by the member itself or an authority."""
    COMMITTEE = 3
    """A vote of the default committee: the only way for an operational miss."""
    DIRECTION = 4
    """Of an authority."""


class CaseState(IntEnum):
    """Where a case stands."""

    NOTICE = 1
    """The member knows what would cure it, and blocks have room for the payment."""
    DECLARED = 2
    """In default: contracts are frozen, client contracts may be ported."""
    STAYED = 3
    """An authority holds the close-out up while payments continue."""
    CLOSE_OUT = 4
    """Firm quotes are taken; at its end every netting set has one amount."""
    AUCTION = 5
    WATERFALL = 6
    """All claims are fixed; it waits for cases that were declared before they were."""
    RECOVERY = 7
    """Losses are allocated; what is recovered is distributed."""
    CLOSED = 8


class CloseOutState(IntEnum):
    """Where the close-out of one netting set stands."""

    FROZEN = 1
    """Not priced yet."""
    CLAIM = 2
    """The creditor has lost: its claim goes through the waterfall."""
    DUE = 3
    """The counterparty owes the estate."""
    DONE = 4
    """Nothing is owed (any more) either way."""
    TRANSFERRED = 5
    """Ported, or taken by a guarantor: the contracts go on with another party."""


class PriceSource(IntEnum):
    """Where a close-out price comes from."""

    AUCTION = 1
    QUOTES = 2
    """The median of at least three firm quotes from outside both groups."""
    ORACLES = 3
    """The oracle median taken after declaration within the close-out window."""


class BidOffer(Record, frozen=True):
    """What replacing a contract costs, in favour of the party that is not in default."""

    product: Product
    bps: int
    """Of the value of the contract's quantity at the close-out price."""


class Conversion(Record, frozen=True):
    """Which feed prices an asset in the rulebook's currency."""

    asset: AssetCode
    feed: FeedCode


class Shift(Record, frozen=True):
    """A feed moves by basis points of its mark."""

    feed: FeedCode
    bps: int


class StressScenario(Record, frozen=True):
    """Feeds that move together; what is not named stays."""

    name: str
    shifts: tuple[Shift, ...]


class DefaultRules(Record, frozen=True):
    """The rules of default, part of the rulebook. Lengths in blocks, shares in basis points."""

    notice_blocks: int
    """Blocks with room for the payment, before a declaration."""
    porting_window_blocks: int
    """Between declaration and close-out."""
    close_out_window_blocks: int
    stay_blocks_max: int
    protected_after_entry: bool
    """Obligations entered before the declaration still settle if the defaulter has funded them."""
    order: tuple[Tranche, ...]
    retention_bps: int
    recourse: Recourse
    repay: RepayOrder
    bid_offer: tuple[BidOffer, ...]
    """A product that is not named has none."""
    conversions: tuple[Conversion, ...]
    """Of assets other than the rulebook's currency, sorted."""
    operator: Lei | None
    """Whose capital stands in the waterfall."""
    committee: tuple[Lei, ...]
    alternates: tuple[Lei, ...]
    """Take the places of members of the committee that may not vote, in this order."""
    scenarios: tuple[StressScenario, ...]
    """Under which the fund is sized; none: it is not."""
    contribution_floor: int
    averaging_days: int
    """Business dates over which a member's risk is averaged for its share of the fund."""
    look_back_blocks: int
    """Trades registered so shortly before the notice, at a price outside the band around the last
    mark before, are not the fund's."""
    price_band_bps: int


class AssetSum(Record, frozen=True):
    """An amount of an asset."""

    asset: AssetCode
    amount: int


class TrancheSum(Record, frozen=True):
    """What a tranche bears."""

    tranche: Tranche
    amount: int


class DefaultCase(Record, frozen=True):
    """A default from notice to recovery; the key is its number. Amounts in the currency."""

    defaulter: Lei
    trigger: Trigger
    reason: str
    opened: int
    """Height of the notice."""
    rulebook_version: int
    """Of the notice."""
    unpaid: tuple[bytes, ...]
    """Ids of the debts whose payment cures it; of other triggers, what it owed, for the record."""
    cure: tuple[AssetSum, ...]
    """Their sum at the notice."""
    room_blocks: int
    """Blocks since the notice that had room for the payment."""
    heard: tuple[Lei, ...]
    """Who proposed them, ascending."""
    state: CaseState
    declared: int
    """Height; 0: not (yet) declared."""
    until: int
    """Height at which the present state ends; 0 if no height ends it."""
    stayed: int
    """Height at which the present stay began; 0: not stayed."""
    window: int
    """Height at which the close-out window opened."""
    mark_date: Date | None
    """The last business date closed since."""
    fixed: int
    """Height at which all claims were fixed."""
    loss: int
    """Sum of the claims."""
    applied: tuple[TrancheSum, ...]
    """How it was borne, residuals included."""
    recovered: int
    repaid: int


class CloseOut(Record, frozen=True):
    """The end of one netting set; the key is (case, debtor, creditor). Minor units, currency."""

    case: int
    debtor: Party
    """The defaulter's side."""
    creditor: Party
    state: CloseOutState
    amount: int
    """Seen from the creditor: positive is its claim."""
    eligible: int
    """The same without contracts that the fund does not cover."""
    values: int
    """Of the contracts, less what has settled; bid-offer included."""
    unpaid_to: int
    unpaid_by: int
    due: int
    """Height at which the counterparty pays the estate."""
    unconverted: tuple[AssetSum, ...]
    """In assets that no feed prices in the currency: a residual in kind, either way."""
    guarantor: Lei | None
    """Who has taken the set and paid the claim: it is in the creditor's place."""


class Guarantee(Record, frozen=True):
    """Up to which total a guarantor answers for a member; the key is (guarantor, member)."""

    total: int
    used: int


class LossClaim(Record, frozen=True):
    """A creditor's claim and what covered it; the key is (case, debtor, creditor)."""

    amount: int
    eligible: int
    covered: tuple[TrancheSum, ...]
    residual: int


class LossShare(Record, frozen=True):
    """What a bearer bears in one step of a case's waterfall; the key is (case, step, bearer)."""

    case: int
    tranche: Tranche
    amount: int
    repaid: int


class FirmQuote(Record, frozen=True):
    """At which price a member would take a contract of this instrument; (case, code, member)."""

    case: int
    price: int


class Overdue(Record, frozen=True):
    """Since which height its debtor has failed an obligation; the key is the obligation's id."""

    since: int


class DateClose(Record, frozen=True):
    """The height at which a business date was closed."""

    height: int


class Contribution(Record, frozen=True):
    """A member's part of a default fund; the key is (service, member). Balance = paid in +
    restored - withdrawn - used."""

    paid_in: int
    withdrawn: int
    used: int
    restored: int
    """By recoveries."""
    required: int
    risk: tuple[int, ...]
    """Of the last business dates, newest last: what its share is in proportion to."""


class DefaultFund(Record, frozen=True):
    """The default fund of a service; the key is the service."""

    asset: AssetCode
    cases: int
    """Opened so far."""
    paid_in: int
    withdrawn: int
    used: int
    restored: int
    requirement: int
    """Stressed loss of the two largest groups in one scenario."""
    scenario: str
    groups: tuple[Lei, ...]
    breached: bool
