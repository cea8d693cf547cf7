"""Debts outside of netting rounds: paid singly, and the rounds that a party stays out of.

A debt that no round holds may be paid at any time. A leg of an instruction goes with all others or
not at all, here as everywhere (CPMI-IOSCO principle 12): it is not paid singly, and so is in the
rounds whoever stays out of them.
"""

from collections import Counter

from ledger import calls, cash, checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import PayDebts, StayOut
from ledger.default import cases
from ledger.events import DebtPaid, Event, StaysOut
from ledger.obligations import UNHELD, discharge, filed, keep_open, waiting
from ledger.rulebook import basis
from ledger.state import Draft, State
from wire.ids import AssetCode, Date, Party

Debts = list[tuple[bytes, o.Obligation]]


# -------------------------------------------------------------------- paid singly
def pay_debts(draft: Draft, action: PayDebts) -> list[Event]:
    """What one party owes another, instructions apart; raises a `Rejection`."""
    checks.asset(draft, action.asset)
    checks.open_account(draft, action.debtor)
    checks.payable_party(draft, action.creditor)
    wanted = (action.debtor, action.creditor, action.asset)
    found = [
        (ident, row)
        for ident, row in filed(draft, t.of_member(action.debtor))
        if (row.debtor, row.creditor, row.asset) == wanted
        and row.state in UNHELD
        and not row.instruction
    ]
    if not found:
        raise r.NothingToPay(f"from {action.debtor} to {action.creditor} in {action.asset}")
    return [event for ident, row in found for event in pay(draft, ident, row)]


def pay(draft: Draft, ident: bytes, debt: o.Obligation) -> list[Event]:
    """Pay a debt, with every other leg of its instruction; raises a `Rejection`."""
    legs = _legs(draft, ident, debt)
    if any(leg.state == o.ObligationState.FROZEN for _, leg in legs):
        raise r.StillInRound(f"{debt.amount} {debt.asset} to {debt.creditor}")
    short = _short(draft, legs)
    if short:
        raise r.InsufficientFunds(short[min(short)])
    events: list[Event] = []
    for _, leg in legs:
        cash.settle_net(draft, leg.debtor, leg.asset, -leg.amount)
    for one, leg in legs:
        cash.credit(draft, cases.receiving_account(draft, leg.creditor, leg.asset), leg.amount)
        events.append(DebtPaid(leg.debtor, leg.creditor, leg.asset, leg.amount))
        calls.round_settled(draft, one, 0, (), 0, events)
        discharge(draft, one)
    return events


def only_others_are_short(draft: Draft, ident: bytes, debt: o.Obligation) -> bool:
    """Whether the debtor could deliver its legs now, and some other party of the instruction could
    not: then it has not failed it any more."""
    short = _short(draft, _legs(draft, ident, debt))
    return bool(short) and debt.debtor not in short


def _legs(draft: Draft, ident: bytes, debt: o.Obligation) -> Debts:
    if not debt.instruction:
        return [(ident, debt)]
    together = filed(draft, t.of_instruction(debt.instruction))
    return [(one, row) for one, row in together if row.instruction == debt.instruction]


def _short(draft: Draft, legs: Debts) -> dict[Party, str]:
    """Who cannot deliver its legs now, and what it lacks."""
    needs: Counter[tuple[Party, str]] = Counter()
    for _, leg in legs:
        needs[leg.debtor, leg.asset] += leg.amount
    short: dict[Party, str] = {}
    for party, asset in sorted(needs):
        need = needs[party, asset]
        instructed = need if legs[0][1].instruction else 0
        has = cash.means(draft, party, asset, instructed)
        if not cases.pays_on(draft, party):  # what it has is for the close-out, not for one leg
            short[party] = f"{party} pays nothing now"
        elif has < need:
            short[party] = f"{party} has {has} {asset}, needs {need}"
    return short


