"""The white list: who vouches for a member, until when, and what happens when nobody does.

Two attestors of two groups, or the authority alone, block a member; so does an attestation that
has expired, past its cure window. A blocked member starts no transaction and trades no more; it is
paid into its blocked account, and what it owes goes on settling, so that none of this is a default.
Renewed, it gets what it was paid meanwhile. Power and votes are no attestors' business: a blocked
validator validates on, and its vote, which it cannot cast, stays in the denominator.
"""

from typing import Final

import msgspec

from ledger import cash, checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import AttestCapital, AttestKyc, RevokeKyc
from ledger.events import (
    BalanceReleased,
    CapitalAttested,
    Event,
    KycAttested,
    KycRevoked,
    StandingChanged,
)
from ledger.rulebook import basis
from ledger.state import Draft
from wire import ids
from wire.ids import Date, Lei
from wire.limits import AMOUNT_MAX

FILE_HASH_BYTES: Final = 32

ATTESTORS_TO_BLOCK: Final = 2
"""Of different groups: one alone can be mistaken, or have an interest."""

UNATTESTED: Final = o.Kyc(None, b"", None, o.Standing.LISTED, 0, ())
"""Of a member that nobody has attested yet."""


def attest(draft: Draft, action: AttestKyc) -> list[Event]:
    """Vouch for a member, and withdraw what objections are the attestor's to withdraw."""
    member = _subject(draft, action.attestor, action.member, action.file_hash)
    ids.date(action.expires)
    today = draft.must(t.NETWORK, t.network_key()).business_date
    if today is not None and action.expires < today:
        raise r.BadAttestation(f"expires on {action.expires}, open is {today}")
    before = member.kyc or UNATTESTED
    authority = _is_authority(draft, action.attestor)
    if not authority:
        _refuse_to_shorten(member, before, action.expires)
    objections = tuple(
        lei for lei in before.objections if not (authority or lei == action.attestor)
    )
    kyc = o.Kyc(action.attestor, action.file_hash, action.expires, o.Standing.LISTED, 0, objections)
    events: list[Event] = [KycAttested(action.member, action.attestor, action.expires)]
    return events + _now(draft, member, kyc)


def revoke(draft: Draft, action: RevokeKyc) -> list[Event]:
    """Object to a member; raises a `Rejection`."""
    member = _subject(draft, action.attestor, action.member, action.file_hash)
    before = member.kyc or UNATTESTED
    if action.attestor in before.objections:
        raise r.BadAttestation(f"{action.attestor} has revoked already")
    objections = tuple(sorted((*before.objections, action.attestor)))
    kyc = msgspec.structs.replace(before, objections=objections)
    return [KycRevoked(action.member, action.attestor), *_now(draft, member, kyc)]


def attest_capital(draft: Draft, action: AttestCapital) -> list[Event]:
    """Note a member's capital; raises a `Rejection`."""
    member = _subject(draft, action.attestor, action.member, action.file_hash)
    ids.date(action.as_of)
    if not 0 <= action.amount <= AMOUNT_MAX:
        raise r.BadAmount(f"is {action.amount}, must be 0 to {AMOUNT_MAX}")
    found = o.Capital(action.attestor, action.amount, action.file_hash, action.as_of)
    changed = msgspec.structs.replace(member, capital=found)
    draft.put(t.MEMBERS, t.MEMBERS.key(action.member), changed)
    return [CapitalAttested(action.member, action.attestor, action.amount)]


def date_closed(draft: Draft, date: Date) -> list[Event]:
    """Attestations that were good until `date` have expired; cure windows are a date shorter."""
    cure = draft.must(t.RULEBOOK, t.rulebook_key()).membership.kyc_cure_dates
    events: list[Event] = []
    for key in draft.indexed(t.MEMBERS, t.ATTESTED):
        member = draft.must(t.MEMBERS, key)
        kyc = member.kyc
        assert kyc is not None
        if kyc.standing == o.Standing.LISTED and kyc.expires is not None and kyc.expires <= date:
            left = cure
        elif kyc.standing == o.Standing.CURING:
            left = kyc.cure_left - 1
        else:
            continue
        standing = o.Standing.CURING if left else o.Standing.BLOCKED
        changed = msgspec.structs.replace(kyc, standing=standing, cure_left=left)
        events += _now(draft, member, changed)
    return events


def _subject(draft: Draft, attestor: Lei, lei: Lei, file_hash: bytes) -> o.Member:
    """Who is attested, by somebody who may; raises a `Rejection`."""
    by = checks.active_member(draft, attestor)
    if o.Role.ATTESTOR not in by.roles and o.Role.REGULATOR not in by.roles:
        raise r.NotAnAttestor(f"{attestor} has neither role")
    member = checks.member(draft, lei)
    if member.group == by.group:
        raise r.NotAnAttestor(f"{attestor} and {lei} are of one group")
    if member.state == o.MemberState.EXITED:
        raise r.WrongMemberState(f"{lei} is EXITED")
    if len(file_hash) != FILE_HASH_BYTES:
        raise r.BadAttestation(f"a file hash of {len(file_hash)} bytes")
    return member


def _refuse_to_shorten(member: o.Member, before: o.Kyc, expires: Date) -> None:
    """One attestor alone must not end an attestation, so it may not shorten one either."""
    in_force = before.standing != o.Standing.BLOCKED and member.state != o.MemberState.APPLIED
    if in_force and (before.expires is None or expires < before.expires):
        until = before.expires or "for ever (a founder)"
        raise r.BadAttestation(f"expires on {expires}, in force is {until}")


def _is_authority(draft: Draft, lei: Lei) -> bool:
    return o.Role.REGULATOR in draft.must(t.MEMBERS, t.MEMBERS.key(lei)).roles


def _now(draft: Draft, member: o.Member, kyc: o.Kyc) -> list[Event]:
    """Write the attestation down, with the standing that objections leave, and what follows."""
    if _is_objected_to(draft, kyc.objections):
        kyc = msgspec.structs.replace(kyc, standing=o.Standing.BLOCKED, cure_left=0)
    before = (member.kyc or UNATTESTED).standing
    changed = msgspec.structs.replace(member, kyc=kyc)
    draft.put(t.MEMBERS, t.MEMBERS.key(member.lei), changed)
    if kyc.standing == before:
        return []
    because = basis(draft, o.Clause.WHITE_LIST)
    events: list[Event] = [StandingChanged(member.lei, kyc.standing, because)]
    if before == o.Standing.BLOCKED:
        events += _release(draft, member.lei)
    return events


def _is_objected_to(draft: Draft, objections: tuple[Lei, ...]) -> bool:
    groups = {draft.must(t.MEMBERS, t.MEMBERS.key(lei)).group for lei in objections}
    authority = any(_is_authority(draft, lei) for lei in objections)
    return authority or len(groups) >= ATTESTORS_TO_BLOCK


def _release(draft: Draft, lei: Lei) -> list[Event]:
    events: list[Event] = []
    for key in draft.indexed(t.ASSETS, 0):
        asset = t.ASSETS.parts(key)[0]
        blocked = t.blocked_account(lei, asset)
        amount = cash.free(draft, blocked)
        if amount:
            cash.move(draft, blocked, t.own_account(lei, asset), amount)
            events.append(BalanceReleased(lei, asset, amount))
    return events
