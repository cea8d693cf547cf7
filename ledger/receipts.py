"""What a block did: a receipt for each transaction, and events for whoever follows the ledger."""

from typing import Final

from ledger.objects import (
    BatchState,
    KeyRole,
    Leg,
    MemberState,
    OffenceKind,
    ProposalState,
    RoundFigures,
)
from wire.codec import Record, encode
from wire.ids import AssetCode, Date, Lei, Uti
from wire.merkle import root

OK: Final = "OK"


class Receipt(Record, frozen=True):
    """The outcome of one transaction; the receipts root of the next header commits to it."""

    tx_id: bytes
    code: str
    """`OK`, or the code of the rejection."""
    detail: str
    """The numbers of the rejection, e.g. `has 12, needs 40`."""


class TradeRegistered(Record, frozen=True, tag=1):
    """A contract became live."""

    uti: Uti
    buyer: Lei
    seller: Lei


class DateClosed(Record, frozen=True, tag=2):
    """A quorum of oracles has marked every feed: the business date is closed."""

    date: Date


class MarginCycle(Record, frozen=True, tag=3):
    """The margin cycle of a date: gross variation margin and the number of netting sets."""

    date: Date
    asset: AssetCode
    gross: int
    obligations: int


class RoundFrozen(Record, frozen=True, tag=4):
    """A netting round took its input."""

    number: int
    obligations: int


class RoundCleared(Record, frozen=True, tag=5):
    """Cycles are cancelled; pay-ins are published."""

    number: int
    figures: tuple[RoundFigures, ...]


class RoundSettled(Record, frozen=True, tag=6):
    """Net cash moved."""

    number: int
    figures: tuple[RoundFigures, ...]
    failed: tuple[Lei, ...]
    liquidity_events: tuple[Lei, ...]


class CashMoved(Record, frozen=True, tag=7):
    """Minted (no sender), redeemed (no receiver), or transferred."""

    asset: AssetCode
    sender: Lei | None
    to: Lei | None
    amount: int


class ContractMatured(Record, frozen=True, tag=8):
    """A contract's last mark is settled; it is closed."""

    uti: Uti
    date: Date


class MemberApplied(Record, frozen=True, tag=9):
    """A legal entity has applied for membership."""

    lei: Lei


class MemberChanged(Record, frozen=True, tag=10):
    """A member's state has changed."""

    lei: Lei
    state: MemberState


class KeyRotated(Record, frozen=True, tag=11):
    """A member's key of one role has been replaced."""

    lei: Lei
    role: KeyRole
    new: bytes


class PowerChanged(Record, frozen=True, tag=12):
    """A validator's voting power from a height on; 0: it does not vote."""

    lei: Lei
    power: int
    from_height: int


class ValidatorSuspended(Record, frozen=True, tag=13):
    """Evidence in this block has taken a validator's power: for its supervisors."""

    lei: Lei
    kind: OffenceKind
    offence_height: int
    consensus_key: bytes


class ProposalOpened(Record, frozen=True, tag=14):
    """Votes are taken until `due`, by the rulebook of this version."""

    number: int
    proposer: Lei
    due: int
    rulebook_version: int


class VoteCast(Record, frozen=True, tag=15):
    """A member has voted."""

    number: int
    voter: Lei
    in_favour: bool


class ProposalDecided(Record, frozen=True, tag=16):
    """Votes are counted; adopted, it takes effect at `due`."""

    number: int
    state: ProposalState
    in_favour: int
    against: int
    entitled: int
    due: int


class ProposalEnacted(Record, frozen=True, tag=17):
    """A proposal has taken effect, or (any code but OK) could not."""

    number: int
    code: str
    detail: str


class BatchInstructed(Record, frozen=True, tag=18):
    """A settlement batch waits for its senders and receivers."""

    creator: Lei
    reference: str
    legs: tuple[Leg, ...]


class BatchProgressed(Record, frozen=True, tag=19):
    """A sender has allocated, or a receiver approved; irrevocable once all have."""

    creator: Lei
    reference: str
    member: Lei
    state: BatchState


class BatchSettled(Record, frozen=True, tag=20):
    """Every leg has been delivered, in one transition."""

    creator: Lei
    reference: str


class BatchCancelled(Record, frozen=True, tag=21):
    """Nothing is delivered; what was in escrow is back."""

    creator: Lei
    reference: str
    by: Lei | None
    """None: its deadline has passed."""


class NetworkRecovered(Record, frozen=True, tag=22):
    """The members have put new validators in the place of a lost quorum: for the supervisors."""

    height: int
    """Of the last block of the validators before."""
    round: int
    validators: tuple[Lei, ...]
    power: int
    reason: str


Event = (
    TradeRegistered
    | DateClosed
    | MarginCycle
    | RoundFrozen
    | RoundCleared
    | RoundSettled
    | CashMoved
    | ContractMatured
    | MemberApplied
    | MemberChanged
    | KeyRotated
    | PowerChanged
    | ValidatorSuspended
    | ProposalOpened
    | VoteCast
    | ProposalDecided
    | ProposalEnacted
    | BatchInstructed
    | BatchProgressed
    | BatchSettled
    | BatchCancelled
    | NetworkRecovered
)


class RoundResult(Record, frozen=True):
    """What a round did with one obligation: a leaf of the round results root of the next header."""

    salt: bytes
    """So that the proof of one leaf does not let its neighbours be guessed."""
    number: int
    obligation: bytes
    debtor: Lei
    creditor: Lei
    asset: AssetCode
    amount: int
    cancelled: int
    """Set off within the pair or cancelled in cycles."""
    settled: int
    """Discharged by net cash; amount - cancelled - settled stays open."""
    because_of: Lei | None
    """Whose being out of the round left the rest open."""


def receipts_root(receipts: tuple[Receipt, ...]) -> bytes:
    """RFC 6962 root over the encoded receipts."""
    return root([encode(receipt) for receipt in receipts])


def results_root(results: tuple[RoundResult, ...]) -> bytes:
    """RFC 6962 root over the encoded round results."""
    return root([encode(result) for result in results])
