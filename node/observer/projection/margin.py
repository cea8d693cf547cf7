"""Calls and disputes: what opened them stands in events, what they are now in the state."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ledger import objects as o
from ledger.events import CallIssued, CallMoved, DisputeOpened, DisputeResolved, Event
from node.observer.projection.writing import Context, as_json, put, rule_of, upsert
from node.observer.store import Statement
from wire.ids import member_of

CALL: Final = upsert(
    "calls", ("id", "issued"), "kind", "payer", "receiver", "payer_member", "receiver_member",
    "asset", "amount", "undisputed", "date", "due", "grace_until", "state", "height",
    kept=("failed", "ended", "reason", "rule"),
)  # fmt: skip
FAILED: Final = "UPDATE calls SET failed=? WHERE id=? AND ended=0 AND failed=0"
REPLACED: Final = (
    "UPDATE calls SET state='REPLACED', ended=?, height=? WHERE id=? AND ended=0 AND issued<?"
)
MOVED: Final = "UPDATE calls SET state=?, ended=?, height=? WHERE id=? AND ended=0"
GONE: Final = "UPDATE calls SET state='DISCHARGED', ended=?, height=? WHERE id=? AND ended=0"

OPENED: Final = put(
    "disputes", "first", "second", "asset", "opened", "date", "value_first", "value_second",
    "moved", "contracts", "ended", "resolved_by", "rule", "height",
)  # fmt: skip
DISPUTE: Final = upsert(
    "disputes", ("first", "second", "asset", "opened"), "date", "value_first", "value_second",
    "moved", "contracts", "height", kept=("ended", "resolved_by", "rule"),
)  # fmt: skip
RESOLVED: Final = (
    "UPDATE disputes SET ended=?, resolved_by=?, rule=?, height=? "
    "WHERE first=? AND second=? AND asset=? AND ended=0"
)


def events(context: Context, happened: Iterable[Event]) -> Iterator[Statement]:
    """Calls and disputes as a block opens, moves and ends them."""
    height = context.height
    for event in happened:
        match event:
            case CallIssued():
                yield REPLACED, (height, height, event.ident.hex(), height)
                yield CALL, (
                    event.ident.hex(), height, o.CallKind(event.kind).name,
                    *_sides(event.payer, event.receiver), event.asset, event.amount, event.amount,
                    event.date, event.due, event.due, o.CallState.ISSUED.name, height, 0, 0,
                    as_json(event.reason), rule_of(event.basis),
                )  # fmt: skip
            case CallMoved(ident=ident, state=state):
                ended = height if state == o.CallState.SETTLED else 0
                if state == o.CallState.FAILED:
                    yield FAILED, (height, ident.hex())
                yield MOVED, (o.CallState(state).name, ended, height, ident.hex())
            case DisputeOpened():
                yield OPENED, (
                    event.first, event.second, event.asset, height, event.date, event.value_first,
                    event.value_second, event.moved, 0, 0, "", context.rule(o.Clause.MARGIN),
                    height,
                )  # fmt: skip
            case DisputeResolved():
                yield RESOLVED, (
                    height, event.by, rule_of(event.basis), height, event.first, event.second,
                    event.asset,
                )  # fmt: skip
            case _:
                pass


def call(context: Context, parts: tuple[Any, ...], row: o.MarginCall | None) -> Iterator[Statement]:
    """A call as the state has it."""
    if row is not None:
        failed = context.height if row.state == o.CallState.FAILED else 0
        yield CALL, (
            parts[0].hex(), row.issued, o.CallKind(row.kind).name,
            *_sides(row.payer, row.receiver), row.asset, row.amount, row.undisputed, row.date,
            row.due, row.grace_until, o.CallState(row.state).name, context.height, failed, 0,
            as_json(row.reason), context.rule(o.Clause.MARGIN),
        )  # fmt: skip


def call_gone(context: Context, ident: bytes) -> Statement:
    """A call that has left the state; if no event has said how, its debt was discharged."""
    return GONE, (context.height, context.height, ident.hex())


def dispute(context: Context, parts: tuple[Any, ...], row: o.Dispute | None) -> Iterator[Statement]:
    """A dispute as the state has it."""
    if row is None:
        query = (
            "UPDATE disputes SET ended=?, height=? WHERE first=? AND second=? AND asset=? "
            "AND ended=0"
        )
        yield query, (context.height, context.height, *parts)
        return
    yield DISPUTE, (
        *parts, row.opened, row.date, row.value_first, row.value_second, row.moved,
        len(row.marks), context.height, 0, "", context.rule(o.Clause.MARGIN),
    )  # fmt: skip


def _sides(payer: str, receiver: str) -> tuple[str, str, str, str]:
    return payer, receiver, member_of(payer), member_of(receiver)
