"""One step of the light client: what a trusted header does and does not lead to."""

import msgspec
import pytest

from consensus.messages import Entry, VoteKind, certificate_of
from consensus.validators import Validator
from node.blocks import Header, LightBlock
from node.light.errors import BadTrustOptions
from node.light.verify import (
    Answer,
    Options,
    TrustLevel,
    trusted,
    verify,
    verify_backwards,
)
from tests.light.chains import (
    BLOCK_MS,
    CHAIN,
    START_MS,
    Chain,
    commit,
    light_block,
    precommit,
    with_entries,
    with_members,
)

FOUR = dict.fromkeys("abcd", 10)
HOW = Options(trusting_period_ms=100_000, clock_drift_ms=1_000)
NOW = START_MS + 10 * BLOCK_MS
ROOT = light_block(1, FOUR, FOUR)


def answer(block: LightBlock, known: LightBlock = ROOT, now_ms: int = NOW) -> Answer:
    return verify(trusted(known), block, now_ms, HOW).answer


@pytest.mark.parametrize("height", [2, 3, 9])
def test_the_same_validators_lead_to_any_height(height: int) -> None:
    assert answer(light_block(height, FOUR, FOUR)) is Answer.SUCCESS
    assert answer(light_block(height, FOUR, {"x": 1}, signers="abc")) is Answer.SUCCESS


# ---------------------------------------------------------------- time, height, chain
def test_the_trusting_period_ends_exclusively() -> None:
    block = light_block(2, FOUR, FOUR)
    end = ROOT.header.time_ms + HOW.trusting_period_ms
    assert answer(block, now_ms=end - 1) is Answer.SUCCESS
    assert answer(block, now_ms=end) is Answer.INVALID
    assert "expired" in verify(trusted(ROOT), block, end, HOW).reason


def test_a_header_from_the_future_is_refused_beyond_the_clock_drift() -> None:
    edge = NOW + HOW.clock_drift_ms
    assert answer(light_block(5, FOUR, FOUR, time_ms=edge - 1)) is Answer.SUCCESS
    assert answer(light_block(5, FOUR, FOUR, time_ms=edge)) is Answer.INVALID


@pytest.mark.parametrize("height", [1, 0])
def test_heights_must_rise(height: int) -> None:
    assert answer(light_block(height, FOUR, FOUR, time_ms=START_MS + 1)) is Answer.INVALID


def test_times_must_rise() -> None:
    for time_ms in (START_MS, START_MS - 1):
        assert answer(light_block(5, FOUR, FOUR, time_ms=time_ms)) is Answer.INVALID


def test_another_chain_is_refused() -> None:
    assert answer(light_block(2, FOUR, FOUR, chain_id="dcn-other")) is Answer.INVALID


# ---------------------------------------------------------------- who signed
def test_exactly_two_thirds_of_the_own_validators_are_too_few() -> None:
    three = dict.fromkeys("abc", 1)
    assert answer(light_block(5, three, three, signers="ab")) is Answer.INVALID
    heavy = {"a": 2, "b": 1, "c": 1}
    assert answer(light_block(5, heavy, heavy, signers="ab")) is Answer.SUCCESS


def test_exactly_one_third_of_the_trusted_power_is_too_little() -> None:
    known = light_block(1, FOUR, dict.fromkeys("abc", 10))
    one = {"a": 1, "x": 9, "y": 9, "z": 9}
    assert answer(light_block(5, one, one), known) is Answer.NOT_ENOUGH_TRUST
    heavy = light_block(1, FOUR, {"a": 11, "b": 10, "c": 11})
    assert answer(light_block(5, one, one), heavy) is Answer.SUCCESS


def test_who_did_not_sign_gives_no_trust() -> None:
    known = light_block(1, FOUR, {"a": 1, "b": 1})
    block = light_block(5, {"a": 1, "b": 1, "x": 9, "y": 9, "z": 9}, FOUR, signers="xyz")
    assert answer(block, known) is Answer.NOT_ENOUGH_TRUST


def test_the_next_height_must_have_the_validators_that_were_named() -> None:
    known = light_block(1, FOUR, {"a": 1, "b": 1})
    assert answer(light_block(2, {"a": 1, "b": 1}, FOUR), known) is Answer.SUCCESS
    assert answer(light_block(2, {"a": 1, "b": 2}, FOUR), known) is Answer.INVALID
    assert answer(light_block(2, FOUR, FOUR), known) is Answer.INVALID


def test_the_trust_level_is_of_the_validators_after_the_trusted_header() -> None:
    known = light_block(1, {"x": 1}, {"a": 1})
    assert answer(light_block(3, {"x": 1}, FOUR), known) is Answer.NOT_ENOUGH_TRUST
    assert answer(light_block(3, {"a": 1}, FOUR), known) is Answer.SUCCESS


def test_invalid_comes_before_not_enough_trust() -> None:
    known = light_block(1, FOUR, {"a": 1})
    others = {"x": 1, "y": 1, "z": 1}
    assert answer(light_block(9, others, others), known) is Answer.NOT_ENOUGH_TRUST
    few = light_block(9, others, others, signers="xy")
    assert answer(few, known) is Answer.INVALID
    good = light_block(9, others, others)
    first = good.commit.signatures[0]
    bad = msgspec.structs.replace(first, signature=bytes(64))
    damaged = with_entries(good, [bad, *good.commit.signatures[1:]])
    assert answer(damaged, known) is Answer.INVALID


