"""What the ledger asks of a recovery, and what one changes: at once, and nothing else."""

from collections.abc import Sequence

import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.apply import Block, apply_block
from ledger.events import NetworkRecovered
from ledger.genesis import genesis_state
from ledger.recovery import (
    RecoveredValidator,
    Recovery,
    SignedRecovery,
    check,
    signed,
    support,
    verified,
)
from ledger.rejections import BadRecovery, BlockRefused
from ledger.state import Draft, State
from ledger.transactions import KeySignature
from ledger.validators import Accusation, fault_of
from node.core.chain import validators_of
from node.core.seedchain import SeedChain
from node.founding import Founded, Identity
from tests.simulation.test_networks import founded
from wire import ids
from wire.codec import decode, encode
from wire.errors import BadSignature, MalformedBytes
from wire.limits import BLOCK_BYTES_MAX, POWER_TOTAL_MAX
from wire.signing import SigningKey

LINKS = 8
NEW = SigningKey(b"new".ljust(32, b"."))
NEW_CHAIN = SeedChain(b"seed".ljust(32, b"."), LINKS)


@pytest.fixture(scope="module")
def world() -> Founded:
    return founded(7, 1)


@pytest.fixture(scope="module")
def state(world: Founded) -> State:
    return genesis_state(world.genesis)


def entry(state: State, who: Identity, power: int = 1) -> RecoveredValidator:
    member = state.must(t.MEMBERS, t.MEMBERS.key(who.lei))
    assert member.consensus_key is not None
    link = state.must(t.SEEDS, t.SEEDS.key(member.consensus_key)).link
    return RecoveredValidator(who.lei, member.consensus_key, power, link)


def recovery(state: State, world: Founded, whom: Sequence[int] = (3, 4, 5, 6)) -> Recovery:
    entries = tuple(entry(state, world.members[n], 10) for n in whom)
    chain_id = world.genesis.chain_id
    return Recovery(chain_id, 0, bytes(32), 9, entries, "the data centre burnt down")


def by(world: Founded, said: Recovery, signers: Sequence[int] = range(5)) -> SignedRecovery:
    keys = [world.members[n].key("governance") for n in signers]
    return signed(SignedRecovery(said, ()), *keys)


def changed(said: Recovery, **fields: object) -> Recovery:
    return msgspec.structs.replace(said, **fields)


def first_block(world: Founded, state: State, carried: SignedRecovery, by_: int = 3) -> Block:
    who = world.members[by_]
    key = who.key("consensus").public
    link = SeedChain(who.seed_chain, 1 << 12).next_link(state.must(t.SEEDS, t.SEEDS.key(key)).link)
    recent = o.RecentBlock(b"\x01" * 32, bytes(32), 10, carried.recovery.round)
    return Block(1, world.genesis.time_ms, key, link, (), (), (), recent, (), carried)


def test_a_block_replaces_the_validators_at_once(world: Founded, state: State) -> None:
    carried = by(world, recovery(state, world))
    applied = apply_block(state, first_block(world, state, carried))
    after = validators_of(applied.state)
    assert len(after) == 4
    assert after.total == 40
    leis = tuple(who.lei for who in world.members[3:])
    because = o.Basis(o.Clause.RECOVERY, 1)
    told = NetworkRecovered(0, 9, leis, 40, "the data centre burnt down", because)
    assert applied.events == (told,)
    lost = applied.state.must(t.MEMBERS, t.MEMBERS.key(world.members[0].lei))
    assert (lost.power, lost.state) == (0, o.MemberState.ACTIVE)
    assert o.Role.VALIDATOR not in lost.roles
    span = applied.state.must(
        t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(world.members[0].key("consensus").public)
    )
    assert span.until == 1


def test_more_than_two_thirds_of_the_members_are_needed(world: Founded, state: State) -> None:
    said = recovery(state, world)
    check(state, by(world, said, range(5)))
    for signers in (range(4), range(0)):
        with pytest.raises(BadRecovery, match=f"{len(signers)} of 7"):
            check(state, by(world, said, signers))
    assert len(support(state, by(world, said, range(4))).missing) == 3


