"""What members can ask of the ledger: one record and tag each."""

from ledger.actions.cash import (
    Mint,
    Redeem,
    Transfer,
)
from ledger.actions.contracts import (
    AmendTrade,
    CancelTrade,
    ConfirmTermination,
    ConsentNovation,
    ProposeNovation,
    RequestTermination,
)
from ledger.actions.default import (
    ContributeFund,
    CureDefault,
    DirectDefault,
    DistributeRecovery,
    NotifyInsolvency,
    PostCapital,
    RecordRecovery,
    ReleaseEstate,
    Stay,
    SubmitQuote,
    WithdrawCase,
    WithdrawFund,
)
from ledger.actions.governance import (
    CastVote,
    Propose,
)
from ledger.actions.margin import (
    AgreeIm,
    AgreeMark,
    CommitMark,
    PostIm,
    RaiseDispute,
    ReturnExcessIm,
    SubmitContractMark,
    SubmitMark,
    SubstituteCollateral,
)
from ledger.actions.members import (
    ApplyMembership,
    MemberKey,
    RotateKey,
    StandDown,
)
from ledger.actions.settlement import (
    Allocate,
    Approve,
    CancelBatch,
    CreateBatch,
)
from ledger.actions.terms import (
    AmendCsa,
    RegisterCsa,
)
from ledger.actions.trading import (
    FeedMark,
    RegisterTrade,
    SetLimit,
    SubmitOracle,
    TradeBatch,
)

Action = (
    Mint
    | Redeem
    | Transfer
    | RegisterTrade
    | TradeBatch
    | SubmitOracle
    | SetLimit
    | ApplyMembership
    | RotateKey
    | StandDown
    | Propose
    | CastVote
    | CreateBatch
    | Allocate
    | Approve
    | CancelBatch
    | RegisterCsa
    | AmendCsa
    | CommitMark
    | SubmitMark
    | SubmitContractMark
    | AgreeMark
    | RaiseDispute
    | PostIm
    | ReturnExcessIm
    | SubstituteCollateral
    | AgreeIm
    | AmendTrade
    | CancelTrade
    | RequestTermination
    | ConfirmTermination
    | ProposeNovation
    | ConsentNovation
    | ContributeFund
    | WithdrawFund
    | PostCapital
    | NotifyInsolvency
    | DirectDefault
    | WithdrawCase
    | CureDefault
    | Stay
    | SubmitQuote
    | RecordRecovery
    | ReleaseEstate
    | DistributeRecovery
)

__all__ = [
    "Action",
    "AgreeIm",
    "AgreeMark",
    "Allocate",
    "AmendCsa",
    "AmendTrade",
    "ApplyMembership",
    "Approve",
    "CancelBatch",
    "CancelTrade",
    "CastVote",
    "CommitMark",
    "ConfirmTermination",
    "ConsentNovation",
    "ContributeFund",
    "CreateBatch",
    "CureDefault",
    "DirectDefault",
    "DistributeRecovery",
    "FeedMark",
    "MemberKey",
    "Mint",
    "NotifyInsolvency",
    "PostCapital",
    "PostIm",
    "Propose",
    "ProposeNovation",
    "RaiseDispute",
    "RecordRecovery",
    "Redeem",
    "RegisterCsa",
    "RegisterTrade",
    "ReleaseEstate",
    "RequestTermination",
    "ReturnExcessIm",
    "RotateKey",
    "SetLimit",
    "StandDown",
    "Stay",
    "SubmitContractMark",
    "SubmitMark",
    "SubmitOracle",
    "SubmitQuote",
    "SubstituteCollateral",
    "TradeBatch",
    "Transfer",
    "WithdrawCase",
    "WithdrawFund",
]
