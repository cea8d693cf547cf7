"""Margin calls and what stands behind them."""

from ledger.objects.enums import CallKind, CallState
from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Party, Uti


class MarkUsed(Record, frozen=True):
    """A mark that a call is reckoned from."""

    feed: FeedCode
    value: int


class PositionUsed(Record, frozen=True):
    """A net position that a call is reckoned from, seen from the set's first party."""

    instrument: InstrumentCode
    quantity: int


class CallReason(Record, frozen=True):
    """Why a call is for this amount; minor units, seen from the set's first party for VM."""

    value: int
    """VM: sum of contract values. IM: the requirement."""
    settled: int
    """VM: what had settled or was held before. IM: the value of what is posted, after haircuts."""
    marks: tuple[MarkUsed, ...]
    positions: tuple[PositionUsed, ...]


class MarginCall(Record, frozen=True):
    """One party has to bring an amount by a height; forgotten, after its event, once settled."""

    kind: CallKind
    payer: Party
    receiver: Party
    asset: AssetCode
    amount: int
    undisputed: int
    """What is due whatever becomes of a dispute."""
    date: Date
    issued: int
    due: int
    """Height of the block in which it is collected."""
    grace_until: int
    """Height at which it has failed for good, and may be noticed as a default."""
    state: CallState
    reason: CallReason


class AgreedIm(Record, frozen=True):
    """EXTERNAL initial margin: what both have agreed; minor units of the CSA's IM currency."""

    first: int
    second: int


class PartyMarks(Record, frozen=True):
    """One party's commitment to, and then its marks of, a pair's contracts on a date."""

    digest: bytes
    marks: tuple["ContractMark", ...] | None
    """None until revealed."""


class ContractMark(Record, frozen=True):
    """The value of one contract, minor units, seen from the set's first party."""

    uti: Uti
    value: int


class ContractValue(Record, frozen=True):
    """The value that holds for a contract marked by its parties or, disputed, by oracles."""

    date: Date
    value: int


class DisputedMark(Record, frozen=True):
    """A contract on which the parties' marks differ; seen from the first party."""

    uti: Uti
    first: int
    second: int


class Dispute(Record, frozen=True):
    """Contracts whose marks are disputed: the rest of the variation margin waits."""

    date: Date
    opened: int
    settled: int
    """Before the cycle."""
    value_first: int
    """Sum of the set's values by the first party's marks."""
    value_second: int
    moved: int
    """Undisputed, moved at once, to the first party."""
    marks: tuple[DisputedMark, ...]


class Provisional(Record, frozen=True):
    """Two parties' marks rest on one side's word alone; the key is (first, second)."""

    date: Date
    """Since when."""
