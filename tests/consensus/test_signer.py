"""The signer only moves forward, and answers a repetition with the same signature."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.core import Core
from consensus.errors import BadSignerState, DoubleSign
from consensus.inputs import Signed, Start, TimeoutElapsed, VoteReceived
from consensus.messages import (
    Certificate,
    Proposal,
    Step,
    Vote,
    VoteKind,
    certificate_of,
    sign_bytes,
)
from consensus.signer import (
    SKEW_MS,
    Place,
    SignerState,
    admit,
    decided_since,
    decode_state,
    encode_state,
    is_outdated,
    must_only_follow,
    new_state,
    place_of,
    raised,
    signed_state,
)
from tests.consensus.bench import TIMEOUTS
from tests.consensus.keys import CHAIN, KEYS, VALIDATORS, X, Y, proposal, vote
from wire.codec import encode

KEY = KEYS[0]
EMPTY = new_state(CHAIN, KEY.public)


def sign(state: SignerState, message: Vote | Proposal) -> tuple[SignerState, bytes]:
    """What the shell does: admit, else sign, make durable, answer."""
    stored = admit(state, message)
    if stored is not None:
        return state, stored
    signature = KEY.sign(sign_bytes(CHAIN, message))
    return signed_state(state, message, signature), signature


def at(height: int, round_: int, step: Step, block: bytes = X, time_ms: int = 0) -> Vote | Proposal:
    if step is Step.PROPOSE:
        return Proposal(height, round_, block, -1, time_ms, KEY.public, b"")
    kind = VoteKind.PREVOTE if step is Step.PREVOTE else VoteKind.PRECOMMIT
    return Vote(kind, height, round_, block, time_ms, KEY.public, b"")


def test_a_new_key_signs() -> None:
    assert admit(EMPTY, at(1, 0, Step.PROPOSE)) is None


def test_the_same_bytes_get_the_same_signature() -> None:
    state, signature = sign(EMPTY, at(3, 1, Step.PREVOTE))
    assert sign(state, at(3, 1, Step.PREVOTE)) == (state, signature)


@pytest.mark.parametrize("again", [{"block": Y}, {"time_ms": 1}])
def test_other_bytes_at_the_same_place_are_refused(again: dict[str, object]) -> None:
    state, _ = sign(EMPTY, at(3, 1, Step.PREVOTE))
    with pytest.raises(DoubleSign, match="height 3 round 1 prevote"):
        admit(state, at(3, 1, Step.PREVOTE, **again))  # type: ignore[arg-type]


def test_only_later_places_are_signed() -> None:
    places = list(product((2, 3), (0, 1), Step))
    for i, before in enumerate(places):
        state, _ = sign(EMPTY, at(*before))
        for j, after in enumerate(places):
            if j > i:
                assert admit(state, at(*after)) is None
            elif j < i:
                with pytest.raises(DoubleSign):
                    admit(state, at(*after))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            at,
            st.integers(1, 3),
            st.integers(0, 2),
            st.sampled_from(Step),
            st.sampled_from([X, Y]),
            st.integers(0, 1),
        ),
        max_size=30,
    )
)
def test_whatever_is_asked_no_place_is_ever_signed_twice(asked: list[Vote | Proposal]) -> None:
    state = EMPTY
    out: dict[Place, list[bytes]] = {}
    for message in asked:
        try:
            state, _ = sign(state, message)
        except DoubleSign:
            continue
        state = decode_state(encode_state(state), CHAIN, KEY.public)
        out.setdefault(place_of(message), []).append(sign_bytes(CHAIN, message))
    assert all(len(dict.fromkeys(bytes_)) == 1 for bytes_ in out.values())


def test_another_key_is_refused() -> None:
    with pytest.raises(DoubleSign):
        admit(EMPTY, replace(at(1, 0, Step.PREVOTE), validator=KEYS[1].public))


# The state file.


def test_the_state_survives_its_file() -> None:
    state, _ = sign(EMPTY, at(7, 2, Step.PRECOMMIT))
    assert decode_state(encode_state(state), CHAIN, KEY.public) == state
    assert decode_state(encode_state(EMPTY), CHAIN, KEY.public) == EMPTY


def test_any_flipped_bit_or_lost_tail_is_noticed() -> None:
    state, _ = sign(EMPTY, at(7, 2, Step.PRECOMMIT))
    data = encode_state(state)
    for i in range(len(data)):
        with pytest.raises(BadSignerState):
            decode_state(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :], CHAIN, KEY.public)
        with pytest.raises(BadSignerState):
            decode_state(data[:i], CHAIN, KEY.public)


def test_a_file_of_another_key_chain_or_version_is_refused() -> None:
    data = encode_state(EMPTY)
    with pytest.raises(BadSignerState, match="of chain"):
        decode_state(data, "other", KEY.public)
    with pytest.raises(BadSignerState, match="of chain"):
        decode_state(data, CHAIN, KEYS[1].public)
    with pytest.raises(BadSignerState, match="version"):
        decode_state(encode_state(replace(EMPTY, version=3)), CHAIN, KEY.public)
    with pytest.raises(BadSignerState, match="not a signer state"):
        decode_state(encode(b"rubbish"), CHAIN, KEY.public)


# A lost log.


def core_at(height: int) -> Core:
    core = Core(height, VALIDATORS, KEY.public, lambda _: KEYS[1].public, TIMEOUTS)
    core.handle(Start(0))
    return core


def test_a_core_that_knows_what_was_signed_goes_on_signing() -> None:
    core = core_at(9)
    assert not must_only_follow(EMPTY, core)
    core.handle(TimeoutElapsed(Step.PROPOSE, 9, 0, 5))
    message = core.process.unsigned[Step.PREVOTE, 0]
    state, signature = sign(EMPTY, message)
    assert not must_only_follow(state, core)
    core.handle(Signed(replace(message, signature=signature), 6))
    assert not must_only_follow(state, core)
    assert not must_only_follow(state, core_at(10))


def test_a_core_whose_log_was_lost_only_follows() -> None:
    state, _ = sign(EMPTY, at(9, 0, Step.PREVOTE))
    assert must_only_follow(state, core_at(9))
    assert must_only_follow(state, core_at(8))  # the store was restored from a backup
    later, _ = sign(EMPTY, at(9, 3, Step.PREVOTE))
    assert must_only_follow(later, core_at(9))


def test_a_vote_that_peers_bring_back_is_known() -> None:
    own = vote(KEY, X)
    core = core_at(9)
    core.handle(VoteReceived(own, 0))
    assert not must_only_follow(sign(EMPTY, own)[0], core)
    assert must_only_follow(sign(EMPTY, vote(KEY, Y))[0], core)
    assert place_of(proposal(KEY, X)) == (9, 0, Step.PROPOSE)


# A lost or outdated state.


def test_a_state_made_anew_signs_nothing_below_its_height() -> None:
    state = raised(None, CHAIN, KEY.public, 9)
    assert decode_state(encode_state(state), CHAIN, KEY.public) == state
    for height in (1, 8):
        with pytest.raises(DoubleSign, match="may sign from 9 on"):
            admit(state, at(height, 5, Step.PRECOMMIT))
    state, _ = sign(state, at(9, 0, Step.PROPOSE))
    assert state.from_height == 9
    assert must_only_follow(raised(None, CHAIN, KEY.public, 10), core_at(9))
    assert not must_only_follow(raised(None, CHAIN, KEY.public, 9), core_at(9))


def test_the_height_to_sign_from_only_rises() -> None:
    state, _ = sign(EMPTY, at(5, 0, Step.PREVOTE))
    higher = raised(state, CHAIN, KEY.public, 9)
    assert (higher.from_height, higher.last) == (9, state.last)
    assert raised(higher, CHAIN, KEY.public, 4) == higher


def commit_at(height: int, *, times: dict[int, int] | None = None) -> Certificate:
    times = dict.fromkeys(range(3), 0) if times is None else times
    return certificate_of(
        vote(KEYS[n], X, time_ms=time_ms, height=height) for n, time_ms in times.items()
    )


def test_a_state_older_than_a_decided_commit_with_its_vote_is_outdated() -> None:
    core = core_at(9)
    old, _ = sign(EMPTY, at(7, 0, Step.PRECOMMIT))
    current, _ = sign(EMPTY, at(8, 0, Step.PRECOMMIT))
    assert is_outdated(EMPTY, core, [commit_at(8)])
    assert is_outdated(old, core, [commit_at(7), commit_at(8)])
    assert is_outdated(sign(EMPTY, at(8, 0, Step.PREVOTE))[0], core, [commit_at(8)])
    assert not is_outdated(current, core, [commit_at(8)])
    assert not is_outdated(EMPTY, core, [commit_at(8, times={1: 0, 2: 0, 3: 0})])
    assert not is_outdated(EMPTY, core, [])
    assert not is_outdated(raised(None, CHAIN, KEY.public, 9), core, [commit_at(8)])


def test_a_state_older_than_the_log_is_outdated() -> None:
    core = core_at(9)
    core.handle(TimeoutElapsed(Step.PROPOSE, 9, 0, 5))
    message = core.process.unsigned[Step.PREVOTE, 0]
    assert not is_outdated(EMPTY, core, [])  # logged, but perhaps never signed
    state, signature = sign(EMPTY, message)
    core.handle(Signed(replace(message, signature=signature), 6))
    assert is_outdated(EMPTY, core, [])
    assert not is_outdated(state, core, [])
    heard = core_at(9)
    heard.handle(VoteReceived(vote(KEY, X), 0))
    assert is_outdated(EMPTY, heard, [])


@pytest.mark.parametrize(
    ("late", "safe"), [((), False), ((0, 1), False), ((0, 1, 2), True), ((0, 1, 2, 3), True)]
)
def test_only_a_quorum_of_later_votes_proves_a_height_safe(
    late: tuple[int, ...], safe: bool
) -> None:
    since = 1_000_000
    edge = since + SKEW_MS
    times = {n: edge + 1 if n in late else edge for n in range(4)}
    assert decided_since(commit_at(9, times=times), VALIDATORS, since) is safe
