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


class BadClientAccount(Rejection):
    """A client account's reference or hash has the wrong form, or the account exists already."""

    code = "CLIENT_ACCOUNT_INVALID"
    remedy = "Choose a new reference of 1 to 16 of [0-9A-Z], and give a SHA-256."


class ClientSegregated(Rejection):
    """Client money goes to clients, or to an issuer to be redeemed; never to a house."""

    code = "CLIENT_SEGREGATED"
    remedy = (
        "Pay from client to client, or to the asset's issuer if that is not the client's own "
        "member; into a client's account only its member pays."
    )


class NoReserve(Rejection):
    """A mint names no attestation of the reserve behind it."""

    code = "MINT_NO_RESERVE"
    remedy = "Name the reserve attestation in the reference."
