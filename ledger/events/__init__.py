"""What a block did, for whoever follows the ledger: one record and tag each."""

from ledger.events.cash import (
    CashMoved,
)
from ledger.events.default import (
    CaseMoved,
    ClaimCovered,
    ClosedOut,
    ContributionShort,
    DebtPaid,
    DefaultDeclared,
    EstateCredited,
    EstatePaid,
    FundBreached,
    FundMoved,
    FundSized,
    InstrumentPriced,
    NoticeEnded,
    NoticeGiven,
    QuoteTaken,
    RecoveryPaid,
    RecoveryRecorded,
    RoundRecomputed,
    TrancheBears,
)
from ledger.events.governance import (
    ProposalDecided,
    ProposalEnacted,
    ProposalOpened,
    VoteCast,
)
from ledger.events.margin import (
    CallIssued,
    CallMoved,
    ContractChanged,
    CouponPaid,
    CsaSigned,
    DisputeOpened,
    DisputeResolved,
    ImMoved,
    MarkHeld,
)
from ledger.events.members import (
    KeyRotated,
    MemberApplied,
    MemberChanged,
    NetworkRecovered,
    PowerChanged,
    ValidatorSuspended,
)
from ledger.events.netting import (
    RoundCleared,
    RoundFrozen,
    RoundSettled,
)
from ledger.events.settlement import (
    BatchCancelled,
    BatchInstructed,
    BatchProgressed,
    BatchSettled,
)
from ledger.events.trading import (
    ContractMatured,
    DateClosed,
    MarginCycle,
    TradeRegistered,
)

Event = (
    TradeRegistered
    | DateClosed
    | MarginCycle
    | RoundFrozen
    | RoundCleared
    | RoundSettled
    | CashMoved
    | ContractMatured
    | MemberApplied
    | MemberChanged
    | KeyRotated
    | PowerChanged
    | ValidatorSuspended
    | ProposalOpened
    | VoteCast
    | ProposalDecided
    | ProposalEnacted
    | BatchInstructed
    | BatchProgressed
    | BatchSettled
    | BatchCancelled
    | NetworkRecovered
    | CsaSigned
    | CallIssued
    | CallMoved
    | ImMoved
    | CouponPaid
    | DisputeOpened
    | DisputeResolved
    | MarkHeld
    | ContractChanged
    | NoticeGiven
    | NoticeEnded
    | DefaultDeclared
    | RoundRecomputed
    | CaseMoved
    | InstrumentPriced
    | ClosedOut
    | TrancheBears
    | ClaimCovered
    | FundMoved
    | FundSized
    | FundBreached
    | ContributionShort
    | EstatePaid
    | RecoveryRecorded
    | RecoveryPaid
    | DebtPaid
    | QuoteTaken
    | EstateCredited
)

__all__ = [
    "BatchCancelled",
    "BatchInstructed",
    "BatchProgressed",
    "BatchSettled",
    "CallIssued",
    "CallMoved",
    "CaseMoved",
    "CashMoved",
    "ClaimCovered",
    "ClosedOut",
    "ContractChanged",
    "ContractMatured",
    "ContributionShort",
    "CouponPaid",
    "CsaSigned",
    "DateClosed",
    "DebtPaid",
    "DefaultDeclared",
    "DisputeOpened",
    "DisputeResolved",
    "EstateCredited",
    "EstatePaid",
    "Event",
    "FundBreached",
    "FundMoved",
    "FundSized",
    "ImMoved",
    "InstrumentPriced",
    "KeyRotated",
    "MarginCycle",
    "MarkHeld",
    "MemberApplied",
    "MemberChanged",
    "NetworkRecovered",
    "NoticeEnded",
    "NoticeGiven",
    "PowerChanged",
    "ProposalDecided",
    "ProposalEnacted",
    "ProposalOpened",
    "QuoteTaken",
    "RecoveryPaid",
    "RecoveryRecorded",
    "RoundCleared",
    "RoundFrozen",
    "RoundRecomputed",
    "RoundSettled",
    "TradeRegistered",
    "TrancheBears",
    "ValidatorSuspended",
    "VoteCast",
]
