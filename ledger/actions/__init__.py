"""What members can ask of the ledger: one record and tag each."""

from ledger.actions.cash import Mint, Redeem, Transfer
from ledger.actions.governance import Bootstrap, CastVote, Propose, RetireBootstrap
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
    WithdrawResignation,
)
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
    | AttestKyc
    | RevokeKyc
    | AttestCapital
    | Resign
    | WithdrawResignation
    | Exit
    | Bootstrap
    | RetireBootstrap
)

__all__ = [
    "Action",
    "Allocate",
    "ApplyMembership",
    "Approve",
    "AttestCapital",
    "AttestKyc",
    "Bootstrap",
    "CancelBatch",
    "CastVote",
    "CreateBatch",
    "Exit",
    "FeedMark",
    "MemberKey",
    "Mint",
    "Propose",
    "Redeem",
    "RegisterTrade",
    "Resign",
    "RetireBootstrap",
    "RevokeKyc",
    "RotateKey",
    "SetLimit",
    "StandDown",
    "SubmitOracle",
    "TradeBatch",
    "Transfer",
    "WithdrawResignation",
]
