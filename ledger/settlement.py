"""Settlement batches: delivery versus payment, payment versus payment, and any more legs.

Instructed by one party, allocated by every sender (escrow), approved by every receiver. Complete,
it is irrevocable and settles in one transition, at once or when its date is open: no leg ever goes
without the others (CPMI-IOSCO principle 12). Incomplete at its deadline, it gets another window as
often as it has asked for, within the rulebook's bound, and is cancelled then.

In netting, every party approves and nobody allocates: the legs become debts of one instruction,
which a round discharges together or leaves open together. A round that leaves them open is a fail.
"""

import msgspec

from ledger import cash, checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Allocate, Approve, CancelBatch, CreateBatch
from ledger.events import (
    BatchCancelled,
    BatchInstructed,
    BatchProgressed,
    BatchRetried,
    BatchSettled,
    Event,
)
from ledger.obligations import discharge, forgive, ident_of, owe
from ledger.receipts import RoundResult
from ledger.rulebook import basis
from ledger.state import Draft
from wire import ids
from wire.codec import encode, sha256
from wire.ids import Lei, Party
from wire.limits import BATCH_LEGS_MAX, VALID_UNTIL_HEIGHTS_MAX

replace = msgspec.structs.replace


def create(draft: Draft, action: CreateBatch, height: int) -> list[Event]:
    """Instruct a batch; raises a `Rejection`."""
    checks.text(action.reference)
    if not 1 <= len(action.legs) <= BATCH_LEGS_MAX:
        raise r.BadSettlementBatch(f"{len(action.legs)} legs, 1 to {BATCH_LEGS_MAX} allowed")
    if not height <= action.deadline <= height + VALID_UNTIL_HEIGHTS_MAX:
        raise r.BadSettlementBatch(f"deadline {action.deadline} at height {height}")
    most = draft.must(t.RULEBOOK, t.rulebook_key()).settlement.retries_max
    if not 0 <= action.retries <= most:
        raise r.BadSettlementBatch(f"{action.retries} retries, 0 to {most} allowed")
    if action.in_netting and action.settle_date is None:
        raise r.BadSettlementBatch("in netting it needs a date")
    calendar = draft.must(t.NETWORK, t.network_key()).calendar
    if action.settle_date is not None and action.settle_date not in calendar:
        raise r.BadSettlementBatch(f"{action.settle_date} is no business date to come")
    for leg in action.legs:
        _check_leg(draft, leg)
    _check_clients(draft, action.legs)
    if not any(action.creator in _members(leg) for leg in action.legs):
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
        retries_left=action.retries,
        window=action.deadline - height + 1,
        in_netting=action.in_netting,
    )
    draft.put(t.BATCHES, key, row)
    return [BatchInstructed(action.creator, action.reference, action.legs)]


def _check_leg(draft: Draft, leg: o.Leg) -> None:
    checks.asset(draft, leg.asset)
    checks.amount(leg.amount)
    for party in (leg.sender, leg.to):
        checks.acting_member(draft, ids.member_of(party))
        checks.open_account(draft, party)
    if leg.sender == leg.to:
        raise r.BadSettlementBatch(f"{leg.sender} delivers to itself")
    if len({*_members(leg)}) == 1:  # one of them is a client: a house exchanges nothing with it
        raise r.ClientSegregated(f"{leg.sender} to {leg.to}")


def _check_clients(draft: Draft, legs: tuple[o.Leg, ...]) -> None:
    """Client money is delivered to a house against something for that client, never for nothing; to
    a client, or to the issuer of what is delivered, as by a transfer."""
    receivers = {leg.to for leg in legs}
    for leg in legs:
        issuer = ids.house(checks.asset(draft, leg.asset).issuer)
        to_house = not ids.client_of(leg.to) and leg.to != issuer
        if ids.client_of(leg.sender) and to_house and leg.sender not in receivers:
            raise r.ClientSegregated(f"{leg.sender} to {leg.to}, for nothing")


def _members(leg: o.Leg) -> tuple[Lei, Lei]:
    return ids.member_of(leg.sender), ids.member_of(leg.to)


