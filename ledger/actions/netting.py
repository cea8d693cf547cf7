"""What a member decides about its debts outside of the netting rounds."""

from wire.codec import Record
from wire.ids import AssetCode, Date, Party


class PayDebts(Record, frozen=True, tag=65):
    """Pay whatever a party owes another in an asset and no round holds, at once and in full."""

    debtor: Party
    creditor: Party
    asset: AssetCode


class StayOut(Record, frozen=True, tag=66):
    """A party's debts, exchanges apart, stay out of the rounds of a date, announced before their
    freeze.

    What it owes remains due with the settlement of those rounds: it pays its debts singly by then
    (`PayDebts`), or has failed them.
    """

    party: Party
    date: Date
    out: bool
    """False: take part after all."""
