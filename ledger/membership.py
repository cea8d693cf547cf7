"""Who is a member, from application to exit, and the keys a member acts with."""

import msgspec

from ledger import checks, criteria, sets, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import ApplyMembership, RotateKey, StandDown
from ledger.events import (
    Event,
    GroupChanged,
    KeyRotated,
    MemberApplied,
    MemberChanged,
    RolesChanged,
)
from ledger.kyc import UNATTESTED
from ledger.recovered import NEVER
from ledger.rulebook import basis
from ledger.state import Draft
from wire import ids
from wire.ids import Lei
from wire.limits import AMOUNT_MAX
from wire.signing import key_is_acceptable

HASH_BYTES = 32


def apply(draft: Draft, action: ApplyMembership) -> list[Event]:
    """Note an application; a vote decides on it (`admit`). Raises a `Rejection`.

    Who has left may come back, with new keys; what it was attested before has gone with it.
    """
    before = draft.get(t.MEMBERS, t.MEMBERS.key(action.lei))
    if before is not None and before.state != o.MemberState.EXITED:
        raise r.MemberExists(f"LEI {action.lei}")
    _check_application(action)
    held = {entry.role: entry.public_key for entry in action.keys}
    for entry in action.keys:
        _register(draft, action.lei, entry.role, entry.public_key)
    consensus = held.get(o.KeyRole.CONSENSUS)
    if consensus is not None:
        draft.put(t.SEEDS, t.SEEDS.key(consensus), o.SeedLink(action.seed_link))
    row = o.Member(
        lei=action.lei,
        name=action.name,
        group=action.group,
        roles=action.roles,
        state=o.MemberState.APPLIED,
        peer_key=held.get(o.KeyRole.PEER),
        consensus_key=consensus,
        power=0,
        kyc=UNATTESTED,
        capital=None,
        contribution=action.contribution,
        leaves_from=0,
    )
    draft.put(t.MEMBERS, t.MEMBERS.key(action.lei), row)
    return [MemberApplied(action.lei)]


def _check_application(action: ApplyMembership) -> None:
    ids.lei(action.lei)
    ids.lei(action.group)
    checks.text(action.name)
    if not 0 <= action.contribution <= AMOUNT_MAX:
        raise r.BadAmount(f"contribution is {action.contribution}, must be 0 to {AMOUNT_MAX}")
    roles = [entry.role for entry in action.keys]
    seed = HASH_BYTES if o.KeyRole.CONSENSUS in roles else 0
    wanted = list(action.roles)
    if (
        wanted != sorted(set(wanted))
        or o.Role.VALIDATOR in wanted
        or not wanted
        or roles != sorted(set(roles))
        or o.KeyRole.GOVERNANCE not in roles
        or len(action.seed_link) != seed
    ):
        raise r.BadApplication(
            f"roles {[int(role) for role in wanted]}, keys for {[int(role) for role in roles]}, "
            f"seed chain of {len(action.seed_link)} bytes"
        )


def rotate_key(draft: Draft, action: RotateKey, height: int) -> list[Event]:
    """Put a new key in the place of the old one; raises a `Rejection`."""
    member = checks.acting_member(draft, action.member)
    seed = HASH_BYTES if action.role == o.KeyRole.CONSENSUS else 0
    if len(action.seed_link) != seed:
        raise r.BadApplication(f"seed chain of {len(action.seed_link)} bytes, {seed} expected")
    if action.old:
        row = draft.get(t.KEYS, t.KEYS.key(action.old))
        if row is None or (row.member, row.role, row.retired) != (action.member, action.role, 0):
            raise r.NotYourKey(f"key {action.old.hex()[:16]}")
    elif _keys_of(draft, action.member, action.role):
        raise r.NotYourKey("the member has a key of this role, and names none")
    im_from = _im_from(draft, action.member, action.old)
    _register(draft, action.member, action.role, action.new, im_from)
    if action.old:
        _retire(draft, action.old, height)
    if action.role == o.KeyRole.CONSENSUS:
        validators.replace_key(draft, action.member, action.new, action.seed_link, height)
    elif action.role == o.KeyRole.PEER:
        changed = msgspec.structs.replace(member, peer_key=action.new)
        draft.put(t.MEMBERS, t.MEMBERS.key(action.member), changed)
    return [KeyRotated(action.member, action.role, action.new)]


def stand_down(draft: Draft, action: StandDown, height: int) -> list[Event]:
    """The validator leaves the set; raises a `Rejection`."""
    if not checks.active_member(draft, action.member).power:
        raise r.NotAValidatorMember(f"{action.member} has no power")
    return validators.set_power(draft, action.member, 0, height, o.Clause.RESIGNATION)


# -------------------------------------------------------------------- what votes decide
def admit(
    draft: Draft, lei: Lei, power: int, height: int, clause: o.Clause = o.Clause.VOTE
) -> list[Event]:
    """An applicant that fulfils the criteria becomes active; raises a `Rejection`."""
    criteria.check(draft, _in_state(draft, lei, o.MemberState.APPLIED))
    return _activated(draft, lei, power, height, clause)


def reinstate(draft: Draft, lei: Lei, power: int, height: int) -> list[Event]:
    """A suspended member becomes active again; raises a `Rejection`."""
    _in_state(draft, lei, o.MemberState.SUSPENDED)
    return _activated(draft, lei, power, height, o.Clause.VOTE)


def suspend(draft: Draft, lei: Lei, height: int) -> list[Event]:
    """An active member may act no more, nor vote; raises a `Rejection`."""
    _in_state(draft, lei, o.MemberState.ACTIVE)
    events = validators.set_power(draft, lei, 0, height, o.Clause.VOTE)
    return [*events, moved(draft, lei, o.MemberState.SUSPENDED, o.Clause.VOTE)]