def test_exactly_two_thirds_are_too_few() -> None:
    six = founded(6)
    state = genesis_state(six.genesis)
    said = recovery(state, six, (2, 3, 4, 5))
    with pytest.raises(BadRecovery, match="4 of 6"):
        check(state, by(six, said, range(4)))
    check(state, by(six, said, range(5)))


@pytest.mark.parametrize("purpose", ["trade", "treasury", "consensus", "peer"])
def test_only_governance_keys_count(world: Founded, state: State, purpose: str) -> None:
    said = recovery(state, world)
    with pytest.raises(BadRecovery, match="no governance key"):
        check(state, signed(by(world, said), world.members[6].key(purpose)))


def test_a_stranger_signs_nothing(world: Founded, state: State) -> None:
    with pytest.raises(BadRecovery, match="no governance key"):
        check(state, signed(by(world, recovery(state, world)), NEW))


def test_members_that_are_gone_or_suspended_do_not_sign_nor_count(
    world: Founded, state: State
) -> None:
    draft = Draft(state)
    for who in world.members[:3]:
        key = t.MEMBERS.key(who.lei)
        row = draft.must(t.MEMBERS, key)
        draft.put(t.MEMBERS, key, msgspec.structs.replace(row, state=o.MemberState.SUSPENDED))
    said = recovery(state, world)
    check(draft, by(world, said, (3, 4, 5)))
    with pytest.raises(BadRecovery, match="no active trading member"):
        check(draft, by(world, said, (2, 3, 4, 5)))


def test_a_key_that_was_replaced_signs_no_more(world: Founded, state: State) -> None:
    draft = Draft(state)
    key = t.KEYS.key(world.members[0].key("governance").public)
    draft.put(t.KEYS, key, msgspec.structs.replace(draft.must(t.KEYS, key), retired=3))
    with pytest.raises(BadRecovery, match="no governance key in use"):
        check(draft, by(world, recovery(state, world)))


def test_one_member_has_one_signature_whatever_keys_it_has(world: Founded, state: State) -> None:
    draft = Draft(state)
    row = o.SigningKeyRow(world.members[0].lei, o.KeyRole.GOVERNANCE, 0, 0)
    draft.put(t.KEYS, t.KEYS.key(NEW.public), row)
    with pytest.raises(BadRecovery, match="signs twice"):
        check(draft, signed(by(world, recovery(state, world)), NEW))


def test_a_signature_is_of_these_very_bytes(world: Founded, state: State) -> None:
    said = recovery(state, world)
    good = by(world, said)
    verified(good)
    for other in (
        changed(said, round=10),
        changed(said, chain_id="other"),
        changed(said, height=1),
    ):
        with pytest.raises(BadSignature):
            verified(SignedRecovery(other, good.signatures))
    first = good.signatures[0]
    forged = (KeySignature(first.key, bytes(64)), *good.signatures[1:])
    with pytest.raises(BadSignature):
        verified(SignedRecovery(said, forged))


def test_a_signature_stands_once_and_in_order(world: Founded, state: State) -> None:
    good = by(world, recovery(state, world))
    for bad in (good.signatures[::-1], (*good.signatures, good.signatures[-1])):
        with pytest.raises(BadRecovery, match="sorted"):
            check(state, SignedRecovery(good.recovery, bad))


def test_it_fits_one_chain_height_and_block(world: Founded, state: State) -> None:
    said = recovery(state, world)
    wrong = {
        "is for": changed(said, chain_id="other"),
        "chain stands at 0": changed(said, height=1),
    }
    for match, other in wrong.items():
        with pytest.raises(BadRecovery, match=match):
            check(state, by(world, other))
    after = apply_block(state, first_block(world, state, by(world, said))).state
    later = changed(said, height=1, block_id=b"\x01" * 32)
    entries = tuple(entry(after, world.members[n]) for n in range(3, 7))
    later = changed(later, validators=entries)
    check(after, by(world, later))
    with pytest.raises(BadRecovery, match="has block"):
        check(after, by(world, changed(later, block_id=bytes(32))))
    with pytest.raises(BadRecovery, match="chain stands at 1"):
        check(after, by(world, said))  # not twice


