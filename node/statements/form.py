"""What a statement is made of, its hash, and whether it adds up."""

from collections import defaultdict
from typing import Final

from ledger import objects as o
from wire.codec import Digest, Record, digest_of
from wire.ids import AssetCode, Date, Lei, Party

VERSION: Final = 1
DOMAIN: Final = "dcn/statement/1"


class Account(Record, frozen=True):
    """One account of the member over the day; minor units."""

    kind: str
    """An `AccountKind`: OWN, CLIENT, IM_ESCROW, DEFAULT_FUND ..."""
    reference: str
    """Which one of its kind: a client, `POSTER>SECURED`, a service, a batch, a case."""
    asset: AssetCode
    opening: int
    closing: int


class Movement(Record, frozen=True):
    """One change of one account, and why."""

    height: int
    kind: str
    reference: str
    asset: AssetCode
    amount: int
    """Minor units; negative: out of the account."""
    cause: str
    """In words a program can rely on; docs/STATEMENTS.md lists them."""
    counterparty: Party
    """The other side, where there is one; else empty."""
    about: str
    """The transaction, round and obligation, batch or case behind it."""


class Confirmation(Record, frozen=True):
    """A contract that was registered, changed or ended, with its terms as they stand after it."""

    height: int
    how: str
    """REGISTERED, CHANGED or ENDED."""
    state: str
    cause: str
    about: str
    trade: o.Trade
    instrument: o.Instrument
    fees: tuple[o.TradeFee, ...]


class OpenDebt(Record, frozen=True):
    """What is owed at the end, and not settled."""

    debtor: Party
    creditor: Party
    asset: AssetCode
    amount: int
    due: Date
    origin: str
    state: str
    obligation: str


class Statement(Record, frozen=True):
    """A member (its house and its clients) on one business day."""

    version: int
    chain_id: str
    lei: Lei
    date: Date
    first_height: int
    """Of the day's blocks: the first was decided when the date was open already."""
    last_height: int
    complete: bool
    """Whether a later date is open: nothing is added to the day any more."""
    state_root: str
    """Of the ledger after block `last_height`: the header after it carries the same."""
    accounts: tuple[Account, ...]
    movements: tuple[Movement, ...]
    confirmations: tuple[Confirmation, ...]
    open_debts: tuple[OpenDebt, ...]


def statement_hash(statement: Statement) -> Digest:
    """SHA-256 over (domain, statement) in canonical MessagePack."""
    return digest_of((DOMAIN, statement))


def faults(statement: Statement) -> list[str]:
    """Where opening + movements is not closing; empty if the statement adds up."""
    moved: dict[tuple[str, str, str], int] = defaultdict(int)
    for movement in statement.movements:
        moved[movement.kind, movement.reference, movement.asset] += movement.amount
    found = []
    for account in statement.accounts:
        slot = (account.kind, account.reference, account.asset)
        expected = account.opening + moved.pop(slot, 0)
        if expected != account.closing:
            found.append(f"{' '.join(slot)}: adds up to {expected}, closing is {account.closing}")
    found += [f"{' '.join(slot)}: moved, but no account of it" for slot in sorted(moved)]
    return found
