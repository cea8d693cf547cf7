"""Margin calls: issued with a reason, collected when due, failed after grace.

A call for variation margin is its obligation: it is collected by the netting round, and settled or
failed with it. A call for initial margin is collected from the payer's free eligible assets in the
block it falls due, after the rounds: variation margin comes before initial margin. Settled calls
leave the state; the events of the blocks tell their story.
"""

from collections import defaultdict
from collections.abc import Callable

import msgspec

from ledger import checks, csa, im, requirement, sets
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import RaiseDispute
from ledger.events import CallIssued, CallMoved, Event
from ledger.rulebook import basis, settle_height
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import Date, Party, member_of

replace = msgspec.structs.replace


def issue_vm(
    draft: Draft,
    ident: bytes,
    kind: o.CallKind,
    height: int,
    value: int,
    settled: int,
    prices: Callable[[str], int | None],
    events: list[Event],
) -> None:
    """The call of a variation margin obligation, with the marks and positions behind it."""
    debt = draft.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
    row = draft.must(t.NETTING_SETS, t.netting_set_key(debt.debtor, debt.creditor))
    marks: dict[str, o.MarkUsed] = {}
    net: dict[str, int] = defaultdict(int)
    for _, contract in sets.contracts(draft, row):
        trade = contract.trade
        instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
        if instrument.currency != debt.asset:
            continue
        net[trade.instrument] += trade.quantity if trade.buyer == row.first else -trade.quantity
        price = prices(instrument.feed)
        if price is not None:
            marks[instrument.feed] = o.MarkUsed(instrument.feed, price)
    reason = o.CallReason(
        value=value,
        settled=settled,
        marks=tuple(marks[feed] for feed in sorted(marks)),
        positions=tuple(
            o.PositionUsed(draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code)).code, net[code])
            for code in sorted(net)
        ),
    )
    _issue(draft, ident, kind, debt, height, reason, events)


def issue_im(draft: Draft, terms: o.Csa, date: Date, height: int, events: list[Event]) -> None:
    """Call what is missing in custody, from either party."""
    needed = requirement.required(draft, terms)
    for poster, secured, amount in (
        (terms.first, terms.second, needed.first),
        (terms.second, terms.first, needed.second),
    ):
        ident = im_call(poster, secured)
        missing = im.shortfall(draft, terms, poster, secured, amount)
        old = draft.get(t.CALLS, t.CALLS.key(ident))
        if not missing:
            if old is not None:
                _settled(draft, ident, events)
            continue
        if old is not None and old.state == o.CallState.FAILED:
            # What has failed stays failed, for the new amount, until it is met.
            draft.put(t.CALLS, t.CALLS.key(ident), replace(old, amount=missing))
            continue
        reason = o.CallReason(amount, amount - missing, (), ())
        owed = o.Obligation(
            poster, secured, terms.im.currency, missing, date,
            o.Origin.VM, o.ObligationState.OPEN, b"",
        )  # fmt: skip
        _issue(draft, ident, o.CallKind.IM, owed, height, reason, events)


def im_call(poster: str, secured: str) -> bytes:
    """The id of the call for what one party posts to another: there is one at most."""
    return sha256(encode(("dcn/im-call/1", poster, secured)))


def _issue(
    draft: Draft,
    ident: bytes,
    kind: o.CallKind,
    owed: o.Obligation,
    height: int,
    reason: o.CallReason,
    events: list[Event],
) -> None:
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    terms = csa.signed(draft, owed.debtor, owed.creditor)
    grace = rulebook.margin.grace_blocks if terms is None else terms.grace_blocks
    due = settle_height(rulebook, height)
    row = o.MarginCall(
        kind=kind,
        payer=owed.debtor,
        receiver=owed.creditor,
        asset=owed.asset,
        amount=owed.amount,
        undisputed=owed.amount,
        date=owed.due,
        issued=height,
        due=due,
        grace_until=due + grace,
        state=o.CallState.ISSUED,
        reason=reason,
    )
    draft.put(t.CALLS, t.CALLS.key(ident), row)
    events.append(
        CallIssued(
            ident,
            kind,
            row.payer,
            row.receiver,
            row.asset,
            row.amount,
            row.date,
            due,
            reason,
            basis(draft, o.Clause.MARGIN),
        )
    )


