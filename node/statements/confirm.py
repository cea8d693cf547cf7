"""The confirmation of one trade: its terms, those of its instrument, and where it stands."""

from ledger import objects as o
from ledger.state import State
from ledger.tables import CONTRACTS, INSTRUMENTS
from wire.codec import Record


class Confirmed(Record, frozen=True):
    """A registered trade as the ledger holds it after a block."""

    chain_id: str
    as_of_height: int
    height: int
    """Of the block that registered it."""
    state: str
    """A `ContractState`."""
    trade: o.Trade
    instrument: o.Instrument
    fees: tuple[o.TradeFee, ...]


def confirmed(chain_id: str, state: State, height: int, uti: str) -> Confirmed | None:
    """The confirmation of a trade from the state after block `height`; None: not registered."""
    row = state.get(CONTRACTS, CONTRACTS.key(uti))
    if row is None:
        return None
    return Confirmed(
        chain_id=chain_id,
        as_of_height=height,
        height=row.height,
        state=row.state.name,
        trade=row.trade,
        instrument=state.must(INSTRUMENTS, INSTRUMENTS.key(row.trade.instrument)),
        fees=row.fees,
    )
