"""The default fund and cases. `basis`: the rule by which it happened."""

from ledger.objects import (
    AssetSum,
    Basis,
    CaseState,
    PriceSource,
    Tranche,
    Trigger,
)
from wire.codec import Record
from wire.ids import Date, InstrumentCode, Lei, Party


class NoticeGiven(Record, frozen=True, tag=60):
    """A member is told what would cure it; blocks must have room for the payment first."""

    case: int
    member: Lei
    trigger: Trigger
    reason: str
    cure: tuple[AssetSum, ...]
    notice_blocks: int
    basis: Basis


class NoticeEnded(Record, frozen=True, tag=61):
    """No default: the debts are paid (`cured`), or the notice is taken back."""

    case: int
    member: Lei
    cured: bool


class DefaultDeclared(Record, frozen=True, tag=62):
    """The member has lost its vote, power and transactions; its contracts are frozen."""

    case: int
    member: Lei
    trigger: Trigger
    netting_sets: int
    contracts: int
    batches: int
    """Cancelled, not being irrevocable."""
    basis: Basis


class RoundRecomputed(Record, frozen=True, tag=63):
    """A round that was not final starts again without who is in default."""

    number: int
    by: int
    """The round in its place; 0 if nothing is left of it."""
    without: tuple[Party, ...]
    liquidity_events: tuple[Party, ...]
    """Receive later for it."""


class CaseMoved(Record, frozen=True, tag=64):
    """A case enters a state, until a height (0: until something happens)."""

    case: int
    state: CaseState
    until: int
    reason: str
    basis: Basis


class InstrumentPriced(Record, frozen=True, tag=65):
    """The close-out price of an instrument in one netting set, bid-offer apart."""

    case: int
    creditor: Party
    instrument: InstrumentCode
    price: int
    source: PriceSource
    date: Date | None
    """Of the oracle median."""


class ClosedOut(Record, frozen=True, tag=66):
    """One netting set has one amount, seen from the party that is not in default."""

    case: int
    debtor: Party
    creditor: Party
    amount: int
    values: int
    unpaid_to: int
    unpaid_by: int
    eligible: int
    basis: Basis


class TrancheBears(Record, frozen=True, tag=67):
    """One bearer bears a part of a case's losses."""

    case: int
    step: int
    tranche: Tranche
    rank: int
    bearer: str
    """A member or party; of capital, the operator."""
    amount: int
    basis: Basis


class ClaimCovered(Record, frozen=True, tag=68):
    """A claim after the waterfall."""

    case: int
    debtor: Party
    creditor: Party
    amount: int
    covered: int
    retained: int
    """What the rulebook has the creditor bear itself."""
    residual: int


class FundMoved(Record, frozen=True, tag=69):
    """A member has paid into the fund (negative: taken out); capital if it is the operator's."""

    service: str
    member: Lei
    amount: int
    capital: bool


class FundSized(Record, frozen=True, tag=70):
    """What the fund has to be, and is, on a date."""

    service: str
    date: Date
    requirement: int
    scenario: str
    groups: tuple[Lei, ...]
    """Whose stressed losses add up to it."""
    fund: int
    basis: Basis


class FundBreached(Record, frozen=True, tag=71):
    """The fund falls short of the two largest groups in one scenario."""

    service: str
    date: Date
    requirement: int
    fund: int


class ContributionShort(Record, frozen=True, tag=72):
    """A member has less in the fund than its share."""

    service: str
    member: Lei
    required: int
    has: int


class EstatePaid(Record, frozen=True, tag=73):
    """A counterparty has paid its close-out amount to the estate."""

    case: int
    payer: Party
    amount: int


class RecoveryRecorded(Record, frozen=True, tag=74):
    """Money has been recovered for a case."""

    case: int
    payer: Lei
    amount: int
    reference: str


class RecoveryPaid(Record, frozen=True, tag=75):
    """A bearer of losses is repaid a part, and its claim on the defaulter falls by as much."""

    case: int
    tranche: Tranche
    bearer: str
    amount: int
    basis: Basis


class ClientPorted(Record, frozen=True, tag=76):
    """A client's contracts with one counterparty go on with another member."""

    case: int
    client: Party
    to: Party
    counterparty: Party
    contracts: int


class GuarantorTook(Record, frozen=True, tag=77):
    """A guarantor has taken a netting set: it has paid the creditor what the defaulter owed."""

    case: int
    guarantor: Lei
    debtor: Party
    creditor: Party
    amount: int
    """Negative: the creditor owes it to the estate."""
    contracts: int
    basis: Basis


class DebtPaid(Record, frozen=True, tag=78):
    """A debt has been paid out of turn."""

    debtor: Party
    creditor: Party
    asset: str
    amount: int


class QuoteTaken(Record, frozen=True, tag=79):
    """A firm quote is on record."""

    case: int
    member: Lei
    instrument: InstrumentCode
    price: int


class EstateCredited(Record, frozen=True, tag=80):
    """What is the defaulter's own goes to its estate: surplus margin, cash."""

    case: int
    asset: str
    amount: int
    reason: str
