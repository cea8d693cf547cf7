"""Cases: which are open, whose, and how one moves on."""

from typing import Final

import msgspec

from ledger import cash
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.events import CaseMoved
from ledger.state import Draft, State
from wire.ids import Lei, Party, house, member_of

OPEN: Final = tuple(
    state for state in o.CaseState if state not in (o.CaseState.RECOVERY, o.CaseState.CLOSED)
)
"""From notice until losses are allocated."""

IN_DEFAULT: Final = tuple(state for state in OPEN if state != o.CaseState.NOTICE)
UNPRICED: Final = (o.CaseState.DECLARED, o.CaseState.CLOSE_OUT)
"""Claims are still to be fixed, and nothing holds that up."""

Numbered = tuple[int, o.DefaultCase]


def in_states(state: State | Draft, states: tuple[o.CaseState, ...]) -> list[Numbered]:
    """The cases in these states, by number."""
    keys = sorted(key for one in states for key in state.indexed(t.DEFAULT_CASES, one))
    found = [(t.DEFAULT_CASES.parts(key)[0], state.must(t.DEFAULT_CASES, key)) for key in keys]
    return sorted(found, key=lambda pair: pair[0])


def open_case(draft: Draft, lei: Lei) -> Numbered | None:
    """The open case of a member, if it has one."""
    return next((pair for pair in in_states(draft, OPEN) if pair[1].defaulter == lei), None)


def must_be_in(draft: Draft, number: int, *states: o.CaseState) -> o.DefaultCase:
    """The case of this number, in one of these states; raises a `Rejection`."""
    row = draft.get(t.DEFAULT_CASES, t.DEFAULT_CASES.key(number))
    if row is None:
        raise r.UnknownCase(f"case {number}")
    if row.state not in states:
        raise r.WrongCaseState(f"case {number} is at {o.CaseState(row.state).name}")
    return row


def rules_of(draft: Draft, row: o.DefaultCase) -> o.DefaultRules:
    """The rules of a case: those in force when notice was given, whatever is amended later."""
    return draft.must(t.RULEBOOKS, t.RULEBOOKS.key(row.rulebook_version)).rulebook.default


def basis(row: o.DefaultCase, clause: o.Clause) -> o.Basis:
    """What a decision in a case rests on."""
    return o.Basis(clause, row.rulebook_version)


def put(draft: Draft, number: int, row: o.DefaultCase) -> None:
    """Write a case."""
    draft.put(t.DEFAULT_CASES, t.DEFAULT_CASES.key(number), row)


def move(
    draft: Draft, number: int, row: o.DefaultCase, state: o.CaseState, until: int, reason: str
) -> CaseMoved:
    """The case enters `state`, until a height (0: until something else ends it)."""
    put(draft, number, msgspec.structs.replace(row, state=state, until=until))
    return CaseMoved(number, state, until, reason, basis(row, o.Clause.DEFAULT))


def close_outs(draft: Draft, number: int) -> list[tuple[bytes, o.CloseOut]]:
    """The netting sets of a case, by key."""
    keys = draft.indexed(t.CLOSE_OUTS, t.of_case(number))
    return [(key, draft.must(t.CLOSE_OUTS, key)) for key in keys]


def in_default(draft: Draft, party: Party) -> bool:
    """Whether the party's member has been declared in default."""
    member = draft.must(t.MEMBERS, t.MEMBERS.key(member_of(party)))
    return member.state == o.MemberState.DEFAULTED


def pays_on(draft: Draft, party: Party) -> bool:
    """Whether debts of and to the party still go through netting rounds: of members in good
    standing; of one in default while a stay lets its payments go on, or while what was entered
    before the declaration is protected."""
    member = draft.must(t.MEMBERS, t.MEMBERS.key(member_of(party)))
    if member.state != o.MemberState.DEFAULTED:
        return member.state in (o.MemberState.ACTIVE, o.MemberState.RESIGNING)
    found = open_case(draft, member.lei)
    if found is None or found[1].state == o.CaseState.WATERFALL:
        return False
    rules = rules_of(draft, found[1])
    return found[1].state == o.CaseState.STAYED or rules.protected_after_entry


def is_closing_out(draft: Draft, *parties: Party) -> bool:
    """Whether one of the parties is in default and no stay lets its contracts go on: margin of its
    sets is neither called nor given back, it is for the close-out."""
    for party in parties:
        if in_default(draft, party):
            found = open_case(draft, member_of(party))
            if found is None or found[1].state != o.CaseState.STAYED:
                return True
    return False


def beneficiary(one: o.CloseOut) -> Party:
    """Whose the claim of a close-out is: the creditor's, or of the guarantor that has paid it."""
    return one.creditor if one.guarantor is None else house(one.guarantor)


def receiving_account(draft: Draft, party: Party, asset: str) -> bytes:
    """Where a party is paid: its own account, or the estate of its member's last case."""
    lei = member_of(party)
    if not in_default(draft, party):
        return cash.paid_into(draft, party, asset)
    declared = [
        number
        for number, row in in_states(draft, tuple(o.CaseState))
        if row.defaulter == lei and row.declared
    ]
    return t.estate(lei, declared[-1], asset)
