"""Checks that several transactions share; each raises the rejection that fits, with its numbers."""

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft
from wire import ids
from wire.limits import AMOUNT_MAX, TEXT_CHARS_MAX


def member(draft: Draft, lei: str) -> o.Member:
    """The member, who must exist, in whatever state."""
    row = draft.get(t.MEMBERS, t.MEMBERS.key(lei))
    if row is None:
        raise r.UnknownMember(f"LEI {lei[:40]}")
    return row


def active_member(draft: Draft, lei: str) -> o.Member:
    """The member, who must be ACTIVE and on the white list: it may enter into new things."""
    return _listed(member_in(draft, lei, o.MemberState.ACTIVE))


def acting_member(draft: Draft, lei: str) -> o.Member:
    """The member, who may start transactions: ACTIVE, or RESIGNING with duties to fulfil."""
    return _listed(member_in(draft, lei, o.MemberState.ACTIVE, o.MemberState.RESIGNING))


def payable_member(draft: Draft, lei: str) -> o.Member:
    """The member, who may be paid: also off the white list, into its blocked account."""
    return member_in(draft, lei, o.MemberState.ACTIVE, o.MemberState.RESIGNING)


def is_blocked(row: o.Member) -> bool:
    """Whether the member is off the white list."""
    return row.kyc is not None and row.kyc.standing == o.Standing.BLOCKED


def member_in(draft: Draft, lei: str, *states: o.MemberState) -> o.Member:
    """The member, who must be in one of `states`, whether on the white list or not."""
    row = member(draft, lei)
    if row.state not in states:
        raise r.MemberNotActive(f"{lei} is {o.MemberState(row.state).name}")
    return row


def _listed(row: o.Member) -> o.Member:
    if is_blocked(row):
        raise r.NotOnWhiteList(row.lei)
    return row


def trading_member(draft: Draft, lei: str) -> o.Member:
    """The member, who must be ACTIVE and may be a party of trades."""
    row = active_member(draft, lei)
    if o.Role.MEMBER not in row.roles:
        raise r.NotATrader(f"{lei} has no member role")
    return row


def trading_party(draft: Draft, party: str) -> None:
    """The party's member is ACTIVE and may trade; a client account must be open."""
    trading_member(draft, ids.member_of(party))
    open_account(draft, party)


def payable_party(draft: Draft, party: str) -> None:
    """The party's member may be paid; a client account must be open."""
    payable_member(draft, ids.member_of(party))
    open_account(draft, party)


def open_account(draft: Draft, party: str) -> None:
    """A house, or a client account that is open; raises `UnknownAccount`."""
    lei, colon, client = party.partition(":")
    if colon and draft.get(t.CLIENTS, t.CLIENTS.key(lei, client)) is None:
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


def is_of_group(draft: Draft, issuer: str | None, party: str) -> bool:
    """Whether the issuer belongs to the group of the party's member, or is its parent."""
    if issuer is None:
        return False
    group = group_of(draft, party)
    row = draft.get(t.MEMBERS, t.MEMBERS.key(issuer))
    return issuer == group or (row is not None and row.group == group)


def not_own_issued(draft: Draft, code: str, *parties: str) -> None:
    """Nobody pays what it owes in a token that its own group issues; raises `OwnIssued`."""
    row = asset(draft, code)
    for party in parties:
        if is_of_group(draft, row.issuer, party):
            raise r.OwnIssued(f"{code} is issued by the group of {party}")


def issuer_has_defaulted(draft: Draft, code: str) -> bool:
    """From the declaration on a defaulter's tokens are worth nothing as margin: what they covered
    is called in the next eligible asset."""
    issuer = draft.get(t.MEMBERS, t.MEMBERS.key(asset(draft, code).issuer))
    return issuer is not None and issuer.state == o.MemberState.DEFAULTED