def test_validators_that_cannot_be_are_refused(world: Founded, state: State) -> None:
    said = recovery(state, world)
    first, second, *rest = said.validators
    replace = msgspec.structs.replace
    unknown = replace(first, lei=ids.lei_from("0".ljust(18, "0")))
    wrong = [
        ("sorted", (second, first)),
        ("stands twice", (first, first)),
        ("power below 1", (replace(first, power=0), second)),
        ("too large", (replace(first, power=POWER_TOTAL_MAX), second)),
        ("seed link", (replace(first, seed_link=bytes(32)), *rest)),
        ("KEY_TAKEN", (first, replace(second, consensus_key=first.consensus_key))),
        ("KEY_TAKEN", (replace(first, lei=world.observers[0].lei),)),
        ("MEMBER_UNKNOWN", (unknown, second)),
        ("not what it must be", (replace(first, consensus_key=b"short"), second)),
    ]
    for match, entries in wrong:
        with pytest.raises(BadRecovery, match=match):
            check(state, by(world, changed(said, validators=entries)))


def test_a_validator_whose_key_is_lost_comes_with_a_new_one(world: Founded, state: State) -> None:
    old = entry(state, world.members[0])
    new = RecoveredValidator(old.lei, NEW.public, 5, NEW_CHAIN.anchor)
    said = recovery(state, world)
    said = changed(said, validators=(new, *said.validators))
    applied = apply_block(state, first_block(world, state, by(world, said)))
    after = applied.state
    assert NEW.public in validators_of(after)
    assert old.consensus_key not in validators_of(after)
    assert after.must(t.KEYS, t.KEYS.key(old.consensus_key)).retired == 1
    assert after.must(t.SEEDS, t.SEEDS.key(NEW.public)).link == NEW_CHAIN.anchor
    keys = [t.CONSENSUS_KEYS.key(key) for key in (old.consensus_key, NEW.public)]
    spans = [after.must(t.CONSENSUS_KEYS, key) for key in keys]
    assert [(s.member, s.since, s.until) for s in spans] == [(old.lei, 1, 1), (old.lei, 1, 0)]


def test_what_was_said_in_rounds_set_aside_is_no_evidence(world: Founded, state: State) -> None:
    after = apply_block(state, first_block(world, state, by(world, recovery(state, world)))).state
    key = world.members[4].key("consensus").public
    for round_, fault in ((8, "set aside"), (9, None)):
        found = fault_of(Draft(after), Accusation(o.OffenceKind.DOUBLE_VOTE, key, 1, round_, b""))
        assert (found is None) if fault is None else (fault in str(found))


def test_a_block_with_a_bad_recovery_is_refused(world: Founded, state: State) -> None:
    with pytest.raises(BlockRefused, match="4 of 7"):
        apply_block(state, first_block(world, state, by(world, recovery(state, world), range(4))))


def test_its_bytes_bound_everything(world: Founded, state: State) -> None:
    said = recovery(state, world)
    assert decode(encode(by(world, said)), SignedRecovery, BLOCK_BYTES_MAX) == by(world, said)
    for bad in (
        changed(said, round=0),
        changed(said, height=-1),
        changed(said, block_id=b"x"),
        changed(said, validators=()),
        changed(said, validators=said.validators * 30),
    ):
        with pytest.raises(MalformedBytes):
            decode(encode(SignedRecovery(bad, ())), SignedRecovery, BLOCK_BYTES_MAX)
    with pytest.raises(BadRecovery, match="TEXT"):
        check(state, by(world, changed(said, reason="x" * 200)))