def test_strangers_nobody_twice_and_nobody_at_all() -> None:
    good = light_block(2, FOUR, FOUR)
    stranger = commit(good.header, "abcx").signatures
    assert answer(with_entries(good, stranger)) is Answer.INVALID
    entries = good.commit.signatures
    assert answer(with_entries(good, [entries[0], *entries])) is Answer.INVALID
    assert answer(with_entries(good, [entries[0]] * 3)) is Answer.INVALID
    assert answer(with_entries(good, reversed(entries))) is Answer.INVALID
    assert answer(with_entries(good, [])) is Answer.INVALID
    assert answer(with_members(good, [])) is Answer.INVALID


def test_votes_for_nil_and_prevotes_are_no_commit() -> None:
    good = light_block(2, FOUR, FOUR)
    prevotes = certificate_of(precommit(n, good.header, kind=VoteKind.PREVOTE) for n in "abcd")
    assert answer(msgspec.structs.replace(good, commit=prevotes)) is Answer.INVALID
    nil = msgspec.structs.replace(good.commit, block_id=None)
    assert answer(msgspec.structs.replace(good, commit=nil)) is Answer.INVALID


def test_a_key_that_no_correct_validator_has_signs_nothing() -> None:
    """Small-order keys: one signature would fit any message."""
    members = [Validator(b"\1" + bytes(31), 100), *ROOT.validators]
    block = with_members(light_block(2, FOUR, FOUR), sorted(members, key=lambda m: m.public_key))
    assert answer(block) is Answer.INVALID


# ---------------------------------------------------------------- every field
def _changed(value: object) -> object:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"x"
    if isinstance(value, str):
        return value + "x"
    assert value is None or isinstance(value, tuple)
    return value


def _mutations(block: LightBlock) -> list[tuple[str, LightBlock]]:
    replace = msgspec.structs.replace
    found = []
    for name in Header.__struct_fields__:
        header = replace(block.header, **{name: _changed(getattr(block.header, name))})
        found.append((f"header.{name}", replace(block, header=header)))
    for name in ("height", "round", "block_id"):
        changed = replace(block.commit, **{name: _changed(getattr(block.commit, name))})
        found.append((f"commit.{name}", replace(block, commit=changed)))
    entries = block.commit.signatures
    for position, entry in enumerate(entries):
        for name in Entry.__struct_fields__:
            bad = replace(entry, **{name: _changed(getattr(entry, name))})
            several = [*entries[:position], bad, *entries[position + 1 :]]
            found.append((f"entry {position}.{name}", with_entries(block, several)))
    for field in ("validators", "next_validators"):
        members = getattr(block, field)
        for position, member in enumerate(members):
            rest = [*members[:position], *members[position + 1 :]]
            for name in Validator.__struct_fields__:
                bad = replace(member, **{name: _changed(getattr(member, name))})
                several = sorted([*rest, bad], key=lambda m: m.public_key)
                found.append((f"{field} {position}.{name}", replace(block, **{field: several})))
            found.append((f"{field} without {position}", replace(block, **{field: tuple(rest)})))
        found.append((f"{field} in another order", replace(block, **{field: members[::-1]})))
    return found


@pytest.mark.parametrize("height", [2, 5])
def test_no_field_of_a_light_block_can_be_changed(height: int) -> None:
    good = light_block(height, FOUR, {"a": 3, "b": 2}, parent=bytes(range(32)))
    assert answer(good) is Answer.SUCCESS
    for name, bad in _mutations(good):
        assert answer(bad) is not Answer.SUCCESS, name


def test_the_trusted_validators_must_be_those_of_the_trusted_header() -> None:
    other = msgspec.structs.replace(ROOT, next_validators=light_block(1, {"x": 1}, FOUR).validators)
    assert answer(light_block(5, {"x": 1}, FOUR), other) is Answer.INVALID


# ---------------------------------------------------------------- options
@pytest.mark.parametrize("level", [(1, 3), (2, 5), (1, 2), (2, 3), (1, 1)])
def test_trust_levels_from_a_third_to_all(level: tuple[int, int]) -> None:
    how = Options(TrustLevel(*level), 100_000, 1_000)
    ten = {f"v{n}": 1 for n in range(10)}
    known = light_block(1, ten, ten)
    for signing in range(1, 11):
        block = light_block(4, {f"v{n}": 1 for n in range(signing)}, ten)
        enough = signing * level[1] > 10 * level[0]
        wanted = Answer.SUCCESS if enough else Answer.NOT_ENOUGH_TRUST
        assert verify(trusted(known), block, NOW, how).answer is wanted


@pytest.mark.parametrize("level", [(1, 4), (33, 100), (0, 1), (4, 3), (1, 0), (0, 0), (-1, -3)])
def test_other_trust_levels_are_refused(level: tuple[int, int]) -> None:
    with pytest.raises(BadTrustOptions):
        Options(TrustLevel(*level))


def test_periods_must_make_sense() -> None:
    for period, drift in ((0, 0), (-1, 0), (1, -1)):
        with pytest.raises(BadTrustOptions):
            Options(trusting_period_ms=period, clock_drift_ms=drift)


# ---------------------------------------------------------------- backwards
def test_backwards_the_chain_of_hashes_is_followed() -> None:
    chain = Chain([FOUR] * 4)
    known, parent = chain.at(3).header, chain.at(2).header
    assert verify_backwards(known, parent).answer is Answer.SUCCESS
    assert verify_backwards(known, chain.at(1).header).answer is Answer.INVALID
    for name in Header.__struct_fields__:
        other = msgspec.structs.replace(parent, **{name: _changed(getattr(parent, name))})
        assert verify_backwards(known, other).answer is Answer.INVALID, name
    late = msgspec.structs.replace(parent, time_ms=known.time_ms)
    assert verify_backwards(known, late).answer is Answer.INVALID
    assert known.chain_id == CHAIN
