"""Settlement tokens."""

from ledger.objects import Basis
from wire.codec import Record
from wire.ids import AssetCode, Party, Uti


class CashMoved(Record, frozen=True, tag=7):
    """Minted (no sender), redeemed (no receiver), or transferred."""

    asset: AssetCode
    sender: Party | None
    to: Party | None
    amount: int


class ClientAccountOpened(Record, frozen=True, tag=53):
    """A client has an account of its own."""

    party: Party


class ClientAccountClosed(Record, frozen=True, tag=54):
    """A client's account is gone, empty."""

    party: Party


class FeeCharged(Record, frozen=True, tag=55):
    """A party owes the fee of a trade, by the schedule of a version of the rulebook."""

    uti: Uti
    party: Party
    asset: AssetCode
    amount: int
    basis: Basis
