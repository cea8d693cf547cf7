"""What members can ask of the ledger: one record and tag each."""

from ledger.actions.cash import Mint, Redeem, Transfer
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
from ledger.actions.governance import CastVote, Propose
from ledger.actions.members import ApplyMembership, MemberKey, RotateKey, StandDown
from ledger.actions.settlement import Allocate, Approve, CancelBatch, CreateBatch
from ledger.actions.trading import FeedMark, RegisterTrade, SetLimit, SubmitOracle, TradeBatch

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
    "Allocate",
    "ApplyMembership",
    "Approve",
    "CancelBatch",
    "CastVote",
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
    "Propose",
    "RecordRecovery",
    "Redeem",
    "RegisterTrade",
    "ReleaseEstate",
    "RotateKey",
    "SetLimit",
    "StandDown",
    "Stay",
    "SubmitOracle",
    "SubmitQuote",
    "TradeBatch",
    "Transfer",
    "WithdrawCase",
    "WithdrawFund",
]
