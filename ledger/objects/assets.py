"""Settlement tokens and securities, and who holds how much."""

from ledger.objects.enums import AssetKind
from wire.codec import Record
from wire.ids import AssetCode, Lei


class AssetTerms(Record, frozen=True):
    """What an asset is, before anything of it exists: listed at genesis or by vote."""

    code: AssetCode
    kind: AssetKind
    issuer: Lei
    exponent: int
    """Digits of the minor unit (ISO 4217)."""


class Asset(Record, frozen=True):
    """A settlement token or security."""

    code: AssetCode
    kind: AssetKind
    issuer: Lei
    exponent: int
    """Digits of the minor unit (ISO 4217)."""
    minted: int
    redeemed: int


class Minting(Record, frozen=True):
    """Units that came into circulation; the key is (asset, units minted before), so that units
    have numbers and every one of them leads to its reserve."""

    to: Lei
    amount: int
    reference: str
    """Of the reserve attestation."""
    height: int
    """Of the block."""


class Balance(Record, frozen=True):
    """What an account holds of one asset; `locked` is part of `balance`."""

    balance: int
    locked: int
