"""Mandates of authorities, and the accountability for looks under them.

A look by a person at a member's data is a record: its hash reaches the ledger at once, its content
when the embargo of the mandate is over. Nothing here bars anybody from looking: the store of every
node holds all terms in clear. It makes a look that was not meant to be known a lie on record.
"""

from typing import Final

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CommitLooks, DiscloseLooks
from ledger.events import (
    Event,
    LookDisclosed,
    LookOverdue,
    LooksCommitted,
    MandateGranted,
    MandateRevoked,
)
from ledger.rulebook import basis
from ledger.state import Draft
from wire import ids
from wire.codec import Digest, encode, sha256
from wire.errors import BadIdentifier
from wire.ids import Lei
from wire.limits import VALID_UNTIL_HEIGHTS_MAX

LOOKS_MAX: Final = 100
"""Of one transaction."""

HASH_BYTES: Final = 32


def digest_of(look: o.Look) -> Digest:
    """What an authority commits to."""
    return sha256(encode(("dcn/look/1", look)))


# -------------------------------------------------------------------- mandates
def grant(draft: Draft, mandate: o.Mandate) -> list[Event]:
    """Put a mandate in force, or in the place of the one with its reference; raises a
    `Rejection`."""
    fault = _fault_of(draft, mandate)
    if fault is not None:
        raise r.BadMandate(fault)
    draft.put(t.MANDATES, t.MANDATES.key(mandate.authority, mandate.reference), mandate)
    because = basis(draft, o.Clause.VOTE)
    return [MandateGranted(mandate.authority, mandate.reference, because)]


def _fault_of(draft: Draft, mandate: o.Mandate) -> str | None:
    checks.text(mandate.reference)
    checks.text(mandate.basis)
    try:
        ids.date(mandate.first_date)
        ids.date(mandate.last_date)
    except BadIdentifier as bad:
        return bad.detail
    if o.Role.REGULATOR not in checks.active_member(draft, mandate.authority).roles:
        return f"{mandate.authority} is no supervisor"
    if not mandate.reference.strip() or not mandate.basis.strip():
        return "it needs a reference and a basis"
    if list(mandate.products) != sorted(set(mandate.products)):
        return "products ascend, each once"
    if list(mandate.members) != sorted(set(mandate.members)):
        return "members ascend, each once"
    for lei in mandate.members:
        checks.member(draft, lei)
    if mandate.first_date > mandate.last_date:
        return f"{mandate.first_date} to {mandate.last_date}"
    if not 0 <= mandate.embargo_blocks <= VALID_UNTIL_HEIGHTS_MAX:
        return f"an embargo of {mandate.embargo_blocks} blocks"
    if not 1 <= mandate.disclosure_blocks <= VALID_UNTIL_HEIGHTS_MAX:
        return f"{mandate.disclosure_blocks} blocks to disclose in"
    return None


def revoke(draft: Draft, authority: Lei, reference: str) -> list[Event]:
    """End a mandate; raises `UnknownMandate`."""
    _mandate(draft, authority, reference)
    draft.delete(t.MANDATES.key(authority, reference))
    return [MandateRevoked(authority, reference, basis(draft, o.Clause.VOTE))]


def _mandate(draft: Draft, authority: Lei, reference: str) -> o.Mandate:
    found = draft.get(t.MANDATES, t.MANDATES.key(authority, reference))
    if found is None:
        raise r.UnknownMandate(f"{reference[:40]} of {authority[:40]}")
    return found


# -------------------------------------------------------------------- looks
def commit(draft: Draft, action: CommitLooks, height: int) -> list[Event]:
    """Put hashes of looks on record; raises a `Rejection`."""
    mandate = _mandate(draft, action.authority, action.mandate)
    digests = action.digests
    if not 1 <= len(digests) <= LOOKS_MAX or list(digests) != sorted(set(digests)):
        raise r.BadLook(f"{len(digests)} hashes, 1 to {LOOKS_MAX} allowed, ascending, each once")
    embargo = 0 if action.routine else mandate.embargo_blocks
    due = height + embargo + mandate.disclosure_blocks
    row = o.CommittedLook(action.mandate, action.routine, height, due, overdue=False)
    for digest in digests:
        key = t.LOOKS.key(action.authority, digest)
        if len(digest) != HASH_BYTES or draft.get(t.LOOKS, key) is not None:
            raise r.BadLook(f"hash {digest.hex()[:16]}")
        draft.put(t.LOOKS, key, row)
    return [LooksCommitted(action.authority, action.mandate, action.routine, digests, due)]


def disclose(draft: Draft, action: DiscloseLooks) -> list[Event]:
    """Say what was looked at; raises a `Rejection`."""
    if not 1 <= len(action.looks) <= LOOKS_MAX:
        raise r.BadLook(f"{len(action.looks)} looks, 1 to {LOOKS_MAX} allowed")
    events: list[Event] = []
    for look in action.looks:
        for text in (look.person, look.what, look.purpose):
            checks.text(text)
        checks.member(draft, look.member)
        key = t.LOOKS.key(action.authority, digest_of(look))
        row = draft.get(t.LOOKS, key)
        if look.authority != action.authority or row is None or row.mandate != look.mandate:
            raise r.BadLook(f"at {look.member} of height {look.height}: not committed to")
        draft.delete(key)
        events.append(LookDisclosed(look))
    return events


def due(draft: Draft, height: int) -> list[Event]:
    """Looks that should have been disclosed by now stay on record as overdue until they are."""
    events: list[Event] = []
    for key in draft.indexed(t.LOOKS, height - 1):
        authority, digest = t.LOOKS.parts(key)
        row = draft.must(t.LOOKS, key)
        late = o.CommittedLook(row.mandate, row.routine, row.height, row.due, overdue=True)
        draft.put(t.LOOKS, key, late)
        events.append(LookOverdue(authority, digest, row.height))
    return events
