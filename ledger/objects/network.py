"""The network itself: constants, counters, the rulebook."""

from wire.codec import Record
from wire.ids import AssetCode, Date


class Network(Record, frozen=True):
    """The one row of constants and counters of the network."""

    chain_id: str
    height: int
    time_ms: int
    business_date: Date | None
    """The date that is open; None when the calendar is exhausted."""
    calendar: tuple[Date, ...]
    """Business dates still to come, the open one first."""
    rounds: int
    """Netting rounds started so far."""


class Rulebook(Record, frozen=True):
    """All parameters of the network, one version."""

    version: int
    service: str
    currency: AssetCode
    minimum_transfer_amount: int
    rounding_unit: int
    funding_window_blocks: int
    """Blocks between the publication of pay-ins and settlement."""
    oracle_quorum: int
    """Oracles that must have marked a feed; at least 3 and more than half of the set."""
