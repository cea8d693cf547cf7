"""What was so at an earlier block: the steps of contracts and of margin, one row for each change.

The other tables say what is so now; with these a report is made as of any date that the store has
seen closed. A contract's step names its event and the transaction behind it; what has none, as a
freeze at a default, is told from the state before and after.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from ledger import actions as act
from ledger import events as e
from ledger import objects as o
from ledger import sets
from ledger import tables as t
from ledger.apply import Applied
from ledger.receipts import OK
from ledger.state import State
from node.blocks import DecidedBlock
from node.observer.projection.writing import Context, put
from node.observer.store import Statement
from wire.ids import member_of

STEP: Final = put(
    "contract_steps", "uti", "height", "place", "what", "state", "buyer", "seller", "buyer_member",
    "seller_member", "instrument", "product", "quantity", "price", "notional", "trade_date",
    "source", "entered", "tx", "prior",
)  # fmt: skip
VM: Final = (
    "INSERT OR REPLACE INTO vm_steps (first, second, asset, height, settled, held_first, "
    "held_second) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM (SELECT "
    "settled, held_first, held_second FROM vm_steps WHERE first=?1 AND second=?2 AND asset=?3 "
    "ORDER BY height DESC LIMIT 1) WHERE settled=?5 AND held_first=?6 AND held_second=?7)"
)
"""A set's variation margin, where it is not what it was."""

VM_GONE: Final = (
    "INSERT OR REPLACE INTO vm_steps (first, second, asset, height, settled, held_first, "
    "held_second) SELECT first, second, asset, ?1, 0, 0, 0 FROM sets "
    "WHERE first=?2 AND second=?3 AND NOT INSTR(?4, ' ' || asset || ' ')"
)
CUSTODY: Final = put("custody_steps", "poster", "secured", "asset", "height", "balance")

KNOWN: Final = "KNOWN"
"""The step of a contract that was there when the store began."""

CHANGES: Final = {
    "AMENDED": "AMENDED",
    "CANCELLED": "CANCELLED",
    "TERMINATED": "TERMINATED",
    "NOVATED": "NOVATED",
    "NOVATION": "NOVATION",
}
"""What `ContractChanged` says of a contract itself; requests and consents change none."""


class Cause(NamedTuple):
    """Why a contract has a step."""

    place: int
    """Of the event in the block."""
    what: str
    quantity: int = 0
    """What a change leaves of it."""


class Entry(NamedTuple):
    """What a transaction has done to a contract."""

    tx: str
    """Its id."""
    trade: o.Trade | None = None
    """The terms that it brought."""
    prior: str = ""
    """UTI of the contract that was novated into this one."""


Entries = dict[tuple[str, str], list[Entry]]
"""By UTI and what `ContractChanged` says of it, in the order of the block."""


def known(context: Context) -> Iterator[Statement]:
    """The contracts that a store begins with."""
    for _, row in context.state.scan(t.CONTRACTS):
        yield STEP, _step(context, row, Cause(0, KNOWN), Entry(""))


def taken(
    context: Context, decided: DecidedBlock, applied: Applied, before: State
) -> Iterator[Statement]:
    """The steps that a block makes contracts take, each with the terms that it leaves: a block can
    enter a contract, change it and freeze it."""
    causes = _causes(applied.events)
    entries = _entries(decided, applied)
    for key, _ in applied.changes:
        if key[0] != t.CONTRACTS.tag:
            continue
        new, old = context.state.must(t.CONTRACTS, key), before.get(t.CONTRACTS, key)
        now = msgspec.structs.replace(new if old is None else old, height=new.height)
        for cause in causes.get(new.trade.uti, ()):
            waiting = entries.get((new.trade.uti, KINDS.get(cause.what, cause.what)))
            entry = waiting.pop(0) if waiting else Entry("")
            now = _changed(now, cause, entry)
            yield STEP, _step(context, now, cause, entry)
        if (now.trade, now.state) != (new.trade, new.state):
            last = Cause(len(applied.events), _told_by_state(now, new))
            yield STEP, _step(context, new, last, Entry(""))


