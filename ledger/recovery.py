"""Recovery: new validators by the members' signatures, after a third of the power is gone for good.

A network whose quorum is lost stops, and no vote of its own can change that. The members, whose
governance keys are not the validators' keys, say together where the chain stands and who decides
from there on. The next block carries what they signed, so that everybody can check it, for ever.
"""

from typing import Annotated, Final

import msgspec

from ledger import checks, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.events import Event, NetworkRecovered
from ledger.rulebook import basis
from ledger.state import Draft, State
from ledger.transactions import KeySignature
from wire.codec import Record
from wire.errors import BadSignature, Rejection
from wire.ids import Lei
from wire.limits import (
    HEIGHT_MAX,
    POWER_TOTAL_MAX,
    RECOVERY_SIGNATURES_MAX,
    ROUND_MAX,
    VALIDATORS_MAX,
)
from wire.signing import SigningKey, Verified, key_is_acceptable, signed_bytes, verifies

DOMAIN: Final = "dcn/recovery/1"

LINK_BYTES: Final = 32


class RecoveredValidator(Record, frozen=True):
    """Who decides after the recovery, with which key and power."""

    lei: Lei
    consensus_key: bytes
    """The one on the ledger, or a new one that nobody has had."""
    power: int
    seed_link: bytes
    """The last link of its seed chain that the ledger knows, or the end of a new key's chain."""


class Recovery(Record, frozen=True):
    """The chain stands at (height, block_id); from height + 1 on these validators decide."""

    chain_id: str
    height: Annotated[int, msgspec.Meta(ge=0, le=HEIGHT_MAX)]
    """Of the last block that any survivor holds."""
    block_id: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    round: Annotated[int, msgspec.Meta(ge=1, le=ROUND_MAX >> 1)]
    """The first round of height + 1: above every round in which a survivor has signed there."""
    validators: Annotated[
        tuple[RecoveredValidator, ...], msgspec.Meta(min_length=1, max_length=VALIDATORS_MAX)
    ]
    """Sorted by LEI."""
    reason: str


class SignedRecovery(Record, frozen=True):
    """A recovery and who stands behind it."""

    recovery: Recovery
    signatures: Annotated[
        tuple[KeySignature, ...], msgspec.Meta(max_length=RECOVERY_SIGNATURES_MAX)
    ]
    """By governance keys, sorted by key."""


class Support(msgspec.Struct, frozen=True):
    """Who has signed a recovery, of those entitled to: one member, one signature."""

    signed: tuple[Lei, ...]
    missing: tuple[Lei, ...]

    @property
    def enough(self) -> bool:
        """More than two thirds: two recoveries of one height share more than a third of signers,
        who can be named."""
        return 3 * len(self.signed) > 2 * (len(self.signed) + len(self.missing))


def body(recovery: Recovery) -> bytes:
    """The bytes that every signature is made over."""
    return signed_bytes(DOMAIN, recovery.chain_id, recovery)


def signed(signed_: SignedRecovery, *keys: SigningKey) -> SignedRecovery:
    """With the signatures of `keys` added; a key that has signed before signs anew."""
    message = body(signed_.recovery)
    have = {entry.key: entry for entry in signed_.signatures}
    for key in keys:
        have[key.public] = KeySignature(key.public, key.sign(message))
    return SignedRecovery(signed_.recovery, tuple(have[key] for key in sorted(have)))


def verified(signed_: SignedRecovery) -> Verified[SignedRecovery]:
    """With every signature checked; raises `BadSignature`. Whose they are `support` asks."""
    message = body(signed_.recovery)
    for entry in signed_.signatures:
        if not verifies(entry.key, message, entry.signature):
            raise BadSignature(f"of the recovery, key {entry.key.hex()[:16]}")
    return Verified(signed_)


def support(state: State | Draft, signed_: SignedRecovery) -> Support:
    """Who has signed, of the active trading members; raises `BadRecovery` for a signature that is
    none of theirs, or a member's second."""
    draft = Draft(state)
    entitled = _entitled(draft)
    keys = [entry.key for entry in signed_.signatures]
    if keys != sorted(set(keys)):
        raise r.BadRecovery("the signatures are not sorted by key, or one key signs twice")
    have: dict[Lei, bytes] = {}
    for key in keys:
        row = draft.get(t.KEYS, t.KEYS.key(key))
        if row is None or row.retired or row.role != o.KeyRole.GOVERNANCE:
            raise r.BadRecovery(f"key {key.hex()[:16]} is no governance key in use")
        if row.member not in entitled:
            raise r.BadRecovery(f"{row.member} is no active trading member")
        if row.member in have:
            raise r.BadRecovery(f"{row.member} signs twice")
        have[row.member] = key
    missing = tuple(lei for lei in entitled if lei not in have)
    return Support(tuple(lei for lei in entitled if lei in have), missing)


def check(state: State | Draft, signed_: SignedRecovery) -> None:
    """Whether the next block may carry this recovery; raises `BadRecovery`."""
    _enact_checked(Draft(state), signed_)


