"""What a block did with each transaction and each netted obligation, and the roots of both."""

from typing import Final

from wire.codec import Record, encode
from wire.ids import AssetCode, Party
from wire.merkle import root

OK: Final = "OK"


class Receipt(Record, frozen=True):
    """The outcome of one transaction; the receipts root of the next header commits to it."""

    tx_id: bytes
    code: str
    """`OK`, or the code of the rejection."""
    detail: str
    """The numbers of the rejection, e.g. `has 12, needs 40`."""


class RoundResult(Record, frozen=True):
    """What a round did with one obligation: a leaf of the round results root of the next header."""

    salt: bytes
    """So that the proof of one leaf does not let its neighbours be guessed."""
    number: int
    obligation: bytes
    debtor: Party
    creditor: Party
    asset: AssetCode
    amount: int
    cancelled: int
    """Set off within the pair or cancelled in cycles."""
    settled: int
    """Discharged by net cash; amount - cancelled - settled stays open."""
    because_of: Party | None
    """Whose being out of the round left the rest open."""


def receipts_root(receipts: tuple[Receipt, ...]) -> bytes:
    """RFC 6962 root over the encoded receipts."""
    return root([encode(receipt) for receipt in receipts])


def results_root(results: tuple[RoundResult, ...]) -> bytes:
    """RFC 6962 root over the encoded round results."""
    return root([encode(result) for result in results])
