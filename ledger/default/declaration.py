"""The declaration: one transition, at the start of a block, on everything that is not final.

The member loses its vote, power and transactions; batches that are not irrevocable are cancelled;
its contracts are frozen, each netting set for a close-out; rounds that have not settled are
computed again without it (`rounds.recompute`), unless what was entered is protected.
"""

from typing import Final

import msgspec

from ledger import calls, checks, settlement, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Stay
from ledger.default import cases, estate, notices
from ledger.events import DefaultDeclared, Event, MemberChanged
from ledger.state import Draft
from wire.ids import Lei, Party, member_of

LIVE_STATES: Final = (
    o.ContractState.LIVE,
    o.ContractState.IN_VALUATION,
    o.ContractState.DISPUTED,
    o.ContractState.IN_TRANSFER,
    o.ContractState.SETTLED,
)
"""In which a contract can be frozen."""


def declare(draft: Draft, number: int, row: o.DefaultCase, height: int) -> list[Event]:
    """Put the member of a notice in default, in block `height`."""
    key = t.MEMBERS.key(row.defaulter)
    events: list[Event] = []
    why, rules = cases.basis(row, o.Clause.DEFAULT), cases.rules_of(draft, row)
    if len(validators.validators(draft)) > 1:  # the last one keeps deciding
        events += validators.set_power(draft, row.defaulter, 0, height, o.Clause.DEFAULT)
    member = draft.must(t.MEMBERS, key)
    draft.put(t.MEMBERS, key, msgspec.structs.replace(member, state=o.MemberState.DEFAULTED))
    events.append(MemberChanged(row.defaulter, o.MemberState.DEFAULTED, why))
    cancelled = settlement.cancel_those_of(
        draft, row.defaulter, in_netting=not rules.protected_after_entry
    )
    contracts = freeze(draft, row.defaulter)
    pairs = pairs_of(draft, row.defaulter)
    for debtor, creditor in pairs:
        frozen = o.CloseOut(
            number, debtor, creditor, o.CloseOutState.FROZEN, 0, 0, 0, 0, 0, 0, (), None
        )
        draft.put(t.CLOSE_OUTS, t.CLOSE_OUTS.key(number, debtor, creditor), frozen)
        _drop_margin(draft, debtor, creditor)
    declared = msgspec.structs.replace(row, declared=height)
    until = height + rules.porting_window_blocks
    moved = cases.move(draft, number, declared, o.CaseState.DECLARED, until, row.reason)
    done = DefaultDeclared(
        case=number,
        member=row.defaulter,
        trigger=row.trigger,
        netting_sets=len(pairs),
        contracts=contracts,
        batches=len(cancelled),
        basis=why,
    )
    return [done, *events, *cancelled, moved]


def due(draft: Draft, height: int) -> list[Event]:
    """Declare what its notice has run out for; end the stays that are over."""
    events: list[Event] = []
    for number, row in cases.in_states(draft, (o.CaseState.NOTICE,)):
        if notices.had_room(draft, row):
            events += declare(draft, number, row, height)
    for number, row in cases.in_states(draft, (o.CaseState.STAYED,)):
        failed = _has_failed_since(draft, row)
        if failed or row.until <= height:
            freeze(draft, row.defaulter)
            why = "it failed a payment" if failed else "the stay is over"
            events.append(start_close_out(draft, number, row, height, why))
    return events


def start_close_out(draft: Draft, number: int, row: o.DefaultCase, height: int, why: str) -> Event:
    """The window for quotes and oracle medians opens."""
    rules = cases.rules_of(draft, row)
    fresh = msgspec.structs.replace(row, window=height, mark_date=None, stayed=0)
    until = height + rules.close_out_window_blocks
    return cases.move(draft, number, fresh, o.CaseState.CLOSE_OUT, until, why)


