"""Contracts that outlive a default: a client's, ported whole; a netting set that a guarantor takes.

The contracts keep their terms and UTIs; one party is replaced, and the matched book stays matched.
"""

import msgspec

from ledger import cash, checks, csa, im, sets
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import InvokeGuarantor, Port, StateGuarantee
from ledger.default import cases, closeout, estate
from ledger.default.prices import Prices
from ledger.events import ClientPorted, Event, GuarantorTook
from ledger.obligations import discharge
from ledger.rulebook import settle_height
from ledger.state import Draft
from wire import ids
from wire.ids import Party
from wire.limits import AMOUNT_MAX

replace = msgspec.structs.replace


# -------------------------------------------------------------------- porting
def port(draft: Draft, action: Port) -> list[Event]:
    """A client's contracts, debts, margin and money go to an account of the same client with
    another member, before the close-out; raises a `Rejection`."""
    row = cases.must_be_in(draft, action.case, o.CaseState.DECLARED)
    _check_client(draft, row, action)
    book = closeout.book_of(draft, row)
    events: list[Event] = []
    for key, one in cases.close_outs(draft, action.case):
        if one.debtor == action.client and one.state == o.CloseOutState.FROZEN:
            pair = (one.debtor, one.creditor)
            _port_debts(draft, book.debts.get(pair, []), one, action.to)
            contracts = book.contracts.get(pair, [])
            _port_set(draft, one, action.to, contracts)
            events += _margin(draft, one, action.to)
            draft.put(t.CLOSE_OUTS, key, replace(one, state=o.CloseOutState.TRANSFERRED))
            number = len(contracts)
            events.append(ClientPorted(action.case, action.client, action.to, one.creditor, number))
    for asset in estate.assets(draft):
        source = t.own_account(action.client, asset)
        cash.move(draft, source, t.own_account(action.to, asset), cash.free(draft, source))
    return events


def _check_client(draft: Draft, row: o.DefaultCase, action: Port) -> None:
    checks.trading_party(draft, action.to)
    old, new = (
        draft.get(t.CLIENTS, t.CLIENTS.key(ids.member_of(party), ids.client_of(party)))
        for party in (action.client, action.to)
    )
    if (
        ids.member_of(action.client) != row.defaulter
        or old is None
        or new is None
        or old.name_hash != new.name_hash
    ):
        raise r.BadPorting(f"{action.client[:40]} and {action.to[:40]} are not of one client")


def _port_debts(
    draft: Draft, debts: list[tuple[bytes, o.Obligation]], one: o.CloseOut, to: Party
) -> None:
    for ident, debt in debts:
        if debt.state == o.ObligationState.FROZEN:
            raise r.StillInRound(f"{debt.amount} {debt.asset} of {debt.debtor}")
        if debt.debtor == one.debtor and draft.row(t.OVERDUES.key(ident)) is not None:
            raise r.BadPorting(f"{debt.debtor} itself has failed {debt.amount} {debt.asset}")
        mine = debt.debtor == one.debtor
        moved = replace(debt, debtor=to) if mine else replace(debt, creditor=to)
        draft.put(t.OBLIGATIONS, t.OBLIGATIONS.key(ident), moved)
        call = draft.get(t.CALLS, t.CALLS.key(ident))
        if call is not None:
            named = replace(call, payer=to) if mine else replace(call, receiver=to)
            draft.put(t.CALLS, t.CALLS.key(ident), named)


def _port_set(draft: Draft, one: o.CloseOut, to: Party, contracts: list[o.Contract]) -> None:
    """The set's contracts, and what of their value has moved already."""
    for contract in contracts:
        _replaced(draft, contract, one.debtor, to, 0)
    key = t.netting_set_key(one.debtor, one.creditor)
    old = draft.get(t.NETTING_SETS, key)
    if old is None:
        return
    new_key = t.netting_set_key(to, one.creditor)
    for entry in old.positions:
        row = draft.get(t.NETTING_SETS, new_key)
        if row is None:
            first, second = sorted((to, one.creditor))
            row = o.NettingSet(Party(first), Party(second), ())
        had = sets.position(row, entry.asset)
        # The other side may be the first party of one set and the second of the other.
        turned = (one.creditor == old.first) != (one.creditor == row.first)
        held = (entry.held_second, entry.held_first) if turned else (
            entry.held_first, entry.held_second
        )  # fmt: skip
        added = replace(
            had,
            settled=had.settled + (-entry.settled if turned else entry.settled),
            held_first=had.held_first + held[0],
            held_second=had.held_second + held[1],
        )
        sets.put_position(draft, row, added)
    draft.put(t.NETTING_SETS, key, replace(old, positions=()))


