"""Notice: what opens a case, what cures it, and whether blocks have had room for the payment.

Only a debt of a settled round that its debtor itself failed to fund is a trigger; what is late
because of others (a liquidity event) is none, and an outage opens a case only by the committee's
vote. A notice names the sum that cures it, and the payment has room in a number of blocks made by
proposers with over a third of the power before any declaration: a minority cannot keep it out.
"""

from collections import defaultdict
from typing import Final, NamedTuple

import msgspec

from ledger import calls, checks, csa, im, paying, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CureDefault, DirectDefault, NotifyInsolvency, WithdrawCase
from ledger.default import cases, fund
from ledger.events import CaseMoved, Event, NoticeEnded, NoticeGiven
from ledger.obligations import forgive
from ledger.state import Draft
from wire.ids import AssetCode, Lei, member_of

MAY_DEFAULT: Final = (
    o.MemberState.ACTIVE,
    o.MemberState.SUSPENDED,
    o.MemberState.RESIGNING,
)


# -------------------------------------------------------------------- opening
def notify_insolvency(draft: Draft, action: NotifyInsolvency, height: int) -> list[Event]:
    """By the member itself or an authority; raises a `Rejection`."""
    checks.text(action.reason)
    if action.notifier != action.member:
        check_authority(draft, action.notifier)
    return open_case(draft, action.member, o.Trigger.INSOLVENCY, action.reason, height)


def direct(draft: Draft, action: DirectDefault, height: int) -> list[Event]:
    """By an authority; raises a `Rejection`."""
    checks.text(action.reason)
    check_authority(draft, action.authority)
    return open_case(draft, action.member, o.Trigger.DIRECTION, action.reason, height)


def check_authority(draft: Draft, lei: Lei) -> None:
    """Raise `NotAnAuthority` unless the active member is a supervisor."""
    if o.Role.REGULATOR not in checks.active_member(draft, lei).roles:
        raise r.NotAnAuthority(f"{lei} has no regulator role")


def open_case(draft: Draft, lei: Lei, trigger: o.Trigger, reason: str, height: int) -> list[Event]:
    """Give `lei` notice; raises a `Rejection`."""
    member = draft.get(t.MEMBERS, t.MEMBERS.key(lei))
    if member is None:
        raise r.UnknownMember(f"LEI {lei[:40]}")
    if member.state not in MAY_DEFAULT:
        raise r.WrongMemberState(f"{lei} is {o.MemberState(member.state).name}")
    found = cases.open_case(draft, lei)
    if found is not None:
        raise r.CaseIsOpen(f"case {found[0]} of {lei}")
    unpaid = [one for one in _unpaid(draft) if one.member == lei]
    sums: dict[AssetCode, int] = defaultdict(int)
    for one in unpaid:
        sums[one.asset] += one.amount
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    row = o.DefaultCase(
        defaulter=lei,
        trigger=trigger,
        reason=reason,
        opened=height,
        rulebook_version=rulebook.version,
        unpaid=tuple(one.ident for one in unpaid),
        cure=tuple(o.AssetSum(asset, sums[asset]) for asset in sorted(sums)),
        room_blocks=0,
        heard=(),
        state=o.CaseState.NOTICE,
        declared=0,
        until=0,
        stayed=0,
        window=0,
        mark_date=None,
        fixed=0,
        loss=0,
        applied=(),
        recovered=0,
        repaid=0,
    )
    total = fund.fund(draft)
    number = total.cases + 1
    fund.put_fund(draft, msgspec.structs.replace(total, cases=number))
    cases.put(draft, number, row)
    blocks, why = rulebook.default.notice_blocks, cases.basis(row, o.Clause.DEFAULT)
    return [NoticeGiven(number, lei, trigger, reason, row.cure, blocks, why)]


def open_overdue(draft: Draft, height: int) -> list[Event]:
    """Give notice to every member with a debt or call unpaid past its grace."""
    late = sorted({one.member for one in _unpaid(draft) if one.grace_until <= height})
    events: list[Event] = []
    for lei in late:
        member = draft.must(t.MEMBERS, t.MEMBERS.key(lei))
        if member.state in MAY_DEFAULT and cases.open_case(draft, lei) is None:
            events += open_case(draft, lei, o.Trigger.UNPAID, "unpaid past grace", height)
    return events


class _Unpaid(NamedTuple):
    """A debt that its debtor failed, or a call for initial margin that it has not met."""

    member: Lei
    ident: bytes
    asset: AssetCode
    amount: int
    grace_until: int


def _unpaid(draft: Draft) -> list[_Unpaid]:
    """Everything unpaid, by id; a call for variation margin is its debt."""
    grace = draft.must(t.RULEBOOK, t.rulebook_key()).margin.grace_blocks
    found: list[_Unpaid] = []
    for key in draft.indexed(t.OVERDUES, 0):
        ident: bytes = t.OVERDUES.parts(key)[0]
        debt = draft.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
        call = draft.get(t.CALLS, t.CALLS.key(ident))
        until = draft.must(t.OVERDUES, key).since + grace
        if call is not None and call.state == o.CallState.FAILED:
            until = call.grace_until
        found.append(_Unpaid(member_of(debt.debtor), ident, debt.asset, debt.amount, until))
    for key in draft.indexed(t.CALLS, t.UNMET):
        row = draft.must(t.CALLS, key)
        if row.kind == o.CallKind.IM:
            ident = t.CALLS.parts(key)[0]
            one = _Unpaid(member_of(row.payer), ident, row.asset, row.amount, row.grace_until)
            found.append(one)
    return sorted(found)