KINDS: Final = {"PARTLY_TERMINATED": "TERMINATED"}
"""Steps whose event and transaction are those of another."""

ENDS: Final = {
    "TERMINATED": o.ContractState.TERMINATED,
    "CANCELLED": o.ContractState.TERMINATED,
    "NOVATED": o.ContractState.NOVATED,
    "MATURED": o.ContractState.MATURED,
}
"""How a step leaves a contract that does not go on."""


def _changed(row: o.Contract, cause: Cause, entry: Entry) -> o.Contract:
    trade = row.trade if entry.trade is None else entry.trade
    if cause.what in ("PARTLY_TERMINATED", "NOVATION"):
        trade = msgspec.structs.replace(trade, quantity=cause.quantity)
    state = ENDS.get(cause.what, o.ContractState.LIVE)
    return msgspec.structs.replace(row, trade=trade, state=state)


def _step(context: Context, row: o.Contract, cause: Cause, entry: Entry) -> tuple[str | int, ...]:
    trade = row.trade
    instrument = context.state.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    exponent = context.state.must(t.ASSETS, t.ASSETS.key(instrument.currency)).exponent
    notional = sets.minor_units(trade.quantity, trade.price, instrument, exponent)
    return (
        trade.uti, context.height, cause.place, cause.what,
        o.ContractState(row.state).name, trade.buyer, trade.seller,
        member_of(trade.buyer), member_of(trade.seller), trade.instrument,
        o.Product(instrument.product).name, trade.quantity, trade.price, notional,
        trade.trade_date, o.TradeSource(trade.source).name, row.height, entry.tx, entry.prior,
    )  # fmt: skip


def _causes(events: tuple[e.Event, ...]) -> dict[str, list[Cause]]:
    """By UTI, in the order of the block."""
    found: dict[str, list[Cause]] = {}
    for place, event in enumerate(events):
        left = 0
        match event:
            case e.TradeRegistered(uti=uti):
                what = "REGISTERED"
            case e.ContractMatured(uti=uti):
                what = "MATURED"
            case e.ContractChanged(uti=uti, how=how, quantity=left) if how in CHANGES:
                what = "PARTLY_TERMINATED" if how == "TERMINATED" and left else CHANGES[how]
            case _:
                continue
        found.setdefault(uti, []).append(Cause(place, what, left))
    return found


def _told_by_state(now: o.Contract, new: o.Contract) -> str:
    """What a default has done: there is no event for each contract of it."""
    if (now.trade.buyer, now.trade.seller) != (new.trade.buyer, new.trade.seller):
        return "TRANSFERRED"
    match new.state:
        case o.ContractState.IN_TERMINATION:
            return "FROZEN"
        case o.ContractState.TERMINATED:
            return "CLOSED_OUT"
        case _:
            return "RESUMED"


def _entries(decided: DecidedBlock, applied: Applied) -> Entries:
    found: Entries = defaultdict(list)
    for tx, receipt in zip(decided.block.transactions, applied.receipts, strict=True):
        if receipt.code != OK:
            continue
        ident = receipt.tx_id.hex()
        match tx.action:
            case act.RegisterTrade(trade=trade):
                found[trade.uti, "REGISTERED"].append(Entry(ident, trade))
            case act.TradeBatch(trades=trades):
                for trade in trades:
                    found[trade.uti, "REGISTERED"].append(Entry(ident, trade))
            case act.AmendTrade(trade=trade):
                found[trade.uti, "AMENDED"].append(Entry(ident, trade))
            case act.CancelTrade(uti=uti):
                found[uti, "CANCELLED"].append(Entry(ident))
            case act.ConfirmTermination(uti=uti):
                found[uti, "TERMINATED"].append(Entry(ident))
            case act.ConsentNovation(uti=uti, new_uti=new):  # the last consent has done it
                found[uti, "NOVATED"] = [Entry(ident)]
                found[new, "NOVATION"] = [Entry(ident, None, uti)]
            case _:
                pass
    return found
