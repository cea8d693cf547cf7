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
    "CreateBatch",
    "FeedMark",
    "MemberKey",
    "Mint",
    "PostIm",
    "Propose",
    "ProposeNovation",
    "RaiseDispute",
    "Redeem",
    "RegisterCsa",
    "RegisterTrade",
    "RequestTermination",
    "ReturnExcessIm",
    "RotateKey",
    "SetLimit",
    "StandDown",
    "SubmitContractMark",
    "SubmitMark",
    "SubmitOracle",
    "SubstituteCollateral",
    "TradeBatch",
    "Transfer",
]
