"""Making a statement: the day's blocks applied once more, each part of them looked at."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.apply import Applied, Block, Part, apply_block
from ledger.events import BatchCancelled, BatchSettled, Event
from ledger.state import Draft, State
from ledger.transactions import tx_id
from node.statements.causes import Line, PartDone, UnexplainedDifference, explain, owner_of
from node.statements.form import (
    VERSION,
    Account,
    Confirmation,
    Movement,
    OpenDebt,
    Statement,
    faults,
)
from wire.errors import Rejection
from wire.ids import Date, Lei, Party, member_of

ENDED = (
    o.ContractState.SETTLED,
    o.ContractState.TERMINATED,
    o.ContractState.MATURED,
    o.ContractState.NOVATED,
    o.ContractState.TORN_UP,
)


class NoSuchDay(Rejection):
    """No block of the home was decided while that business date was open."""

    code = "STATEMENT_NO_SUCH_DAY"
    remedy = "Ask for a date in the range of the message, or a node that keeps every block."


class NoSuchMember(Rejection):
    """The ledger knew no member of that LEI on the day."""

    code = "STATEMENT_NO_SUCH_MEMBER"
    remedy = "`dcn member list` shows the members."


class Posed(msgspec.Struct, frozen=True):
    """A decided block and the state that it is applied to."""

    before: State
    block: Block


def day_of(state: State) -> Date | None:
    """The business date that the block on top of `state` belongs to: the open one; when the
    calendar is at its end, the last."""
    network = state.must(t.NETWORK, t.network_key())
    return network.business_date or network.closed_date


def statement(lei: Lei, date: Date, blocks: Iterable[Posed], to_height: int = 0) -> Statement:
    """The statement of a member on a date, from consecutive blocks; `to_height`: of no later block.

    Raises `NoSuchDay`, `NoSuchMember`, and `UnexplainedDifference` for a bug.
    """
    days: list[Date] = []
    day: _Day | None = None
    complete = False
    for posed in blocks:
        today = day_of(posed.before)
        if today is not None:
            days = [*days[:1], today]
        if day is not None and (today != date or 0 < to_height < posed.block.height):
            complete = today != date
            break
        if today == date:
            day = day or _Day(lei, date, posed.before)
            day.block(posed)
    if day is None:
        raise NoSuchDay(f"{date}; the blocks are of {days[0]} to {days[-1]}" if days else f"{date}")
    return day.statement(complete)


def looked_at(posed: Posed) -> tuple[Applied, list[PartDone]]:
    """A block applied, and what each part of it has done to balances and contracts."""
    actions: dict[bytes, str] = {
        tx_id(tx.value): type(tx.value.action).__name__ for tx in posed.block.transactions
    }
    known: dict[bytes, int] = {}
    parts: list[PartDone] = []

    def watch(part: Part, draft: Draft, events: Sequence[Event], tx: bytes) -> None:
        changes: dict[bytes, int] = {}
        contracts: dict[bytes, o.Contract] = {}
        for key, row in draft.changes.items():
            if key[0] == t.BALANCES.tag:
                now = row.balance if isinstance(row, o.Balance) else 0
                was = known[key] if key in known else _balance(posed.before, key)
                known[key] = now
                if now != was:
                    changes[key] = now - was
            elif isinstance(row, o.Contract):
                contracts[key] = row
        named: list[tuple[str, str]] = [
            (event.creator, event.reference)
            for event in events
            if isinstance(event, BatchSettled | BatchCancelled)
        ]
        batches = {name: draft.must(t.BATCHES, t.BATCHES.key(*name)) for name in named}
        parts.append(
            PartDone(part, tx.hex(), actions.get(tx, ""), changes, contracts, events, batches)
        )

    applied = apply_block(posed.before, posed.block, watch)
    for key, now in known.items():
        if now != _balance(applied.state, key):
            raise UnexplainedDifference(f"{key.hex()} has moved in no part of the block")
    moved = [key for key, _ in applied.changes if key[0] == t.BALANCES.tag]
    if any(key not in known for key in moved):
        raise UnexplainedDifference("an account has moved in no part of the block")
    return applied, parts


class _Day:
    """A member's day as its blocks go by."""

    def __init__(self, lei: Lei, date: Date, before: State) -> None:
        self._lei = lei
        self._date = date
        self._opening = before
        self._after = before
        self._first = 0
        self._last = 0
        self._movements: list[Movement] = []
        self._confirmations: list[Confirmation] = []

    def block(self, posed: Posed) -> None:
        applied, parts = looked_at(posed)
        self._first = self._first or posed.block.height
        self._last = posed.block.height
        self._after = applied.state
        seen: dict[bytes, o.Contract | None] = {}
        for done in parts:
            lines = explain(done, applied.results, posed.before, applied.state)
            mine = [line for line in lines if owner_of(line.account) == self._lei]
            self._movements += [_movement(line, posed.block.height) for line in mine]
            for key, row in sorted(done.contracts.items()):
                old = seen[key] if key in seen else posed.before.get(t.CONTRACTS, key)
                seen[key] = row
                if row != old and self._lei in _members(row, old):
                    self._confirm(posed.block.height, done, old, row)

    def _confirm(
        self, height: int, done: PartDone, old: o.Contract | None, row: o.Contract
    ) -> None:
        how = "REGISTERED" if old is None else "ENDED" if row.state in ENDED else "CHANGED"
        code = t.INSTRUMENTS.key(row.trade.instrument)
        instrument = self._after.must(t.INSTRUMENTS, code)
        state, part = o.ContractState(row.state).name, done.part.name
        confirmation = Confirmation(
            height=height,
            how=how,
            state=state,
            cause=done.action or part,
            about=done.tx,
            trade=row.trade,
            instrument=instrument,
            fees=row.fees,
        )
        self._confirmations.append(confirmation)

    def statement(self, complete: bool) -> Statement:
        """What has been seen, as a statement that adds up."""
        member = t.MEMBERS.key(self._lei)
        if self._after.get(t.MEMBERS, member) is None:
            raise NoSuchMember(f"{self._lei[:40]} on {self._date}")
        made = Statement(
            version=VERSION,
            chain_id=self._after.must(t.NETWORK, t.network_key()).chain_id,
            lei=self._lei,
            date=self._date,
            first_height=self._first,
            last_height=self._last,
            complete=complete,
            state_root=self._after.root.hex(),
            accounts=self._accounts(),
            movements=tuple(self._movements),
            confirmations=tuple(self._confirmations),
            open_debts=tuple(self._debts()),
        )
        wrong = faults(made)
        if wrong:
            raise UnexplainedDifference("; ".join(wrong))
        return made

    def _accounts(self) -> tuple[Account, ...]:
        keys = {
            key: None
            for state in (self._opening, self._after)
            for key in state.indexed(t.BALANCES, t.of_member(self._lei))
            if owner_of(key) == self._lei
        }
        moved = {(x.kind, x.reference, x.asset) for x in self._movements}
        found = []
        for key in sorted(keys):
            _, kind, reference, asset = t.BALANCES.parts(key)
            name = o.AccountKind(kind).name
            opening, closing = _balance(self._opening, key), _balance(self._after, key)
            if opening or closing or (name, reference, asset) in moved:
                found.append(Account(name, reference, asset, opening, closing))
            moved.discard((name, reference, asset))
        # Opened and emptied on the same day: an escrow.
        found += [Account(*slot, 0, 0) for slot in sorted(moved)]
        return tuple(found)

    def _debts(self) -> Iterator[OpenDebt]:
        for state in o.ObligationState:
            for key in self._after.indexed(t.OBLIGATIONS, state):
                row = self._after.must(t.OBLIGATIONS, key)
                if self._lei in (member_of(row.debtor), member_of(row.creditor)):
                    yield OpenDebt(
                        row.debtor, row.creditor, row.asset, row.amount, row.due,
                        o.Origin(row.origin).name, o.ObligationState(row.state).name,
                        t.OBLIGATIONS.parts(key)[0].hex(),
                    )  # fmt: skip


def _movement(line: Line, height: int) -> Movement:
    _, kind, reference, asset = t.BALANCES.parts(line.account)
    name = o.AccountKind(kind).name
    counterparty = Party(line.counterparty)
    return Movement(
        height, name, reference, asset, line.amount, line.cause, counterparty, line.about
    )


def _members(row: o.Contract, old: o.Contract | None) -> list[Lei]:
    trades = [row.trade] if old is None else [row.trade, old.trade]
    return [member_of(party) for trade in trades for party in (trade.buyer, trade.seller)]


def _balance(state: State, key: bytes) -> int:
    row = state.get(t.BALANCES, key)
    return 0 if row is None else row.balance