def recover_key(draft: Draft, body: o.RecoverKey, height: int) -> list[Event]:
    """All keys of one role give way to a new one; raises a `Rejection`.

    A consensus key is not recovered: it would need a new seed chain, which RotateKey brings.
    """
    member = checks.member(draft, body.lei)
    if body.role == o.KeyRole.CONSENSUS:
        raise r.BadApplication("a consensus key is replaced by RotateKey")
    lost = _keys_of(draft, body.lei, body.role)
    wait = draft.must(t.RULEBOOK, t.rulebook_key()).membership.recovered_key_blocks
    _register(draft, body.lei, body.role, body.public_key, height + wait)
    for old in lost:
        _retire(draft, old, height)
    if body.role == o.KeyRole.PEER:
        changed = msgspec.structs.replace(member, peer_key=body.public_key)
        draft.put(t.MEMBERS, t.MEMBERS.key(body.lei), changed)
    return [KeyRotated(body.lei, body.role, body.public_key)]


def set_roles(draft: Draft, body: o.SetRoles) -> list[Event]:
    """What a member is, but for VALIDATOR; raises a `Rejection`."""
    member = checks.member_in(draft, body.lei, o.MemberState.ACTIVE)
    wanted = list(body.roles)
    if wanted != sorted({*wanted}) or not wanted or o.Role.VALIDATOR in wanted:
        raise r.BadApplication(f"roles {[int(role) for role in wanted]}")
    gone = {*member.roles} - {*wanted}
    issues = [draft.must(t.ASSETS, key).issuer for key in draft.indexed(t.ASSETS, 0)]
    if o.Role.ISSUER in gone and body.lei in issues:
        raise r.BadApplication(f"{body.lei} issues assets, and stays an ISSUER")
    if o.Role.MEMBER in gone and sets.open_of(draft, body.lei):
        raise r.BadApplication(f"{body.lei} has contracts, and stays a MEMBER")
    if member.power:
        wanted = sorted([*wanted, o.Role.VALIDATOR])
    changed = msgspec.structs.replace(member, roles=tuple(wanted))
    draft.put(t.MEMBERS, t.MEMBERS.key(body.lei), changed)
    return [RolesChanged(body.lei, changed.roles, basis(draft, o.Clause.VOTE))]


def set_group(draft: Draft, body: o.SetGroup) -> list[Event]:
    """A member has another ultimate parent; raises a `Rejection`."""
    ids.lei(body.group)
    member = checks.member(draft, body.lei)
    changed = msgspec.structs.replace(member, group=body.group)
    draft.put(t.MEMBERS, t.MEMBERS.key(body.lei), changed)
    return [GroupChanged(body.lei, body.group, basis(draft, o.Clause.VOTE))]


def _activated(draft: Draft, lei: Lei, power: int, height: int, clause: o.Clause) -> list[Event]:
    changed = moved(draft, lei, o.MemberState.ACTIVE, clause)
    return [changed, *validators.set_power(draft, lei, power, height, clause)]


def _in_state(draft: Draft, lei: Lei, state: o.MemberState) -> o.Member:
    member = checks.member(draft, lei)
    if member.state != state:
        raise r.WrongMemberState(f"{lei} is {o.MemberState(member.state).name}")
    return member


def moved(draft: Draft, lei: Lei, state: o.MemberState, clause: o.Clause) -> MemberChanged:
    """The member is in another state, by the rule named."""
    key = t.MEMBERS.key(lei)
    member = draft.must(t.MEMBERS, key)
    draft.put(t.MEMBERS, key, msgspec.structs.replace(member, state=state))
    return MemberChanged(lei, state, basis(draft, clause))


# -------------------------------------------------------------------- keys
def _keys_of(draft: Draft, lei: Lei, role: o.KeyRole) -> list[bytes]:
    """The member's keys of a role that are in use."""
    keys = draft.indexed(t.KEYS, role)
    return [t.KEYS.parts(key)[0] for key in keys if draft.must(t.KEYS, key).member == lei]


def _im_from(draft: Draft, lei: Lei, old: bytes) -> int:
    """From when a key that a member brings signs for initial margin: not before those that can
    bring it, nor before the one in whose place it is. Keys of other roles have no part in it."""
    keys = [*_keys_of(draft, lei, o.KeyRole.GOVERNANCE), *((old,) if old else ())]
    found = [draft.must(t.KEYS, t.KEYS.key(key)).im_from for key in keys]
    return NEVER if NEVER in found else max(found, default=0)


def _register(draft: Draft, lei: Lei, role: o.KeyRole, public_key: bytes, im_from: int = 0) -> None:
    """Give a member a key that nobody has had, nor will have."""
    if role == o.KeyRole.BOOTSTRAP:
        raise r.BadApplication("no member has the bootstrap key")
    if len(public_key) != HASH_BYTES or not key_is_acceptable(public_key):
        raise r.BadApplication(f"key {public_key.hex()[:16]} is no acceptable Ed25519 key")
    if draft.get(t.KEYS, t.KEYS.key(public_key)) is not None:
        raise r.KeyTaken(f"key {public_key.hex()[:16]}")
    draft.put(t.KEYS, t.KEYS.key(public_key), o.SigningKeyRow(lei, role, 0, im_from))


def _retire(draft: Draft, public_key: bytes, height: int) -> None:
    """The key signs nothing any more, and can never be anybody else's."""
    key = t.KEYS.key(public_key)
    draft.put(t.KEYS, key, msgspec.structs.replace(draft.must(t.KEYS, key), retired=height))


def retire_all_keys(draft: Draft, lei: Lei, height: int) -> None:
    """The member signs nothing any more."""
    for role in o.KeyRole:
        for public_key in _keys_of(draft, lei, role):
            _retire(draft, public_key, height)
