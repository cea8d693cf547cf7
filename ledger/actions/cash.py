"""Settlement tokens: mint, redeem, transfer."""

from wire.codec import Record
from wire.ids import AssetCode, Lei, Party


class Mint(Record, frozen=True, tag=1):
    """The issuer creates an amount in a member's own account."""

    asset: AssetCode
    to: Lei
    amount: int
    reference: str
    """Of the reserve attestation behind it."""


class Redeem(Record, frozen=True, tag=2):
    """The issuer takes an amount out of its own account and of circulation."""

    asset: AssetCode
    amount: int
    reference: str


class Transfer(Record, frozen=True, tag=3):
    """A member pays from its house, or for a client of it from the client's account."""

    asset: AssetCode
    sender: Party
    to: Party
    amount: int
    reference: str
