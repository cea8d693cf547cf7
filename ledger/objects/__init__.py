"""The rows of the ledger: what a state root commits to. Amounts are minor units of an asset."""

from ledger.objects.assets import (
    Asset,
    Balance,
)
from ledger.objects.enums import (
    AccountKind,
    AssetKind,
    ContractState,
    KeyRole,
    MemberState,
    ObligationState,
    Origin,
    Product,
    Role,
    RoundState,
    TradeSource,
)
from ledger.objects.members import (
    Member,
    Nonce,
    SeedLink,
    SigningKeyRow,
)
from ledger.objects.netting import (
    Flow,
    NettingRound,
    Obligation,
    PayIn,
    RoundFigures,
)
from ledger.objects.network import (
    Network,
    Rulebook,
)
from ledger.objects.trades import (
    Contract,
    Feed,
    Instrument,
    Limit,
    Mark,
    NettingSet,
    OracleMark,
    Settled,
    Trade,
)

__all__ = [
    "AccountKind",
    "Asset",
    "AssetKind",
    "Balance",
    "Contract",
    "ContractState",
    "Feed",
    "Flow",
    "Instrument",
    "KeyRole",
    "Limit",
    "Mark",
    "Member",
    "MemberState",
    "NettingRound",
    "NettingSet",
    "Network",
    "Nonce",
    "Obligation",
    "ObligationState",
    "OracleMark",
    "Origin",
    "PayIn",
    "Product",
    "Role",
    "RoundFigures",
    "RoundState",
    "Rulebook",
    "SeedLink",
    "Settled",
    "SigningKeyRow",
    "Trade",
    "TradeSource",
]
