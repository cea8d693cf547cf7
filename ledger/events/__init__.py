"""What a block did, for whoever follows the ledger: one record and tag each."""

from ledger.events.cash import (
    CashMoved,
    ClientAccountClosed,
    ClientAccountOpened,
    FeeCharged,
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
    MarkHeld,
)
from ledger.events.members import (
    BalanceReleased,
    CapitalAttested,
    KeyRotated,
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
    "CashMoved",
    "ClientAccountClosed",
    "ClientAccountOpened",
    "ContractChanged",
    "ContractMatured",
    "CouponPaid",
    "CsaSigned",
    "DateClosed",
    "DisputeOpened",
    "DisputeResolved",
    "Event",
    "FeeCharged",
    "GroupChanged",
    "ImMoved",
    "KeyRotated",
    "KycAttested",
    "KycRevoked",
    "Listed",
    "MarginCycle",
    "MarkHeld",
    "MemberApplied",
    "MemberChanged",
    "MemberResigned",
    "NetworkRecovered",
    "PowerChanged",
    "ProposalDecided",
    "ProposalEnacted",
    "ProposalOpened",
    "RolesChanged",
    "RoundCleared",
    "RoundFrozen",
    "RoundSettled",
    "RulebookAmended",
    "StandingChanged",
    "TradeRegistered",
    "ValidatorSuspended",
    "VoteCast",
]
