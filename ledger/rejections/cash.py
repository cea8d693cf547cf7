"""Assets and balances."""

from ledger.rejections.envelope import WrongSigners
from wire.errors import Rejection


class UnknownAsset(Rejection):
    """No asset has this code."""

    code = "ASSET_UNKNOWN"
    remedy = "Check the asset code."


class NotTheIssuer(WrongSigners):
    """Only an asset's issuer mints and redeems it."""

    code = "ASSET_NOT_ISSUER"
    remedy = "Ask the issuer."


class UnknownAccount(Rejection):
    """The member has no such client account."""

    code = "TX_ACCOUNT_UNKNOWN"
    remedy = "Name the member's house (its LEI) or a client account it has opened."


class BadAmount(Rejection):
    """An amount is not a positive integer inside the limits, or a sum would leave them."""

    code = "AMOUNT_OUT_OF_RANGE"
    remedy = "Give a positive amount in minor units, below 2^62, sums included."


class InsufficientFunds(Rejection):
    """The account's free balance is smaller than the amount."""

    code = "CASH_INSUFFICIENT"
    remedy = "Fund the account first; locked amounts are not free."


class SelfTransfer(Rejection):
    """Sender and receiver are one member."""

    code = "CASH_SELF_TRANSFER"
    remedy = "Name another receiver."
