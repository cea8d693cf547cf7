"""What a block did, for whoever follows the ledger: one record and tag each."""

from ledger.events.cash import (
    CashMoved,
    ClientAccountClosed,
    ClientAccountOpened,
    FeeCharged,
)
from ledger.events.default import (
    CaseMoved,
    ClaimCovered,
    ClientPorted,
    ClosedOut,
    ContributionShort,
    DebtPaid,
    DefaultDeclared,
    EstateCredited,
    EstatePaid,
    FundBreached,
    FundMoved,
    FundSized,
    GuarantorTook,
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
    BootstrapActed,
    BootstrapRetired,
    CalendarExtended,
    GroupChanged,
    Listed,
    ProposalDecided,
    ProposalEnacted,
    ProposalOpened,
    RolesChanged,
    RulebookAmended,
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
    MarkCarried,
    MarkHeld,
    MarksProvisional,
)
from ledger.events.members import (
    BalanceReleased,
    CapitalAttested,
    KeyRotated,
    KeyVetoed,
    KycAttested,
    KycRevoked,
    MemberApplied,
    MemberChanged,
    MemberResigned,
    NetworkRecovered,
    PowerChanged,
    StandingChanged,
    ValidatorSuspended,
)
from ledger.events.netting import (
    RoundCleared,
    RoundFrozen,
    RoundSettled,
    StaysOut,
)
from ledger.events.oversight import (
    LookDisclosed,
    LookOverdue,
    LooksCommitted,
    MandateGranted,
    MandateRevoked,
)
from ledger.events.settlement import (
    BatchCancelled,
    BatchInstructed,
    BatchProgressed,
    BatchRetried,
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
    | KycAttested
    | KycRevoked
    | StandingChanged
    | BalanceReleased
    | CapitalAttested
    | MemberResigned
    | Listed
    | CalendarExtended
    | RulebookAmended
    | RolesChanged
    | GroupChanged
    | BootstrapActed
    | BootstrapRetired
    | ClientAccountOpened
    | ClientAccountClosed
    | FeeCharged
    | BatchRetried
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
    | ClientPorted
    | GuarantorTook
    | DebtPaid
    | QuoteTaken
    | EstateCredited
    | StaysOut
    | MarkCarried
    | MarksProvisional
    | KeyVetoed
    | MandateGranted
    | MandateRevoked
    | LooksCommitted
    | LookDisclosed
    | LookOverdue
)

__all__ = [
    "BalanceReleased",
    "BatchCancelled",
    "BatchInstructed",
    "BatchProgressed",
    "BatchRetried",
    "BatchSettled",
    "BootstrapActed",
    "BootstrapRetired",
    "CalendarExtended",
    "CallIssued",
    "CallMoved",
    "CapitalAttested",
    "CaseMoved",
    "CashMoved",
    "ClaimCovered",
    "ClientAccountClosed",
    "ClientAccountOpened",
    "ClientPorted",
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
    "FeeCharged",
    "FundBreached",
    "FundMoved",
    "FundSized",
    "GroupChanged",
    "GuarantorTook",
    "ImMoved",
    "InstrumentPriced",
    "KeyRotated",
    "KeyVetoed",
    "KycAttested",
    "KycRevoked",
    "Listed",
    "LookDisclosed",
    "LookOverdue",
    "LooksCommitted",
    "MandateGranted",
    "MandateRevoked",
    "MarginCycle",
    "MarkCarried",
    "MarkHeld",
    "MarksProvisional",
    "MemberApplied",
    "MemberChanged",
    "MemberResigned",
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
    "RolesChanged",
    "RoundCleared",
    "RoundFrozen",
    "RoundRecomputed",
    "RoundSettled",
    "RulebookAmended",
    "StandingChanged",
    "StaysOut",
    "TradeRegistered",
    "TrancheBears",
    "ValidatorSuspended",
    "VoteCast",
]
