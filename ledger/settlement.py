"""Settlement batches: delivery versus payment, payment versus payment, and any more legs.

Instructed by one party, allocated by every sender (escrow), approved by every receiver. Complete,
it is irrevocable and settles in one transition, at once or when its date is open: no leg ever goes
without the others (CPMI-IOSCO principle 12). Incomplete at its deadline, it is cancelled.
"""

import msgspec

from ledger import cash, checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Allocate, Approve, CancelBatch, CreateBatch
from ledger.events import BatchCancelled, BatchInstructed, BatchProgressed, BatchSettled, Event
from ledger.state import Draft
from wire.ids import Lei
from wire.limits import BATCH_LEGS_MAX, VALID_UNTIL_HEIGHTS_MAX


def create(draft: Draft, action: CreateBatch, height: int) -> list[Event]:
    """Instruct a batch; raises a `Rejection`."""
    checks.text(action.reference)
    if not 1 <= len(action.legs) <= BATCH_LEGS_MAX:
        raise r.BadSettlementBatch(f"{len(action.legs)} legs, 1 to {BATCH_LEGS_MAX} allowed")
    if not height <= action.deadline <= height + VALID_UNTIL_HEIGHTS_MAX:
        raise r.BadSettlementBatch(f"deadline {action.deadline} at height {height}")
    calendar = draft.must(t.NETWORK, t.network_key()).calendar
    if action.settle_date is not None and action.settle_date not in calendar:
        raise r.BadSettlementBatch(f"{action.settle_date} is no business date to come")
    for leg in action.legs:
        checks.asset(draft, leg.asset)
        checks.amount(leg.amount)
        for lei in (leg.sender, leg.to):
            checks.acting_member(draft, lei)
        if leg.sender == leg.to:
            raise r.BadSettlementBatch(f"{leg.sender} delivers to itself")
    if not any(action.creator in (leg.sender, leg.to) for leg in action.legs):
        raise r.BadSettlementBatch(f"{action.creator} has no leg of it")
    key = t.BATCHES.key(action.creator, action.reference)
    if draft.get(t.BATCHES, key) is not None:
        raise r.BatchExists(f"{action.reference} of {action.creator}")
    row = o.Batch(
        creator=action.creator,
        reference=action.reference,
        legs=action.legs,
        settle_date=action.settle_date,
        deadline=action.deadline,
        allocated=(),
        approved=(),
        state=o.BatchState.INSTRUCTED,
    )
    draft.put(t.BATCHES, key, row)
    return [BatchInstructed(action.creator, action.reference, action.legs)]


def allocate(draft: Draft, action: Allocate) -> list[Event]:
    """Put what the sender's legs deliver into escrow; raises a `Rejection`."""
    row = _open(draft, action.creator, action.reference)
    legs = [leg for leg in row.legs if leg.sender == action.sender]
    if not legs or action.sender in row.allocated:
        raise r.NotAParty(f"{action.sender} sends nothing that is not allocated")
    for leg in legs:
        cash.move(draft, t.own_account(leg.sender, leg.asset), _escrow(row, leg), leg.amount)
    allocated = tuple(sorted((*row.allocated, action.sender)))
    return _progressed(draft, msgspec.structs.replace(row, allocated=allocated), action.sender)


def approve(draft: Draft, action: Approve) -> list[Event]:
    """The receiver agrees to its legs; raises a `Rejection`."""
    row = _open(draft, action.creator, action.reference)
    receives = any(leg.to == action.receiver for leg in row.legs)
    if not receives or action.receiver in row.approved:
        raise r.NotAParty(f"{action.receiver} receives nothing that is not approved")
    approved = tuple(sorted((*row.approved, action.receiver)))
    return _progressed(draft, msgspec.structs.replace(row, approved=approved), action.receiver)


def cancel(draft: Draft, action: CancelBatch) -> list[Event]:
    """A party withdraws what is not yet irrevocable; raises a `Rejection`."""
    row = _open(draft, action.creator, action.reference)
    if not any(action.member in (leg.sender, leg.to) for leg in row.legs):
        raise r.NotAParty(f"{action.member} has no leg of it")
    return [_cancelled(draft, row, action.member)]


def due(draft: Draft, height: int) -> list[Event]:
    """Settle what waits for the date that is open now, and cancel what has missed its deadline."""
    events: list[Event] = []
    open_date = draft.must(t.NETWORK, t.network_key()).business_date
    if open_date is not None:
        for key in draft.indexed(t.BATCHES, t.on_date(open_date)):
            events.append(_settled(draft, draft.must(t.BATCHES, key)))
    for key in draft.indexed(t.BATCHES, t.at_height(height)):
        events.append(_cancelled(draft, draft.must(t.BATCHES, key), None))
    return events


def cancel_those_of(draft: Draft, lei: Lei) -> list[Event]:
    """Withdraw every batch with a leg of `lei` that is not irrevocable."""
    rows = [draft.must(t.BATCHES, key) for key in draft.indexed(t.BATCHES, t.of_member(lei))]
    open_ones = [row for row in rows if row.state == o.BatchState.INSTRUCTED]
    return [_cancelled(draft, row, lei) for row in open_ones]


def _open(draft: Draft, creator: Lei, reference: str) -> o.Batch:
    row = draft.get(t.BATCHES, t.BATCHES.key(creator, reference))
    if row is None:
        raise r.UnknownBatch(f"{reference[:40]} of {creator[:40]}")
    if row.state != o.BatchState.INSTRUCTED:
        raise r.BatchClosed(f"{reference} is {o.BatchState(row.state).name}")
    return row


def _progressed(draft: Draft, row: o.Batch, member: Lei) -> list[Event]:
    """Keep `row`; complete, it is irrevocable, and settles if its date has come."""
    senders = {leg.sender for leg in row.legs}
    receivers = {leg.to for leg in row.legs}
    complete = senders == {*row.allocated} and receivers == {*row.approved}
    if complete:
        row = msgspec.structs.replace(row, state=o.BatchState.IRREVOCABLE)
    draft.put(t.BATCHES, _key(row), row)
    events: list[Event] = [BatchProgressed(row.creator, row.reference, member, row.state)]
    if complete and _date_has_come(draft, row):
        events.append(_settled(draft, row))
    return events


def _date_has_come(draft: Draft, row: o.Batch) -> bool:
    open_date = draft.must(t.NETWORK, t.network_key()).business_date
    return row.settle_date is None or (open_date is not None and row.settle_date <= open_date)


def _settled(draft: Draft, row: o.Batch) -> Event:
    for leg in row.legs:
        cash.move(draft, _escrow(row, leg), cash.paid_into(draft, leg.to, leg.asset), leg.amount)
    draft.put(t.BATCHES, _key(row), msgspec.structs.replace(row, state=o.BatchState.SETTLED))
    return BatchSettled(row.creator, row.reference)


def _cancelled(draft: Draft, row: o.Batch, by: Lei | None) -> Event:
    for leg in row.legs:
        if leg.sender in row.allocated:
            back = cash.paid_into(draft, leg.sender, leg.asset)
            cash.move(draft, _escrow(row, leg), back, leg.amount)
    draft.put(t.BATCHES, _key(row), msgspec.structs.replace(row, state=o.BatchState.CANCELLED))
    return BatchCancelled(row.creator, row.reference, by)


def _key(row: o.Batch) -> bytes:
    return t.BATCHES.key(row.creator, row.reference)


def _escrow(row: o.Batch, leg: o.Leg) -> bytes:
    return t.escrow(leg.sender, row.creator, row.reference, leg.asset)
