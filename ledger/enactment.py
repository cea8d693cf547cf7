"""What each kind of proposal does, once a vote (or the bootstrap key) has decided it."""

from collections.abc import Callable
from typing import Any, Final

from ledger import checks, listing, mandates, membership, rulebook, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.default import notices
from ledger.events import Event, RulebookAmended
from ledger.state import Draft


def kind_of(body: o.ProposalBody) -> o.ProposalKind:
    """Which voting rule a body is decided by."""
    tag = body.__struct_config__.tag
    assert isinstance(tag, int)
    return o.ProposalKind(tag)


def _amend(draft: Draft, amended: o.Rulebook, height: int) -> list[Event]:
    current = draft.must(t.RULEBOOK, t.rulebook_key())
    if amended.version != current.version + 1:
        raise r.BadRulebook(f"version {amended.version}, in force is {current.version}")
    if (amended.service, amended.currency) != (current.service, current.currency):
        raise r.BadRulebook("service and currency stay what they are")
    digest = rulebook.put_in_force(draft, amended, height)
    return [RulebookAmended(amended.version, digest)]


def _set_power(draft: Draft, body: o.SetPower, height: int, clause: o.Clause) -> list[Event]:
    checks.member_in(draft, body.lei, o.MemberState.ACTIVE)
    return validators.set_power(draft, body.lei, body.power, height, clause)


Enacts = Callable[[Draft, Any, int, o.Clause], list[Event]]
"""Draft, body, height of the block, the rule that decided -> what happened."""

ENACTS: Final[dict[type[o.ProposalBody], Enacts]] = {
    o.AdmitMember: lambda draft, body, height, clause: membership.admit(
        draft, body.lei, body.power, height, clause
    ),
    o.SetPower: _set_power,
    o.SuspendMember: lambda draft, body, height, _: membership.suspend(draft, body.lei, height),
    o.ReinstateMember: lambda draft, body, height, _: membership.reinstate(
        draft, body.lei, body.power, height
    ),
    o.RecoverKey: lambda draft, body, height, _: membership.recover_key(draft, body, height),
    o.AmendRulebook: lambda draft, body, height, _: _amend(draft, body.rulebook, height),
    o.ListAsset: lambda draft, body, _, __: listing.add_asset(draft, body.asset),
    o.ListFeed: lambda draft, body, _, __: listing.add_feed(draft, body.feed),
    o.ListInstrument: lambda draft, body, _, __: listing.add_instrument(draft, body.instrument),
    o.ExtendCalendar: lambda draft, body, _, __: listing.extend_calendar(draft, body.dates),
    o.NoteDefault: lambda draft, body, height, _: notices.open_case(
        draft, body.lei, o.Trigger.COMMITTEE, "vote of the committee", height
    ),
    o.WithdrawNotice: lambda draft, body, _, __: notices.withdraw_by_committee(draft, body.lei),
    o.GrantMandate: lambda draft, body, _, __: mandates.grant(draft, body.mandate),
    o.RevokeMandate: lambda draft, body, _, __: mandates.revoke(
        draft, body.authority, body.reference
    ),
    o.SetRoles: lambda draft, body, _, __: membership.set_roles(draft, body),
    o.SetGroup: lambda draft, body, _, __: membership.set_group(draft, body),
}


def enact(draft: Draft, body: o.ProposalBody, height: int, clause: o.Clause) -> list[Event]:
    """What `body` does, in block `height`, by the rule named; raises a `Rejection`."""
    return ENACTS[type(body)](draft, body, height, clause)