def allocate(draft: Draft, action: Allocate) -> list[Event]:
    """Put what the sender's legs deliver into escrow; raises a `Rejection`."""
    row = _open(draft, action.creator, action.reference)
    if row.in_netting:
        raise r.NotAParty(f"{row.reference} settles in netting: approve it")
    legs = [leg for leg in row.legs if leg.sender == action.sender]
    if not legs or action.sender in row.allocated:
        raise r.NotAParty(f"{action.sender} sends nothing that is not allocated")
    for leg in legs:
        cash.move(draft, t.own_account(leg.sender, leg.asset), _escrow(row, leg), leg.amount)
    allocated = tuple(sorted((*row.allocated, action.sender)))
    return _progressed(draft, replace(row, allocated=allocated), action.sender)


def approve(draft: Draft, action: Approve) -> list[Event]:
    """The receiver agrees to its legs; raises a `Rejection`."""
    row = _open(draft, action.creator, action.reference)
    if action.receiver not in _approvers(row) or action.receiver in row.approved:
        raise r.NotAParty(f"{action.receiver} receives nothing that is not approved")
    approved = tuple(sorted((*row.approved, action.receiver)))
    return _progressed(draft, replace(row, approved=approved), action.receiver)


def cancel(draft: Draft, action: CancelBatch) -> list[Event]:
    """A party withdraws what is not yet irrevocable; raises a `Rejection`."""
    row = _open(draft, action.creator, action.reference)
    if not any(action.member in _members(leg) for leg in row.legs):
        raise r.NotAParty(f"{action.member} has no leg of it")
    return _cancelled(draft, row, action.member)


def due(draft: Draft, height: int, results: tuple[RoundResult, ...]) -> list[Event]:
    """What rounds of this block have done with linked batches; then settle what waits for the date
    that is open now; then retry or cancel what has missed its deadline."""
    events: list[Event] = _after_rounds(draft, results) if results else []
    open_date = draft.must(t.NETWORK, t.network_key()).business_date
    if open_date is not None:
        for key in draft.indexed(t.BATCHES, t.on_date(open_date)):
            events.append(_settled(draft, draft.must(t.BATCHES, key)))
    for key in draft.indexed(t.BATCHES, t.at_height(height)):
        events += _failed(draft, draft.must(t.BATCHES, key), height)
    return events


def cancel_those_of(draft: Draft, lei: Lei, *, in_netting: bool) -> list[Event]:
    """Withdraw every batch with a leg of `lei` that is not irrevocable; `in_netting`: also those
    that settle only if a round funds them."""
    still_open = {o.BatchState.INSTRUCTED, *((o.BatchState.IN_NETTING,) if in_netting else ())}
    events: list[Event] = []
    for key in draft.indexed(t.BATCHES, t.of_member(lei)):
        row = draft.must(t.BATCHES, key)
        if row.state in still_open:
            events += _cancelled(draft, row, lei)
    return events


def open_of(draft: Draft, party: Party) -> list[str]:
    """The batches with a leg of a party that are not over, in a few words each."""
    rows = [draft.must(t.BATCHES, key) for key in draft.indexed(t.BATCHES, t.of_member(party))]
    mine = [row for row in rows if any(party in (leg.sender, leg.to) for leg in row.legs)]
    return [f"batch {row.reference} of {row.creator}" for row in mine]


def _after_rounds(draft: Draft, results: tuple[RoundResult, ...]) -> list[Event]:
    """A linked batch whose debts were in a round has settled whole, or failed whole."""
    outcome = {one.obligation: one.cancelled + one.settled == one.amount for one in results}
    events: list[Event] = []
    for key in draft.indexed(t.BATCHES, t.IN_NETTING):
        row = draft.must(t.BATCHES, key)
        found = [outcome[ident] for ident in _debts(row) if ident in outcome]
        if not found:
            continue
        assert found == found[:1] * len(row.legs), row
        if found[0]:
            draft.put(t.BATCHES, key, replace(row, state=o.BatchState.SETTLED))
            events.append(BatchSettled(row.creator, row.reference))
        else:
            events += _failed(draft, row, 0)
    return events


