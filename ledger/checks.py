"""Checks that several transactions share; each raises the rejection that fits, with its numbers."""

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft
from wire import ids
from wire.limits import AMOUNT_MAX, TEXT_CHARS_MAX


def active_member(draft: Draft, lei: str) -> o.Member:
    """The member, who must exist and be ACTIVE."""
    member = draft.get(t.MEMBERS, t.MEMBERS.key(lei))
    if member is None:
        raise r.UnknownMember(f"LEI {lei[:40]}")
    if member.state != o.MemberState.ACTIVE:
        raise r.MemberNotActive(f"{lei} is {o.MemberState(member.state).name}")
    return member


def trading_member(draft: Draft, lei: str) -> o.Member:
    """The member, who must be ACTIVE and may be a party of trades."""
    member = active_member(draft, lei)
    if o.Role.MEMBER not in member.roles:
        raise r.NotATrader(f"{lei} has no member role")
    return member


def trading_party(draft: Draft, party: str) -> None:
    """The party's member is ACTIVE and may trade; a client account must be open."""
    trading_member(draft, ids.member_of(party))
    if ids.client_of(party):
        raise r.UnknownAccount(f"client account {party[:40]}")


def group_of(draft: Draft, party: str) -> ids.Lei:
    """The ultimate parent of a party's member, which must exist."""
    return draft.must(t.MEMBERS, t.MEMBERS.key(ids.member_of(party))).group


def asset(draft: Draft, code: str) -> o.Asset:
    """The asset, which must exist."""
    row = draft.get(t.ASSETS, t.ASSETS.key(code))
    if row is None:
        raise r.UnknownAsset(f"asset {code[:40]}")
    return row


def amount(number: int) -> None:
    """A positive amount inside the limits."""
    if not 0 < number <= AMOUNT_MAX:
        raise r.BadAmount(f"is {number}, must be 1 to {AMOUNT_MAX}")


def text(value: str) -> None:
    """A free text inside its limit."""
    if len(value) > TEXT_CHARS_MAX:
        raise r.TextTooLong(f"has {len(value)} characters, at most {TEXT_CHARS_MAX} allowed")