def _margin(draft: Draft, one: o.CloseOut, to: Party) -> list[Event]:
    """What both have in custody for the set goes with it; what is missing is locked now."""
    terms = csa.signed(draft, to, one.creditor)
    moved = False
    for asset in estate.assets(draft):
        for old, new in (
            ((one.debtor, one.creditor), (to, one.creditor)),
            ((one.creditor, one.debtor), (one.creditor, to)),
        ):
            source = t.im_escrow(*old, asset)
            amount = cash.free(draft, source)
            if amount:
                cash.move(draft, source, t.im_escrow(*new, asset), amount)
                moved = True
    if terms is None:
        if moved:
            raise r.NoCsa(f"of {to} and {one.creditor}, for the margin of the set")
        return []
    return im.lock(draft, terms)


# -------------------------------------------------------------------- guarantors
def state_guarantee(draft: Draft, action: StateGuarantee) -> list[Event]:
    """Say up to which total a member outside the group answers; raises a `Rejection`."""
    member = draft.get(t.MEMBERS, t.MEMBERS.key(action.member))
    if member is None:
        raise r.UnknownMember(f"LEI {action.member[:40]}")
    if member.group == checks.group_of(draft, action.guarantor):
        raise r.NotIndependent(f"{action.guarantor} is of the group of {action.member}")
    key = t.GUARANTEES.key(action.guarantor, action.member)
    old = draft.get(t.GUARANTEES, key) or o.Guarantee(0, 0)
    if not old.used <= action.total <= AMOUNT_MAX:
        raise r.BadAmount(f"is {action.total}, must be {old.used} to {AMOUNT_MAX}")
    if action.total < old.total and cases.open_case(draft, action.member) is not None:
        raise r.CaseIsOpen(f"of {action.member}: its guarantees stay")
    draft.put(t.GUARANTEES, key, replace(old, total=action.total))
    return []


def invoke(draft: Draft, action: InvokeGuarantor, height: int) -> list[Event]:
    """A guarantor takes a whole netting set at its close-out value: it pays the creditor what the
    defaulter owes, has the creditor's claim in its place, and goes on with the contracts, its own
    margin posted. Nothing is replaced, so there is no bid-offer. Raises a `Rejection`."""
    row = cases.must_be_in(draft, action.case, o.CaseState.CLOSE_OUT)
    key = t.CLOSE_OUTS.key(action.case, action.debtor, action.creditor)
    one = draft.get(t.CLOSE_OUTS, key)
    if one is None or one.state != o.CloseOutState.FROZEN:
        raise r.WrongCaseState(
            f"{action.debtor[:40]} and {action.creditor[:40]}: no open close-out"
        )
    _check_guarantor(draft, row, action)
    book, prices = closeout.book_of(draft, row), Prices(draft, action.case, row)
    pair = (one.debtor, one.creditor)
    contracts, debts = book.contracts.get(pair, []), book.debts.get(pair, [])
    only = closeout.Book({pair: contracts}, {pair: debts})
    if not closeout.is_ready(draft, only, prices):
        raise r.WrongCaseState("there is no close-out price yet, or a debt is in a round")
    priced = closeout.valued(draft, row, one, only, prices, with_bid_offer=False)
    taken = replace(priced, guarantor=action.guarantor, eligible=0)
    _pay(draft, action, max(0, taken.amount))
    for ident, _ in debts:
        discharge(draft, ident)
    netting_set = draft.get(t.NETTING_SETS, t.netting_set_key(*pair))
    if netting_set is not None:
        draft.put(t.NETTING_SETS, t.netting_set_key(*pair), replace(netting_set, positions=()))
    for contract in contracts:
        code = contract.trade.instrument
        instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(code))
        price = prices.of(instrument, one.creditor)
        assert price is not None, "is_ready has said so"
        exponent = checks.asset(draft, instrument.currency).exponent
        value = sets.contract_value(contract.trade, instrument, price.value, exponent)
        _replaced(draft, contract, one.debtor, ids.house(action.guarantor), value)
    _settle_close_out(draft, key, taken, height)
    terms = csa.signed(draft, action.guarantor, one.creditor)
    assert terms is not None, "_check_guarantor has said so"
    events = im.lock(draft, terms)
    took = GuarantorTook(
        action.case, action.guarantor, one.debtor, one.creditor, taken.amount, len(contracts),
        cases.basis(row, o.Clause.CLOSE_OUT),
    )  # fmt: skip
    return [took, *events]


