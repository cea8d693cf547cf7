"""What members can ask of the ledger: one record and tag each."""

from typing import Final

from ledger.actions.cash import (
    Mint,
    Redeem,
    Transfer,
)
from ledger.actions.clients import (
    CloseClientAccount,
    OpenClientAccount,
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
    InvokeGuarantor,
    NotifyInsolvency,
    Port,
    PostCapital,
    RecordRecovery,
    ReleaseEstate,
    StateGuarantee,
    Stay,
    SubmitQuote,
    WithdrawCase,
    WithdrawFund,
)
from ledger.actions.governance import (
    Bootstrap,
    CastVote,
    Propose,
    RetireBootstrap,
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
    AttestCapital,
    AttestKyc,
    Exit,
    MemberKey,
    Resign,
    RevokeKyc,
    RotateKey,
    StandDown,
    VetoKey,
    WithdrawResignation,
)
from ledger.actions.netting import (
    PayDebts,
    StayOut,
)
from ledger.actions.oversight import (
    CommitLooks,
    DiscloseLooks,
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
    | AttestKyc
    | RevokeKyc
    | AttestCapital
    | Resign
    | WithdrawResignation
    | Exit
    | OpenClientAccount
    | CloseClientAccount
    | Bootstrap
    | RetireBootstrap
    | ContributeFund
    | WithdrawFund
    | PostCapital
    | NotifyInsolvency
    | DirectDefault
    | WithdrawCase
    | CureDefault
    | Stay
    | SubmitQuote
    | Port
    | InvokeGuarantor
    | RecordRecovery
    | ReleaseEstate
    | DistributeRecovery
    | StateGuarantee
    | PayDebts
    | StayOut
    | VetoKey
    | CommitLooks
    | DiscloseLooks
)

OVERSIGHT: Final = (CommitLooks, DiscloseLooks)
"""What a node that only observes submits: the record of its authority's looks."""

__all__ = [
    "OVERSIGHT",
    "Action",
    "AgreeIm",
    "AgreeMark",
    "Allocate",
    "AmendCsa",
    "AmendTrade",
    "ApplyMembership",
    "Approve",
    "AttestCapital",
    "AttestKyc",
    "Bootstrap",
    "CancelBatch",
    "CancelTrade",
    "CastVote",
    "CloseClientAccount",
    "CommitLooks",
    "CommitMark",
    "ConfirmTermination",
    "ConsentNovation",
    "ContributeFund",
    "CreateBatch",
    "CureDefault",
    "DirectDefault",
    "DiscloseLooks",
    "DistributeRecovery",
    "Exit",
    "FeedMark",
    "InvokeGuarantor",
    "MemberKey",
    "Mint",
    "NotifyInsolvency",
    "OpenClientAccount",
    "PayDebts",
    "Port",
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
    "Resign",
    "RetireBootstrap",
    "ReturnExcessIm",
    "RevokeKyc",
    "RotateKey",
    "SetLimit",
    "StandDown",
    "StateGuarantee",
    "Stay",
    "StayOut",
    "SubmitContractMark",
    "SubmitMark",
    "SubmitOracle",
    "SubmitQuote",
    "SubstituteCollateral",
    "TradeBatch",
    "Transfer",
    "VetoKey",
    "WithdrawCase",
    "WithdrawFund",
    "WithdrawResignation",
]
