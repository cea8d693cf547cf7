"""Terms, calls, initial margin, disputes."""

from ledger.objects import Basis, CallKind, CallReason, CallState
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, Party, Uti


class CsaSigned(Record, frozen=True, tag=23):
    """Two parties' terms are on the ledger, or amended."""

    first: Party
    second: Party
    version: int
    basis: Basis


class CallIssued(Record, frozen=True, tag=24):
    """A margin call, and what it is reckoned from."""

    ident: bytes
    kind: CallKind
    payer: Party
    receiver: Party
    asset: AssetCode
    amount: int
    date: Date
    due: int
    reason: CallReason
    basis: Basis


class CallMoved(Record, frozen=True, tag=25):
    """A call is settled, disputed, agreed or has failed; settled ones leave the state."""

    ident: bytes
    state: CallState


class ImMoved(Record, frozen=True, tag=26):
    """Initial margin came into contract custody (positive) or left it by one of its routes."""

    poster: Party
    secured: Party
    asset: AssetCode
    amount: int
    route: str
    """POST, RETURN, SUBSTITUTION, RELEASE, NOVATION, CLOSE_OUT."""


class CouponPaid(Record, frozen=True, tag=27):
    """A contract's scheduled payment became a debt; negative: the seller receives."""

    uti: Uti
    date: Date
    to_buyer: int


class DisputeOpened(Record, frozen=True, tag=28):
    """The parties' marks differ by more than the tolerance: the undisputed amount has moved."""

    first: Party
    second: Party
    asset: AssetCode
    date: Date
    value_first: int
    value_second: int
    moved: int


class DisputeResolved(Record, frozen=True, tag=29):
    """Oracles, an agreement or the next cycle have decided what the contracts are worth."""

    first: Party
    second: Party
    asset: AssetCode
    date: Date
    by: str
    basis: Basis


class MarkHeld(Record, frozen=True, tag=30):
    """A median jumps beyond its feed's limit: a second quorum has to confirm it."""

    feed: FeedCode
    date: Date
    value: int


class ContractChanged(Record, frozen=True, tag=31):
    """A contract has been amended, cancelled, terminated (in part) or novated."""

    uti: Uti
    how: str
    quantity: int
    """What is left of it."""


class MarkCarried(Record, frozen=True, tag=82):
    """A date closed without a quorum for the feed: its mark before is carried forward."""

    feed: FeedCode
    date: Date
    value: int
    basis: Basis


class MarksProvisional(Record, frozen=True, tag=83):
    """Two parties' marks rest on one side's word, or (`provisional` is false) no longer do."""

    first: Party
    second: Party
    date: Date
    provisional: bool
    basis: Basis