def check_unsigned(state: State | Draft, recovery: Recovery) -> None:
    """As `check`, whoever has signed."""
    _enact_unsigned(Draft(state), recovery)


def enact(draft: Draft, signed_: SignedRecovery) -> list[Event]:
    """Replace the validator set, at once, by block height + 1; raises `BadRecovery`."""
    _enact_checked(draft, signed_)
    recovery = signed_.recovery
    total = sum(entry.power for entry in recovery.validators)
    leis = tuple(entry.lei for entry in recovery.validators)
    because = basis(draft, o.Clause.RECOVERY)
    return [
        NetworkRecovered(recovery.height, recovery.round, leis, total, recovery.reason, because)
    ]


def _enact_checked(draft: Draft, signed_: SignedRecovery) -> None:
    _enact_unsigned(draft, signed_.recovery)
    found = support(draft, signed_)
    if not found.enough:
        whole = len(found.signed) + len(found.missing)
        raise r.BadRecovery(f"{len(found.signed)} of {whole} members have signed")


def _enact_unsigned(draft: Draft, recovery: Recovery) -> None:
    _check_place(draft, recovery)
    try:
        checks.text(recovery.reason)
        _check_powers(recovery)
        _replace(draft, recovery)
    except r.BadRecovery:
        raise
    except Rejection as refused:
        raise r.BadRecovery(str(refused)) from None


def _check_place(draft: Draft, recovery: Recovery) -> None:
    network = draft.must(t.NETWORK, t.network_key())
    if recovery.chain_id != network.chain_id:
        raise r.BadRecovery(f"is for {recovery.chain_id[:48]}, this is {network.chain_id}")
    if recovery.height != network.height:
        raise r.BadRecovery(f"is of height {recovery.height}, the chain stands at {network.height}")
    last = draft.get(t.RECENT_BLOCKS, t.RECENT_BLOCKS.key(recovery.height))
    if last is not None and last.block_id != recovery.block_id:  # height 0 has no block
        raise r.BadRecovery(
            f"height {recovery.height} has block {last.block_id.hex()[:16]}, "
            f"not {recovery.block_id.hex()[:16]}"
        )


def _check_powers(recovery: Recovery) -> None:
    leis = [entry.lei for entry in recovery.validators]
    total = sum(entry.power for entry in recovery.validators)
    if leis != sorted(set(leis)):
        raise r.BadRecovery("the validators are not sorted by LEI, or one stands twice")
    if min(entry.power for entry in recovery.validators) < 1 or total > POWER_TOTAL_MAX:
        raise r.BadRecovery(f"a power below 1, or a total of {total} too large")


def _replace(draft: Draft, recovery: Recovery) -> None:
    """Old powers go, then new ones come; raises a `Rejection`."""
    first = recovery.height + 1
    named = {entry.lei for entry in recovery.validators}
    for lei, _ in validators.validators(draft):
        if lei not in named:
            validators.empower(draft, lei, 0, first)
    for entry in recovery.validators:
        member = checks.active_member(draft, entry.lei)
        if entry.consensus_key == member.consensus_key:
            seed = draft.must(t.SEEDS, t.SEEDS.key(entry.consensus_key))
            if seed.link != entry.seed_link:
                raise r.BadRecovery(f"the seed link of {entry.lei} is not the ledger's")
        else:
            _replace_key(draft, entry, member, first)
        validators.empower(draft, entry.lei, entry.power, first)


def _replace_key(draft: Draft, entry: RecoveredValidator, member: o.Member, first: int) -> None:
    """A validator whose key is lost votes with one that nobody has had."""
    public = entry.consensus_key
    if len(entry.seed_link) != LINK_BYTES or not key_is_acceptable(public):
        raise r.BadRecovery(f"key or seed link of {entry.lei} is not what it must be")
    if draft.get(t.KEYS, t.KEYS.key(public)) is not None:
        raise r.KeyTaken(f"key {public.hex()[:16]}")
    old = member.consensus_key
    if old is not None:
        validators.empower(draft, entry.lei, 0, first)
        row = draft.must(t.KEYS, t.KEYS.key(old))
        draft.put(t.KEYS, t.KEYS.key(old), msgspec.structs.replace(row, retired=first))
    new = o.SigningKeyRow(entry.lei, o.KeyRole.CONSENSUS, 0, 0)
    draft.put(t.KEYS, t.KEYS.key(public), new)
    draft.put(t.SEEDS, t.SEEDS.key(public), o.SeedLink(entry.seed_link))
    key = t.MEMBERS.key(entry.lei)
    changed = msgspec.structs.replace(draft.must(t.MEMBERS, key), consensus_key=public)
    draft.put(t.MEMBERS, key, changed)


def _entitled(draft: Draft) -> tuple[Lei, ...]:
    """Active trading members, ascending."""
    keys = draft.indexed(t.MEMBERS, o.Role.MEMBER)
    rows = [draft.must(t.MEMBERS, key) for key in keys]
    return tuple(row.lei for row in rows if row.state == o.MemberState.ACTIVE)