def stay(draft: Draft, action: Stay, height: int) -> list[Event]:
    """Hold the close-out up: contracts and payments go on; raises a `Rejection`."""
    checks.text(action.reason)
    notices.check_authority(draft, action.authority)
    row = cases.must_be_in(draft, action.case, o.CaseState.DECLARED, o.CaseState.CLOSE_OUT)
    longest = cases.rules_of(draft, row).stay_blocks_max
    end = height + action.blocks
    if action.blocks < 1 or end > row.declared + longest:
        raise r.BadStay(f"until {end}, at most {row.declared + longest}")
    for key in draft.indexed(t.CONTRACTS, o.ContractState.IN_TERMINATION):
        contract = draft.must(t.CONTRACTS, key)
        if _stays(draft, contract, row.defaulter):
            _put_state(draft, key, contract, o.ContractState.LIVE)
    stayed = msgspec.structs.replace(row, stayed=height)
    return [cases.move(draft, action.case, stayed, o.CaseState.STAYED, end, action.reason)]


def freeze(draft: Draft, lei: Lei) -> int:
    """Freeze the contracts of a member; returns how many."""
    keys = [key for state in LIVE_STATES for key in draft.indexed(t.CONTRACTS, state)]
    count = 0
    for key in sorted(keys):
        contract = draft.must(t.CONTRACTS, key)
        if lei in map(member_of, (contract.trade.buyer, contract.trade.seller)):
            _put_state(draft, key, contract, o.ContractState.IN_TERMINATION)
            count += 1
    return count


def pairs_of(draft: Draft, lei: Lei) -> list[tuple[Party, Party]]:
    """(its side, the other side) of everything that is open between a member and others."""
    found: set[tuple[Party, Party]] = set()
    sets = [draft.must(t.NETTING_SETS, key) for key in draft.indexed(t.NETTING_SETS, t.WOUND_UP)]
    both = [(row.first, row.second) for row in sets]
    for source in o.MarkSource:
        signed = [draft.must(t.CSAS, key) for key in draft.indexed(t.CSAS, source)]
        both += [(row.first, row.second) for row in signed]
    for frozen in (*LIVE_STATES, o.ContractState.IN_TERMINATION):
        trades = [draft.must(t.CONTRACTS, key).trade for key in draft.indexed(t.CONTRACTS, frozen)]
        both += [(trade.buyer, trade.seller) for trade in trades]
    for state in o.ObligationState:
        for key in draft.indexed(t.OBLIGATIONS, state):
            debt = draft.must(t.OBLIGATIONS, key)
            both.append((debt.debtor, debt.creditor))
    for one, other in both:
        for mine, theirs in ((one, other), (other, one)):
            if member_of(mine) == lei:
                found.add((mine, theirs))
    return sorted(found)


def _drop_margin(draft: Draft, one: Party, other: Party) -> None:
    """Calls for initial margin and disputes of the set fall away: it is closed out."""
    keys = [t.CALLS.key(calls.im_call(*pair)) for pair in ((one, other), (other, one))]
    first, second = sorted((one, other))
    keys += [t.DISPUTES.key(first, second, asset) for asset in estate.assets(draft)]
    for key in keys:
        if draft.row(key) is not None:
            draft.delete(key)


def _stays(draft: Draft, contract: o.Contract, lei: Lei) -> bool:
    """Whether it is frozen because of `lei` alone."""
    parties = (contract.trade.buyer, contract.trade.seller)
    others = [party for party in parties if member_of(party) != lei]
    return len(others) == 1 and not cases.in_default(draft, others[0])


def _has_failed_since(draft: Draft, row: o.DefaultCase) -> bool:
    for key in draft.indexed(t.OVERDUES, 0):
        debt = draft.must(t.OBLIGATIONS, t.OBLIGATIONS.key(t.OVERDUES.parts(key)[0]))
        late = draft.must(t.OVERDUES, key).since > row.stayed
        if late and member_of(debt.debtor) == row.defaulter:
            return True
    return False


def _put_state(draft: Draft, key: bytes, contract: o.Contract, state: o.ContractState) -> None:
    draft.put(t.CONTRACTS, key, msgspec.structs.replace(contract, state=state))
