"""The life of a contract: amended, cancelled, terminated early or in part, novated.

A change takes all whom it concerns. Money is never paid here: a contract leaves its netting set at
a final value, and what of it has not moved yet is in the difference of the next margin cycle
(`sets.leave`). The initial margin that the change needs is locked in the same transition.
"""

from typing import Final

import msgspec

from ledger import checks, csa, im, sets, trades
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import (
    AmendTrade,
    CancelTrade,
    ConfirmTermination,
    ConsentNovation,
    ProposeNovation,
    RequestTermination,
)
from ledger.events import ContractChanged, Event
from ledger.obligations import owe
from ledger.state import Draft
from wire import ids
from wire.ids import Party
from wire.limits import AMOUNT_MAX

CONSENT_BLOCKS: Final = 1_000
"""How long a request waits for consent."""

replace = msgspec.structs.replace


def amend(draft: Draft, action: AmendTrade, height: int) -> list[Event]:
    """New terms for a live contract; raises a `Rejection`."""
    contract = _live(draft, action.trade.uti)
    old, new = contract.trade, action.trade
    if (old.buyer, old.seller) != (new.buyer, new.seller):
        raise r.BadChange("parties do not change by amendment: propose a novation")
    if _currency(draft, old) != _currency(draft, new):
        raise r.BadChange("the currency stays")
    trades.check_terms(draft, new)
    sets.leave(draft, contract, o.ContractState.TERMINATED, 0)
    sets.join(draft, new)
    changed = replace(contract, trade=new, height=height)
    draft.put(t.CONTRACTS, t.CONTRACTS.key(new.uti), changed)
    _forget(draft, new.uti)
    return [ContractChanged(new.uti, "AMENDED", new.quantity), *trades.margined(draft, new)]


def cancel(draft: Draft, action: CancelTrade) -> list[Event]:
    """As if it had never been: its set's next cycle takes back what it has moved."""
    contract = _live(draft, action.uti)
    trade = contract.trade
    if (trade.buyer, trade.seller) != (action.buyer, action.seller):
        raise r.BadChange(f"the parties of {trade.uti} are {trade.buyer} and {trade.seller}")
    sets.leave(draft, contract, o.ContractState.TERMINATED, 0)
    _forget(draft, trade.uti)
    return [ContractChanged(trade.uti, "CANCELLED", 0), *_released(draft, trade)]


# -------------------------------------------------------------------- termination
def request_termination(draft: Draft, action: RequestTermination, height: int) -> list[Event]:
    """Note the request; a later one of the same contract takes its place. Raises a `Rejection`."""
    trade = _live(draft, action.uti).trade
    _counterparty(trade, action.party)
    _check_part(draft, trade, action.quantity, action.price)
    what = o.Termination(action.party, action.quantity, action.price)
    _wait(draft, action.uti, what, height)
    return [ContractChanged(action.uti, "TERMINATION_REQUESTED", trade.quantity)]


def confirm_termination(draft: Draft, action: ConfirmTermination, height: int) -> list[Event]:
    """The other party confirms exactly what was asked; raises a `Rejection`."""
    contract = _live(draft, action.uti)
    trade = contract.trade
    other = _counterparty(trade, action.party)
    pending = draft.get(t.PENDING, t.PENDING.key(action.uti))
    if pending is None or pending.what != o.Termination(other, action.quantity, action.price):
        raise r.NothingPending(f"of {other} for {action.quantity} at {action.price}")
    instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    exponent = checks.asset(draft, instrument.currency).exponent
    part = replace(trade, quantity=action.quantity)
    rest = replace(trade, quantity=trade.quantity - action.quantity)
    final = sets.contract_value(part, instrument, action.price, exponent)
    sets.leave(draft, contract, o.ContractState.TERMINATED, final)
    if rest.quantity:
        sets.join(draft, rest)
        changed = replace(contract, trade=rest, height=height)
        draft.put(t.CONTRACTS, t.CONTRACTS.key(trade.uti), changed)
    _forget(draft, trade.uti)
    return [ContractChanged(trade.uti, "TERMINATED", rest.quantity), *_released(draft, trade)]


def _check_part(draft: Draft, trade: o.Trade, quantity: int, price: int) -> None:
    if not 0 < quantity <= trade.quantity:
        raise r.BadChange(f"quantity {quantity} of {trade.quantity}")
    instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    feed = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed))
    if not feed.value_min <= price <= feed.value_max:
        raise r.BadChange(f"price {price}, must be {feed.value_min} to {feed.value_max}")


# -------------------------------------------------------------------- novation
def propose_novation(draft: Draft, action: ProposeNovation, height: int) -> list[Event]:
    """Note the proposal; raises a `Rejection`, also if it could not happen as things stand."""
    trade = _live(draft, action.uti).trade
    remaining = _counterparty(trade, action.leaving)
    ids.uti(action.new_uti)
    trades.check_unregistered(draft, (action.new_uti,))
    if abs(action.payment) > AMOUNT_MAX:
        raise r.BadAmount(f"is {action.payment}, at most {AMOUNT_MAX} either way")
    checks.trading_party(draft, action.entering)
    if ids.member_of(action.entering) in (
        ids.member_of(remaining),
        ids.member_of(action.leaving),
    ):
        raise r.BadChange("who enters is a third member")
    what = o.Novation(
        action.leaving, action.entering, action.new_uti, action.payment, (action.leaving,)
    )
    _wait(draft, action.uti, what, height)
    return [ContractChanged(action.uti, "NOVATION_PROPOSED", trade.quantity)]