def _failed(draft: Draft, row: o.Batch, height: int) -> list[Event]:
    """One window more, or the end; `height`: of the deadline missed, 0 after a round."""
    if not row.retries_left:
        return _cancelled(draft, row, None)
    if not height:  # a fail is no default: it is retried by this rule
        for ident in _debts(row):
            forgive(draft, ident)
    deadline = row.deadline + row.window if height else 0
    again = replace(row, retries_left=row.retries_left - 1, deadline=deadline or row.deadline)
    draft.put(t.BATCHES, _key(row), again)
    because = basis(draft, o.Clause.SETTLEMENT)
    return [BatchRetried(row.creator, row.reference, deadline, again.retries_left, because)]


def _open(draft: Draft, creator: Lei, reference: str) -> o.Batch:
    row = draft.get(t.BATCHES, t.BATCHES.key(creator, reference))
    if row is None:
        raise r.UnknownBatch(f"{reference[:40]} of {creator[:40]}")
    if row.state != o.BatchState.INSTRUCTED:
        raise r.BatchClosed(f"{reference} is {o.BatchState(row.state).name}")
    return row


def _progressed(draft: Draft, row: o.Batch, party: Party) -> list[Event]:
    """Keep `row`; complete, it is irrevocable, and settles if its date has come."""
    senders = {*()} if row.in_netting else {leg.sender for leg in row.legs}
    complete = senders == {*row.allocated} and _approvers(row) == {*row.approved}
    if complete:
        state = o.BatchState.IN_NETTING if row.in_netting else o.BatchState.IRREVOCABLE
        row = replace(row, state=state)
    draft.put(t.BATCHES, _key(row), row)
    events: list[Event] = [BatchProgressed(row.creator, row.reference, party, row.state)]
    if complete and row.in_netting:
        _enter_netting(draft, row)
    elif complete and _date_has_come(draft, row):
        events.append(_settled(draft, row))
    return events


def _approvers(row: o.Batch) -> set[Party]:
    """Who must approve: the receivers; in netting, where nobody allocates, the senders too."""
    receivers = {leg.to for leg in row.legs}
    return receivers | {leg.sender for leg in row.legs} if row.in_netting else receivers


def _enter_netting(draft: Draft, row: o.Batch) -> None:
    instruction = sha256(encode(("dcn/batch/1", row.creator, row.reference)))
    assert row.settle_date is not None, row
    for number, leg in enumerate(row.legs):
        owe(
            draft, _about(row, number), leg.amount, leg.sender, leg.to,
            leg.asset, row.settle_date, o.Origin.TRADE, instruction,
        )  # fmt: skip


def _about(row: o.Batch, number: int) -> tuple[str | int, ...]:
    return ("batch", row.creator, row.reference, number)


def _debts(row: o.Batch) -> list[bytes]:
    """The ids of a linked batch's debts."""
    return [ident_of(o.Origin.TRADE, _about(row, number)) for number in range(len(row.legs))]


def _date_has_come(draft: Draft, row: o.Batch) -> bool:
    open_date = draft.must(t.NETWORK, t.network_key()).business_date
    return row.settle_date is None or (open_date is not None and row.settle_date <= open_date)


def _settled(draft: Draft, row: o.Batch) -> Event:
    for leg in row.legs:
        cash.move(draft, _escrow(row, leg), cash.paid_into(draft, leg.to, leg.asset), leg.amount)
    draft.put(t.BATCHES, _key(row), replace(row, state=o.BatchState.SETTLED))
    return BatchSettled(row.creator, row.reference)


def _cancelled(draft: Draft, row: o.Batch, by: Lei | None) -> list[Event]:
    """Nothing is delivered: what is in escrow goes back, debts of it are none."""
    for leg in row.legs:
        if leg.sender in row.allocated:
            back = cash.paid_into(draft, leg.sender, leg.asset)
            cash.move(draft, _escrow(row, leg), back, leg.amount)
    if row.state == o.BatchState.IN_NETTING:
        for ident in _debts(row):
            discharge(draft, ident)
    draft.put(t.BATCHES, _key(row), replace(row, state=o.BatchState.CANCELLED))
    because = basis(draft, o.Clause.SETTLEMENT)
    return [BatchCancelled(row.creator, row.reference, by, because)]


def _key(row: o.Batch) -> bytes:
    return t.BATCHES.key(row.creator, row.reference)


def _escrow(row: o.Batch, leg: o.Leg) -> bytes:
    return t.escrow(leg.sender, row.creator, row.reference, leg.asset)
