"""Settlement tokens: mint, redeem, transfer."""

from wire.codec import Record
from wire.ids import AssetCode, Lei


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
    """A member pays another from its own account."""

    asset: AssetCode
    sender: Lei
    to: Lei
    amount: int
    reference: str
