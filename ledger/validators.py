"""Who validates: power and its changes, and what evidence does to it.

A change decided in block h takes effect at height h + 2: header h + 1 names the next validators.
"""

from typing import Final

import msgspec

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.events import Event, PowerChanged, ValidatorSuspended
from ledger.rulebook import basis
from ledger.state import Draft
from wire.codec import Record
from wire.ids import Lei
from wire.limits import POWER_TOTAL_MAX, VALIDATORS_MAX

TAKES_EFFECT: Final = 2
"""Heights between the block that changes the set and the first that the new set decides."""

FORGET_MAX: Final = 64
"""Expired heights forgotten in one block: bounds the work after a long pause."""


class Accusation(Record, frozen=True):
    """Evidence as the ledger sees it; its signatures have been verified outside."""

    kind: o.OffenceKind
    consensus_key: bytes
    height: int
    round: int
    """At which the validator did it."""
    derived: bytes
    """Of a forged header: the digest of its derived fields; else empty."""


def validators(draft: Draft) -> list[tuple[Lei, o.Member]]:
    """All members with voting power, ascending."""
    keys = draft.indexed(t.MEMBERS, o.Role.VALIDATOR)
    return [(t.MEMBERS.parts(key)[0], draft.must(t.MEMBERS, key)) for key in keys]


def set_power(draft: Draft, lei: Lei, power: int, height: int, clause: o.Clause) -> list[Event]:
    """Give `lei` voting power (0: take it) by block `height`, by the rule named; raises a
    `Rejection`."""
    key = t.MEMBERS.key(lei)
    member = draft.must(t.MEMBERS, key)
    if member.power == power:
        return []
    if member.consensus_key is None:
        raise r.NotAValidatorMember(f"{lei} has no consensus key")
    _require_sound_set(draft, lei, power)
    empower(draft, lei, power, height + TAKES_EFFECT)
    return [PowerChanged(lei, power, height + TAKES_EFFECT, basis(draft, clause))]


def empower(draft: Draft, lei: Lei, power: int, first: int) -> None:
    """Write down that `lei`, who has a consensus key, votes with `power` from height `first` on."""
    key = t.MEMBERS.key(lei)
    member = draft.must(t.MEMBERS, key)
    assert member.consensus_key is not None
    roles: tuple[o.Role, ...] = tuple(role for role in member.roles if role != o.Role.VALIDATOR)
    if power:
        roles = tuple(sorted((*roles, o.Role.VALIDATOR)))
    draft.put(t.MEMBERS, key, msgspec.structs.replace(member, power=power, roles=roles))
    _note_span(draft, lei, member.consensus_key, power > 0, first)


def replace_key(draft: Draft, lei: Lei, new: bytes, seed_link: bytes, height: int) -> None:
    """A validator's votes come from another key, two heights after block `height`."""
    key = t.MEMBERS.key(lei)
    member = draft.must(t.MEMBERS, key)
    draft.put(t.SEEDS, t.SEEDS.key(new), o.SeedLink(seed_link))
    draft.put(t.MEMBERS, key, msgspec.structs.replace(member, consensus_key=new))
    if member.power:
        assert member.consensus_key is not None
        _note_span(draft, lei, member.consensus_key, False, height + TAKES_EFFECT)
        _note_span(draft, lei, new, True, height + TAKES_EFFECT)


def _require_sound_set(draft: Draft, lei: Lei, power: int) -> None:
    powers = {name: row.power for name, row in validators(draft) if name != lei}
    if power:
        powers[lei] = power
    total = sum(powers.values())
    if power < 0 or not powers or len(powers) > VALIDATORS_MAX or total > POWER_TOTAL_MAX:
        raise r.BadPower(f"{len(powers)} validators with a total power of {total}")


def _note_span(draft: Draft, lei: Lei, key: bytes, votes: bool, first: int) -> None:
    """The key votes, or votes no more, from height `first` on."""
    row = draft.get(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(key))
    since = first if row is None else min(row.since, first)
    until = 0 if votes else first
    draft.put(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(key), o.ConsensusKey(lei, since, until))


# -------------------------------------------------------------------- evidence
def check_accusations(draft: Draft, accusations: tuple[Accusation, ...]) -> None:
    """Raise `BlockRefused` unless each piece of evidence is new, in time, and about a validator."""
    seen: set[tuple[bytes, int]] = set()
    for one in accusations:
        fault = fault_of(draft, one)
        place = (one.consensus_key, one.height)
        if fault is None and place in seen:
            fault = "stands twice"
        if fault is not None:
            raise r.BlockRefused(f"evidence about height {one.height} {fault}")
        seen.add(place)


def fault_of(draft: Draft, one: Accusation) -> str | None:
    """Why the next block may not hold this evidence, or None."""
    recent = draft.get(t.RECENT_BLOCKS, t.RECENT_BLOCKS.key(one.height))
    if recent is None:
        return "is too old, or about no decided height"
    row = draft.get(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(one.consensus_key))
    if row is None or one.height < row.since or (row.until and one.height >= row.until):
        return "is about a key that did not vote then"
    if one.round < recent.first_round:
        return "is about a round that a recovery has set aside"
    if draft.get(t.OFFENCES, t.OFFENCES.key(one.consensus_key, one.height)) is not None:
        return "has been acted on"
    if one.kind == o.OffenceKind.FORGED_HEADER and one.derived == recent.derived:
        return "shows a header that is not forged"
    return None


def punish(draft: Draft, accusations: tuple[Accusation, ...], height: int) -> list[Event]:
    """Take the power of every validator that evidence shows to be faulty.

    The last validator keeps its power, or nobody could decide anything: the event tells all.
    """
    events: list[Event] = []
    for one in accusations:
        row = draft.must(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(one.consensus_key))
        offence = o.Offence(row.member, one.kind, height)
        draft.put(t.OFFENCES, t.OFFENCES.key(one.consensus_key, one.height), offence)
        because = basis(draft, o.Clause.EVIDENCE)
        events.append(
            ValidatorSuspended(row.member, one.kind, one.height, one.consensus_key, because)
        )
        if len(validators(draft)) > 1:
            events += set_power(draft, row.member, 0, height, o.Clause.EVIDENCE)
    return events


def remember(draft: Draft, height: int, recent: o.RecentBlock) -> None:
    """Note block `height`, and forget heights that evidence can no longer be brought about.

    Both ages must have passed: a fast chain does not forget sooner, nor does a slow one.
    """
    draft.put(t.RECENT_BLOCKS, t.RECENT_BLOCKS.key(height), recent)
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    network = draft.must(t.NETWORK, t.network_key())
    first = network.recent_from
    for _ in range(FORGET_MAX):
        old = draft.must(t.RECENT_BLOCKS, t.RECENT_BLOCKS.key(first))
        young = recent.time_ms - old.time_ms <= rulebook.evidence_age_ms
        if young or height - first <= rulebook.evidence_age_blocks:
            break
        draft.delete(t.RECENT_BLOCKS.key(first))
        first += 1
    if first != network.recent_from:
        changed = msgspec.structs.replace(network, recent_from=first)
        draft.put(t.NETWORK, t.network_key(), changed)