# -------------------------------------------------------------------- staying out
def stay_out(draft: Draft, action: StayOut) -> list[Event]:
    """Keep a party's debts, either way, out of the rounds of a date; raises a `Rejection`."""
    checks.open_account(draft, action.party)
    network = draft.must(t.NETWORK, t.network_key())
    if action.date != network.business_date and action.date not in network.calendar:
        raise r.NoRoundToStayOutOf(f"{action.date} is closed, or no business date to come")
    key = t.STAYING_OUT.key(action.party, action.date)
    row = draft.get(t.STAYING_OUT, key)
    if row is not None and row.dues:
        raise r.NoRoundToStayOutOf(f"a round of {action.date} is frozen without {action.party}")
    if (row is not None) == action.out:
        raise r.NoRoundToStayOutOf(f"{action.party} is {'out' if action.out else 'in'} already")
    if action.out:
        draft.put(t.STAYING_OUT, key, o.StayingOut(action.date, ()))
    else:
        draft.delete(key)
    because = basis(draft, o.Clause.SETTLEMENT)
    return [StaysOut(action.party, action.date, action.out, because)]


def staying_out(draft: Draft, date: Date) -> set[Party]:
    """Who is in no round of `date`."""
    return {t.STAYING_OUT.parts(key)[0] for key in draft.indexed(t.STAYING_OUT, t.on_date(date))}


def fall_due(draft: Draft, date: Date, height: int) -> None:
    """A round of `date` is frozen, and settles at `height`: until then who stays out pays."""
    for key in draft.indexed(t.STAYING_OUT, t.on_date(date)):
        row = draft.must(t.STAYING_OUT, key)
        draft.put(t.STAYING_OUT, key, o.StayingOut(date, (*row.dues, height)))


def pending(state: State) -> bool:
    """Whether debts fall due that are to be paid singly."""
    return bool(state.indexed(t.STAYING_OUT, t.FALLING_DUE))


def owed_by_absent(draft: Draft, height: int) -> Counter[tuple[Party, AssetCode]]:
    """(creditor, asset) -> what those that stay out of the rounds that settle at `height` owe with
    them and have not paid: what somebody misses because of it, it has not failed."""
    owed: Counter[tuple[Party, AssetCode]] = Counter()
    for _, debt in _not_paid(draft, height):
        owed[debt.creditor, debt.asset] += debt.amount
    return owed


def due(draft: Draft, height: int, events: list[Event]) -> None:
    """Who stayed out of the rounds that settle now has failed what it has not paid singly."""
    today = draft.must(t.NETWORK, t.network_key()).business_date
    for ident, debt in _not_paid(draft, height):
        keep_open(draft, ident, debt.amount, (debt.debtor,), height)
        calls.round_settled(draft, ident, debt.amount, (debt.debtor,), height, events)
    for key in draft.indexed(t.STAYING_OUT, t.at_height(height)):
        row = draft.must(t.STAYING_OUT, key)
        later = tuple(one for one in row.dues if one != height)
        if later or row.date == today:
            draft.put(t.STAYING_OUT, key, o.StayingOut(row.date, later))
        else:
            draft.delete(key)


def _not_paid(draft: Draft, height: int) -> Debts:
    """The debts that fall due at `height` outside of the round that their debtors stayed out of; a
    call of a later cycle of the date falls due with the round of that."""
    parts = map(t.STAYING_OUT.parts, draft.indexed(t.STAYING_OUT, t.at_height(height)))
    out: dict[Party, Date] = dict(parts)
    if not out:
        return []
    found: Debts = []
    for ident, debt in waiting(draft):
        if debt.debtor not in out or debt.due > out[debt.debtor] or debt.instruction:
            continue
        call = draft.get(t.CALLS, t.CALLS.key(ident))
        if call is not None and call.due > height:
            continue
        if cases.pays_on(draft, debt.debtor) and cases.pays_on(draft, debt.creditor):
            found.append((ident, debt))
    return found