def _check_guarantor(draft: Draft, row: o.DefaultCase, action: InvokeGuarantor) -> None:
    checks.trading_member(draft, action.guarantor)
    consent = csa.signed(draft, action.debtor, action.creditor)
    if consent is None or action.guarantor not in consent.guarantors:
        raise r.NotAGuarantor(f"{action.guarantor} is not named in the CSA of the set")
    group = checks.group_of(draft, action.guarantor)
    if group in (checks.group_of(draft, row.defaulter), checks.group_of(draft, action.creditor)):
        raise r.NotIndependent(f"{action.guarantor} is of a party's group")
    if csa.signed(draft, action.guarantor, action.creditor) is None:
        raise r.NoCsa(f"of {action.guarantor} and {action.creditor}")


def _pay(draft: Draft, action: InvokeGuarantor, amount: int) -> None:
    key = t.GUARANTEES.key(action.guarantor, ids.member_of(action.debtor))
    guarantee = draft.get(t.GUARANTEES, key)
    left = 0 if guarantee is None else guarantee.total - guarantee.used
    if guarantee is None or amount > left:
        raise r.NotAGuarantor(f"{amount} is owed, {left} of the guarantee is left")
    currency = draft.must(t.RULEBOOK, t.rulebook_key()).currency
    source = t.own_account(action.guarantor, currency)
    if amount:
        target = cases.receiving_account(draft, action.creditor, currency)
        cash.move(draft, source, target, amount)
    draft.put(t.GUARANTEES, key, replace(guarantee, used=guarantee.used + amount))


def _settle_close_out(draft: Draft, key: bytes, taken: o.CloseOut, height: int) -> None:
    """What the set owed is the guarantor's claim; what it was owed, is owed to the estate."""
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    if taken.amount >= 0:
        draft.put(t.CLOSE_OUTS, key, replace(taken, state=o.CloseOutState.TRANSFERRED))
        estate.give_back(draft, taken.creditor, taken.debtor)
        return
    due = settle_height(rulebook, height)
    owing = replace(taken, state=o.CloseOutState.DUE, due=due)
    network = draft.must(t.NETWORK, t.network_key())
    date = network.business_date or network.closed_date
    assert date is not None, "something was marked, so a date has been open"
    estate.owe_estate(draft, owing, rulebook.currency, date)
    draft.put(t.CLOSE_OUTS, key, owing)


def _replaced(draft: Draft, contract: o.Contract, old: Party, new: Party, settled: int) -> None:
    """The contract goes on between `new` and the other side; `settled` as seen from the buyer."""
    trade = contract.trade
    if ids.member_of(new) in (ids.member_of(trade.buyer), ids.member_of(trade.seller)):
        raise r.SelfTrade(f"{trade.uti} would have one member on both sides")
    currency = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument)).currency
    checks.not_own_issued(draft, currency, new)
    moved = replace(trade, buyer=new) if trade.buyer == old else replace(trade, seller=new)
    sets.join(draft, moved, sets.seen_from_first(moved, settled))
    live = replace(contract, trade=moved, state=o.ContractState.LIVE)
    draft.put(t.CONTRACTS, t.CONTRACTS.key(trade.uti), live)
