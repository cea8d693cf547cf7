"""What a block did, for whoever follows the ledger: one record and tag each."""

from ledger.events.cash import (
    CashMoved,
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
)

__all__ = [
    "BatchCancelled",
    "BatchInstructed",
    "BatchProgressed",
    "BatchSettled",
    "CallIssued",
    "CallMoved",
    "CashMoved",
    "ContractChanged",
    "ContractMatured",
    "CouponPaid",
    "CsaSigned",
    "DateClosed",
    "DisputeOpened",
    "DisputeResolved",
    "Event",
    "ImMoved",
    "KeyRotated",
    "MarginCycle",
    "MarkHeld",
    "MemberApplied",
    "MemberChanged",
    "NetworkRecovered",
    "PowerChanged",
    "ProposalDecided",
    "ProposalEnacted",
    "ProposalOpened",
    "RoundCleared",
    "RoundFrozen",
    "RoundSettled",
    "TradeRegistered",
    "ValidatorSuspended",
    "VoteCast",
]
