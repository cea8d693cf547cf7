"""Settlement tokens."""

from wire.codec import Record
from wire.ids import AssetCode, Lei


class CashMoved(Record, frozen=True, tag=7):
    """Minted (no sender), redeemed (no receiver), or transferred."""

    asset: AssetCode
    sender: Lei | None
    to: Lei | None
    amount: int