# -------------------------------------------------------------------- how a call ends
def round_settled(
    draft: Draft,
    ident: bytes,
    left: int,
    failed: tuple[Party, ...],
    height: int,
    events: list[Event],
) -> None:
    """A round has settled the obligation of a call, in part, or not; `failed`: who was short."""
    row = draft.get(t.CALLS, t.CALLS.key(ident))
    if row is None:
        return
    if not left:
        _settled(draft, ident, events)
    elif row.payer in failed and row.state != o.CallState.FAILED:
        _failed(draft, ident, replace(row, amount=left), height, events)
    else:
        draft.put(t.CALLS, t.CALLS.key(ident), replace(row, amount=left))


def due(draft: Draft, height: int, events: list[Event]) -> None:
    """Collect the calls for initial margin that fall due, once more those whose grace ends."""
    for key in draft.indexed(t.CALLS, t.at_height(height)):
        row = draft.must(t.CALLS, key)
        if row.kind == o.CallKind.IM:
            _collect(draft, t.CALLS.parts(key)[0], row, height, events)


def _collect(
    draft: Draft, ident: bytes, row: o.MarginCall, height: int, events: list[Event]
) -> None:
    terms = csa.signed(draft, row.payer, row.receiver)
    assert terms is not None, row
    needed = requirement.required(draft, terms)
    amount = needed.first if row.payer == terms.first else needed.second
    disputed = row.amount - row.undisputed
    missing = im.shortfall(draft, terms, row.payer, row.receiver, amount - disputed)
    events += im.collect(draft, terms, row.payer, row.receiver, missing)
    if im.shortfall(draft, terms, row.payer, row.receiver, amount - disputed):
        if row.state != o.CallState.FAILED:
            _failed(draft, ident, row, height, events)
    elif not disputed:
        _settled(draft, ident, events)


def met(draft: Draft, terms: o.Csa, poster: Party, secured: Party) -> list[Event]:
    """Something was posted: an open call that it meets is settled."""
    ident = im_call(poster, secured)
    needed = requirement.required(draft, terms)
    amount = needed.first if poster == terms.first else needed.second
    events: list[Event] = []
    known = draft.get(t.CALLS, t.CALLS.key(ident)) is not None
    if known and not im.shortfall(draft, terms, poster, secured, amount):
        _settled(draft, ident, events)
    return events


def overdue(draft: Draft, height: int) -> list[tuple[bytes, o.MarginCall]]:
    """The calls whose grace has ended at `height` and that are still not met: a trigger."""
    rows = [(key, draft.must(t.CALLS, key)) for key in draft.indexed(t.CALLS, t.at_height(height))]
    return [
        (t.CALLS.parts(key)[0], row)
        for key, row in rows
        if row.state == o.CallState.FAILED and row.grace_until == height
    ]


def unmet(draft: Draft, member: str) -> list[o.MarginCall]:
    """A member's calls that have failed: while there are any, nothing is given back to it."""
    rows = [draft.must(t.CALLS, key) for key in draft.indexed(t.CALLS, t.UNMET)]
    return [row for row in rows if member_of(row.payer) == member]


def dispute(draft: Draft, action: RaiseDispute) -> list[Event]:
    """The payer of an initial margin call says what of it is undisputed; raises a `Rejection`."""
    ident = im_call(action.party, action.counterparty)
    key = t.CALLS.key(ident)
    row = draft.get(t.CALLS, key)
    checks.text(action.reason)
    if row is None:
        raise r.UnknownCall(f"of {action.party[:40]} for {action.counterparty[:40]}")
    if row.state != o.CallState.ISSUED or not 0 <= action.undisputed < row.amount:
        raise r.NotDisputable(f"it is {o.CallState(row.state).name}, for {row.amount}")
    draft.put(t.CALLS, key, replace(row, undisputed=action.undisputed, state=o.CallState.DISPUTED))
    return [CallMoved(ident, o.CallState.DISPUTED)]


def _settled(draft: Draft, ident: bytes, events: list[Event]) -> None:
    draft.delete(t.CALLS.key(ident))
    events.append(CallMoved(ident, o.CallState.SETTLED))


def _failed(
    draft: Draft, ident: bytes, row: o.MarginCall, height: int, events: list[Event]
) -> None:
    grace = max(row.grace_until - row.due, 1)
    failed = replace(row, state=o.CallState.FAILED, grace_until=height + grace)
    draft.put(t.CALLS, t.CALLS.key(ident), failed)
    events.append(CallMoved(ident, o.CallState.FAILED))