# -------------------------------------------------------------------- ending without a default
def cure(draft: Draft, action: CureDefault) -> list[Event]:
    """Pay what the notice names, from the debtors' own accounts; raises a `Rejection`."""
    row = cases.must_be_in(draft, action.case, o.CaseState.NOTICE)
    if row.defaulter != action.member:
        raise r.NotConcerned(f"case {action.case} is about {row.defaulter}")
    events: list[Event] = []
    for ident in row.unpaid:
        debt = draft.get(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
        call = draft.get(t.CALLS, t.CALLS.key(ident))
        if debt is not None and paying.only_others_are_short(draft, ident, debt):
            forgive(draft, ident)  # it could deliver: the exchange waits for somebody else
        elif debt is not None:
            events += paying.pay(draft, ident, debt)
        elif call is not None:
            events += _post(draft, call)
    return [*events, *end_cured(draft)]


def _post(draft: Draft, call: o.MarginCall) -> list[Event]:
    """Bring what the call misses into custody, from the CSA's eligible assets in their order."""
    terms = csa.signed(draft, call.payer, call.receiver)
    assert terms is not None, call
    events = im.collect(draft, terms, call.payer, call.receiver, call.amount)
    settled = calls.met(draft, terms, call.payer, call.receiver)
    if not settled:
        raise r.InsufficientFunds(f"{call.amount} {call.asset} of initial margin are called")
    return [*events, *settled]


def withdraw(draft: Draft, action: WithdrawCase) -> list[Event]:
    """An authority takes a notice that is not of a debt nor the committee's back."""
    checks.text(action.reason)
    check_authority(draft, action.authority)
    row = cases.must_be_in(draft, action.case, o.CaseState.NOTICE)
    if row.trigger not in (o.Trigger.INSOLVENCY, o.Trigger.DIRECTION):
        raise r.NotYourNotice(f"case {action.case} is by {o.Trigger(row.trigger).name}")
    return _ended(draft, action.case, row, cured=False, reason=action.reason)


def withdraw_by_committee(draft: Draft, lei: Lei) -> list[Event]:
    """The committee takes its notice to `lei` back; raises a `Rejection`."""
    found = cases.open_case(draft, lei)
    if found is None:
        raise r.UnknownCase(f"of {lei[:40]}")
    row = cases.must_be_in(draft, found[0], o.CaseState.NOTICE)
    if row.trigger != o.Trigger.COMMITTEE:
        raise r.NotYourNotice(f"case {found[0]} is by {o.Trigger(row.trigger).name}")
    return _ended(draft, found[0], row, cured=False, reason="vote of the committee")


def end_cured(draft: Draft) -> list[Event]:
    """End the notices of debts that are all paid, or not failed by their debtor any more."""
    events: list[Event] = []
    for number, row in cases.in_states(draft, (o.CaseState.NOTICE,)):
        still = any(_is_failed(draft, ident) for ident in row.unpaid)
        if row.trigger == o.Trigger.UNPAID and not still:
            events += _ended(draft, number, row, cured=True, reason="paid")
    return events


def _is_failed(draft: Draft, ident: bytes) -> bool:
    """A call for variation margin has failed with its debt."""
    call = draft.get(t.CALLS, t.CALLS.key(ident))
    unmet = call is not None and call.kind == o.CallKind.IM
    return unmet or draft.row(t.OVERDUES.key(ident)) is not None


def _ended(
    draft: Draft, number: int, row: o.DefaultCase, *, cured: bool, reason: str
) -> list[Event]:
    moved: CaseMoved = cases.move(draft, number, row, o.CaseState.CLOSED, 0, reason)
    return [NoticeEnded(number, row.defaulter, cured), moved]


# -------------------------------------------------------------------- room for the payment
def any_given(draft: Draft) -> bool:
    """Whether a notice runs."""
    return bool(draft.indexed(t.DEFAULT_CASES, o.CaseState.NOTICE))


def count_room(draft: Draft, proposer: bytes) -> None:
    """A block that had room for one more payment counts for every notice given before it."""
    height = draft.must(t.NETWORK, t.network_key()).height
    lei = draft.must(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(proposer)).member
    for number, row in cases.in_states(draft, (o.CaseState.NOTICE,)):
        if row.opened < height:
            heard = tuple(sorted({*row.heard, lei}))
            counted = msgspec.structs.replace(row, room_blocks=row.room_blocks + 1, heard=heard)
            cases.put(draft, number, counted)


def had_room(draft: Draft, row: o.DefaultCase) -> bool:
    """Whether enough blocks had room, by proposers with over a third of the power."""
    needed = cases.rules_of(draft, row).notice_blocks
    powers = {lei: member.power for lei, member in validators.validators(draft)}
    heard = sum(powers.get(lei, 0) for lei in row.heard)
    return row.room_blocks >= needed and 3 * heard > sum(powers.values())