def consent_novation(draft: Draft, action: ConsentNovation, height: int) -> list[Event]:
    """With the third consent the contract goes over, its margin with it; raises a `Rejection`."""
    contract = _live(draft, action.uti)
    pending = draft.get(t.PENDING, t.PENDING.key(action.uti))
    if pending is None or not isinstance(pending.what, o.Novation):
        raise r.NothingPending(f"no novation of {action.uti}")
    what = pending.what
    asked = (what.new_uti, what.payment)
    if asked != (action.new_uti, action.payment):
        raise r.NothingPending(f"the proposal is for {what.new_uti} with {what.payment}")
    remaining = _counterparty(contract.trade, what.leaving)
    if action.party not in (what.entering, remaining) or action.party in what.consents:
        raise r.BadChange(f"{action.party} has nothing to consent to (again)")
    consents = tuple(sorted((*what.consents, action.party)))
    if len(consents) < 3:
        row = o.Pending(replace(what, consents=consents), pending.until)
        draft.put(t.PENDING, t.PENDING.key(action.uti), row)
        return [ContractChanged(action.uti, "NOVATION_CONSENTED", contract.trade.quantity)]
    return _novate(draft, contract, what, height)


def _novate(draft: Draft, contract: o.Contract, what: o.Novation, height: int) -> list[Event]:
    """The old contract leaves its set at the value that has settled; the new one comes into its
    set with as much settled already. So no variation margin moves: who leaves and who enters have
    agreed on the payment between them."""
    old = contract.trade
    entering: dict[Party, Party] = {what.leaving: what.entering}
    new = replace(
        old,
        uti=what.new_uti,
        buyer=entering.get(old.buyer, old.buyer),
        seller=entering.get(old.seller, old.seller),
    )
    currency = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(old.instrument)).currency
    trades.check_parties(draft, new)
    checks.not_own_issued(draft, currency, new.buyer, new.seller)
    trades.check_unregistered(draft, (new.uti,))
    settled = _settled_value(draft, old)
    sets.leave(draft, contract, o.ContractState.NOVATED, settled)
    sets.join(draft, new, sets.seen_from_first(new, settled))
    row = o.Contract(new, o.ContractState.LIVE, height, ())
    draft.put(t.CONTRACTS, t.CONTRACTS.key(new.uti), row)
    _forget(draft, old.uti)
    if what.payment:
        today = draft.must(t.NETWORK, t.network_key()).business_date
        assert today is not None
        owe(
            draft, ("novation", new.uti), what.payment, what.leaving, what.entering,
            currency, today, o.Origin.TRADE,
        )  # fmt: skip
    events: list[Event] = [
        ContractChanged(old.uti, "NOVATED", 0),
        ContractChanged(new.uti, "NOVATION", new.quantity),
    ]
    terms = csa.signed(draft, old.buyer, old.seller)
    if terms is not None:
        for poster, secured in ((terms.first, terms.second), (terms.second, terms.first)):
            events += im.return_excess(draft, terms, poster, secured, "NOVATION")
    return [*events, *trades.margined(draft, new), *_released(draft, old)]


def _settled_value(draft: Draft, trade: o.Trade) -> int:
    """A contract's value at the last closed marks, seen from the buyer; 0 before any. In a
    collateralised set nothing has settled: the balance held is the set's, and stays."""
    signed = csa.signed(draft, trade.buyer, trade.seller)
    if signed is not None and signed.mode == o.CsaMode.COLLATERALISED:
        return 0
    closed = draft.must(t.NETWORK, t.network_key()).closed_date
    instrument = draft.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    mark = None if closed is None else draft.get(t.MARKS, t.MARKS.key(instrument.feed, closed))
    if mark is None:
        return 0
    exponent = checks.asset(draft, instrument.currency).exponent
    return sets.contract_value(trade, instrument, mark.value, exponent)


# -------------------------------------------------------------------- common
def expire(draft: Draft, height: int) -> None:
    """Drop the requests that nobody has consented to in time."""
    for key in draft.indexed(t.PENDING, t.at_height(height)):
        draft.delete(key)


def _live(draft: Draft, uti: str) -> o.Contract:
    contract = draft.get(t.CONTRACTS, t.CONTRACTS.key(uti))
    if contract is None or contract.state != o.ContractState.LIVE:
        state = "unknown" if contract is None else o.ContractState(contract.state).name
        raise r.UnknownContract(f"{uti[:52]} is {state}")
    return contract


def _counterparty(trade: o.Trade, party: Party) -> Party:
    if party not in (trade.buyer, trade.seller):
        raise r.BadChange(f"{party[:40]} is no party of {trade.uti}")
    return trade.seller if party == trade.buyer else trade.buyer


def _currency(draft: Draft, trade: o.Trade) -> str | None:
    row = draft.get(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    return None if row is None else row.currency


def _wait(draft: Draft, uti: str, what: o.Termination | o.Novation, height: int) -> None:
    row = o.Pending(what, height + CONSENT_BLOCKS)
    draft.put(t.PENDING, t.PENDING.key(uti), row)


def _forget(draft: Draft, uti: str) -> None:
    if draft.get(t.PENDING, t.PENDING.key(uti)) is not None:
        draft.delete(t.PENDING.key(uti))


def _released(draft: Draft, trade: o.Trade) -> list[Event]:
    row = draft.must(t.NETTING_SETS, t.netting_set_key(trade.buyer, trade.seller))
    return im.release_if_ended(draft, row)
