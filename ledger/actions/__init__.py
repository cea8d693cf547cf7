"""What members can ask of the ledger: one record and tag each."""

from ledger.actions.cash import Mint, Redeem, Transfer
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
)

__all__ = [
    "Action",
    "Allocate",
    "ApplyMembership",
    "Approve",
    "CancelBatch",
    "CastVote",
    "CreateBatch",
    "FeedMark",
    "MemberKey",
    "Mint",
    "Propose",
    "Redeem",
    "RegisterTrade",
    "RotateKey",
    "SetLimit",
    "StandDown",
    "SubmitOracle",
    "TradeBatch",
    "Transfer",
]
