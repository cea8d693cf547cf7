"""Persist, sign, then count and send; and a crash at any point goes on with the same bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.core import Core
from consensus.effects import (
    Broadcast,
    CheckValue,
    Decide,
    Effect,
    GetValue,
    Persist,
    ScheduleTimeout,
    Sign,
)
from consensus.errors import BadCertificate, NotAValidator, NotTheProposer, WrongHeight
from consensus.inputs import (
    CertificateReceived,
    Input,
    ProposalReceived,
    Signed,
    SignRefused,
    Start,
    TimeoutElapsed,
    ValueChecked,
    ValueReady,
    VoteReceived,
    decode_input,
    encode_input,
)
from consensus.messages import (
    Certificate,
    Proposal,
    Step,
    Vote,
    VoteKind,
    certificate_of,
    with_signature,
)
from consensus.validators import Validator, ValidatorSet
from tests.consensus.bench import (
    HEIGHT,
    TIMEOUTS,
    certificate,
    core_of,
    precommit,
    prevote,
    proposal,
    vote,
)
from wire.errors import MalformedBytes


def test_a_message_is_fixed_persisted_signed_and_only_then_sent() -> None:
    core = core_of("a")
    core.handle(Start(5_000))
    core.handle(ProposalReceived(proposal(0, b"X", "b"), None, 5_010))
    effects = core.handle(ValueChecked(b"X", True, 5_020))
    unsigned = Vote(VoteKind.PREVOTE, HEIGHT, 0, b"X", 5_020, b"a", b"")
    assert effects == [Persist(unsigned), Sign(unsigned)]
    assert b"a" not in core.process.log.prevotes.votes
    signed = with_signature(unsigned, b"S")
    assert isinstance(signed, Vote)
    assert core.handle(Signed(signed, 5_500)) == [Broadcast(signed)]
    assert core.process.log.prevotes.votes[b"a"] == signed


def test_a_time_is_never_before_the_minimum() -> None:
    core = core_of("a")
    core.handle(Start(7))
    effects = core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 8))
    assert isinstance(effects[0], Persist)
    assert effects[0].message.time_ms == 1_000


def test_a_signature_that_was_not_asked_for_is_nothing() -> None:
    core = core_of("a")
    core.handle(Start(0))
    assert core.handle(Signed(prevote(0, b"X", "a"), 0)) == []
    core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 0))
    assert core.handle(Signed(prevote(0, b"X", "a"), 0)) == []  # asked for nil
    assert core.process.log.prevotes.votes == {}


def test_a_signature_given_twice_counts_once() -> None:
    core = core_of("a")
    core.handle(Start(0))
    asked = core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 0))[0]
    assert isinstance(asked, Persist)
    answer = Signed(with_signature(asked.message, b"S"), 0)
    assert len(core.handle(answer)) == 1
    assert core.handle(answer) == []


def test_a_refused_signature_leaves_the_node_silent_but_following() -> None:
    core = core_of("a")
    core.handle(Start(0))
    core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 0))
    assert core.handle(SignRefused(Step.PREVOTE, 0, 0)) == []
    core.handle(ProposalReceived(proposal(0, b"X", "b"), None, 0))
    core.handle(ValueChecked(b"X", True, 0))
    for sender in "bcd":
        core.handle(VoteReceived(prevote(0, b"X", sender), 0))
    assert core.process.step is Step.PRECOMMIT
    core.handle(SignRefused(Step.PRECOMMIT, 0, 0))
    effects = [core.handle(VoteReceived(precommit(0, b"X", s), 0)) for s in "bcd"]
    assert isinstance(effects[-1][0], Decide)


def test_a_refused_proposal_ends_in_a_prevote_at_the_timeout() -> None:
    core = core_of("b")
    core.handle(Start(0))
    core.handle(ValueReady(0, b"X", 0))
    assert core.handle(SignRefused(Step.PROPOSE, 0, 0)) == []
    effects = core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 0))
    assert isinstance(effects[0], Persist)


def test_a_signature_that_comes_a_round_late_still_counts_there() -> None:
    core = core_of("a")
    core.handle(Start(0))
    asked = core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 0))[0]
    assert isinstance(asked, Persist)
    for sender in "bc":
        core.handle(VoteReceived(prevote(1, None, sender), 0))
    assert core.process.round == 1
    core.handle(Signed(with_signature(asked.message, b"S"), 0))
    assert b"a" in core.process.book.rounds[0].prevotes.votes


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        (VoteReceived(vote(VoteKind.PREVOTE, 0, b"X", "b", height=4), 0), WrongHeight),
        (VoteReceived(prevote(0, b"X", "z"), 0), NotAValidator),
        (ProposalReceived(proposal(0, b"X", "c"), None, 0), NotTheProposer),
        (ProposalReceived(proposal(0, b"X", "z"), None, 0), NotAValidator),
        (
            ProposalReceived(Proposal(6, 0, b"X", -1, 0, b"b", b"s"), None, 0),
            WrongHeight,
        ),
        (
            ProposalReceived(
                proposal(1, b"X", "c", vr=0), certificate(VoteKind.PREVOTE, 0, b"Y", "bcd"), 0
            ),
            BadCertificate,
        ),
        (
            ProposalReceived(
                proposal(1, b"X", "c", vr=0), certificate(VoteKind.PREVOTE, 0, b"X", "bc"), 0
            ),
            BadCertificate,
        ),
        (CertificateReceived(certificate(VoteKind.PREVOTE, 0, b"X", "bc"), 0), BadCertificate),
        (CertificateReceived(certificate(VoteKind.PREVOTE, 0, b"X", "bcz"), 0), BadCertificate),
        (
            CertificateReceived(
                certificate_of([vote(VoteKind.PRECOMMIT, 0, b"X", s, height=9) for s in "bcd"]), 0
            ),
            WrongHeight,
        ),
    ],
)
def test_what_no_correct_validator_sends_is_refused_and_changes_nothing(
    given_: Input, error: type[Exception]
) -> None:
    core = core_of("a")
    core.handle(Start(0))
    with pytest.raises(error):
        core.handle(given_)
    assert core.process.book.rounds.keys() <= {0}
    assert core.process.log.speakers == {}


def test_a_certificate_with_a_voter_twice_is_refused() -> None:
    core = core_of("a")
    good = certificate(VoteKind.PREVOTE, 0, b"X", "bcd")
    twice = Certificate(
        good.kind, HEIGHT, 0, b"X", (good.signatures[0], good.signatures[0], good.signatures[1])
    )
    with pytest.raises(BadCertificate):
        core.handle(CertificateReceived(twice, 0))


# Replay. Real keys and blocks have 32 bytes, or their log would not decode.

NAMES = [bytes([i]) * 32 for i in range(1, 5)]
BLOCKS = [b"X" * 32, b"Y" * 32, b"M" * 32]
VALIDATORS = ValidatorSet(Validator(name, 1) for name in NAMES)


def new_core() -> Core:
    turns = [NAMES[1], NAMES[0], NAMES[2]]
    return Core(HEIGHT, VALIDATORS, NAMES[0], lambda r: turns[r % 3], TIMEOUTS, time_ms_min=3)


def answer(effect: Effect, now_ms: int) -> Input | None:
    """What a node answers to the questions among the effects."""
    match effect:
        case Sign(message):
            return Signed(with_signature(message, bytes([message.round % 256]) * 64), now_ms)
        case GetValue(_, round_):
            return ValueReady(round_, BLOCKS[2], now_ms)
        case CheckValue(block_id):
            return ValueChecked(block_id, block_id != BLOCKS[1], now_ms)
        case _:
            return None


rounds = st.integers(0, 3)
blocks = st.sampled_from([None, *BLOCKS])
senders = st.sampled_from(NAMES[1:])


def _vote(kind: VoteKind, round_: int, block: bytes | None, by: bytes) -> Vote:
    return Vote(kind, HEIGHT, round_, block, 0, by, b"s" * 64)


events = st.one_of(
    st.builds(_vote, st.sampled_from(VoteKind), rounds, blocks, senders).map(
        lambda v: VoteReceived(v, 10)
    ),
    st.builds(
        lambda r, b, vr: ProposalReceived(
            Proposal(HEIGHT, r, b, vr, 0, [NAMES[1], NAMES[0], NAMES[2]][r % 3], b"s" * 64),
            None,
            20,
        ),
        rounds,
        st.sampled_from(BLOCKS),
        st.integers(-1, 2),
    ),
    st.builds(lambda s, r: TimeoutElapsed(s, HEIGHT, r, 30), st.sampled_from(Step), rounds),
    st.builds(
        lambda k, r, b: CertificateReceived(
            certificate_of(_vote(k, r, b, name) for name in NAMES[1:]), 40
        ),
        st.sampled_from(VoteKind),
        rounds,
        blocks,
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=30), st.data())
def test_a_replay_of_any_prefix_continues_with_the_same_bytes(
    script: list[Input], data: st.DataObject
) -> None:
    """Crash after any input: what was persisted, signed and sent before is made again."""
    core = new_core()
    log: list[bytes] = []
    trail: list[list[Effect]] = []
    queue: list[Input] = [Start(1), *script]
    while queue:
        given_ = queue.pop(0)
        log.append(encode_input(given_))
        effects = core.handle(given_)
        trail.append(effects)
        answers = [answer(effect, 50) for effect in effects]
        queue = [a for a in answers if a is not None] + queue
    cut = data.draw(st.integers(1, len(log)))
    again = new_core()
    assert [again.handle(decode_input(record)) for record in log[:cut]] == trail[:cut]
    assert [again.handle(decode_input(record)) for record in log[cut:]] == trail[cut:]
    assert again.resume() == core.resume()


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=25))
def test_after_a_crash_every_open_question_is_asked_again(script: list[Input]) -> None:
    """Feed inputs without answering; what `resume` says is exactly what is still open."""
    core = new_core()
    everything: list[Effect] = []
    for given_ in [Start(1), *script]:
        everything += core.handle(given_)
    resumed = core.resume()
    asked_to_sign = [e for e in everything if isinstance(e, Sign)]
    assert [e for e in resumed if isinstance(e, Sign)] == asked_to_sign  # none was answered
    assert all(effect in everything for effect in resumed)
    here = core.process.round
    timers = [e for e in resumed if isinstance(e, ScheduleTimeout)]
    assert all(timer.round == here for timer in timers)
    if core.decision is not None:
        assert resumed[-1] == core.decision


def test_an_own_message_is_sent_again_byte_for_byte() -> None:
    core = new_core()
    core.handle(Start(1))
    asked = core.handle(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 777))[0]
    assert isinstance(asked, Persist)
    assert core.resume()[:2] == [asked, Sign(asked.message)]
    sent = core.handle(Signed(with_signature(asked.message, b"s" * 64), 800))
    assert core.resume()[0] == sent[0]


def test_open_questions_are_asked_again_until_answered() -> None:
    core = core_of("b")
    core.handle(Start(0))
    assert GetValue(HEIGHT, 0) in core.resume()
    core.handle(ValueReady(0, b"X", 0))
    assert GetValue(HEIGHT, 0) not in core.resume()
    offer = core.process.unsigned[Step.PROPOSE, 0]
    core.handle(Signed(with_signature(offer, b"s"), 0))
    assert any(isinstance(effect, CheckValue) for effect in core.resume())
    core.handle(ValueChecked(b"X", True, 0))
    assert not any(isinstance(effect, CheckValue) for effect in core.resume())


def test_a_damaged_record_is_refused() -> None:
    record = encode_input(TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 1))
    assert decode_input(record) == TimeoutElapsed(Step.PROPOSE, HEIGHT, 0, 1)
    with pytest.raises(MalformedBytes):
        decode_input(record + b"\x00")
    with pytest.raises(MalformedBytes):
        decode_input(encode_input(TimeoutElapsed(Step.PROPOSE, 0, 0, 1)))
