"""Messages on the wire, what their signatures cover, and what a certificate proves."""

from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.errors import BadCertificate, BadEvidence, MisplacedExtension, NotAValidator
from consensus.messages import (
    Certificate,
    Entry,
    Equivocation,
    Proposal,
    Step,
    Vote,
    VoteKind,
    certificate_of,
    contradict,
    sign_bytes,
    step_of,
    votes_of,
)
from consensus.verification import (
    check_polka,
    require_signature,
    verify_certificate,
    verify_commit,
    verify_equivocation,
)
from tests.consensus.keys import (
    CHAIN,
    KEYS,
    VALIDATORS,
    X,
    Y,
    certificate,
    proposal,
    signed,
    vote,
)
from wire.codec import decode, encode
from wire.errors import BadSignature, MalformedBytes
from wire.limits import HEIGHT_MAX, ROUND_MAX, TIME_MS_MAX
from wire.signing import SigningKey

GOOD = vote(KEYS[0], X)
OFFER = proposal(KEYS[0], X)
digests = st.binary(min_size=32, max_size=32)
votes = st.builds(
    Vote,
    st.sampled_from(VoteKind),
    st.integers(1, HEIGHT_MAX),
    st.integers(0, ROUND_MAX),
    st.none() | digests,
    st.integers(0, TIME_MS_MAX),
    digests,
    st.binary(min_size=64, max_size=64),
    st.binary(max_size=99),
)


@given(votes)
def test_a_vote_survives_the_wire_and_reads_the_same_to_another_library(sent: Vote) -> None:
    data = encode(sent)
    assert decode(data, Vote, 1_000) == sent
    assert msgpack.unpackb(data) == [
        1,
        int(sent.kind),
        sent.height,
        sent.round,
        sent.block_id,
        sent.time_ms,
        sent.validator,
        sent.signature,
        sent.extension,
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"height": HEIGHT_MAX + 1},
        {"round": -1},
        {"round": ROUND_MAX + 1},
        {"time_ms": -1},
        {"time_ms": TIME_MS_MAX + 1},
        {"block_id": b"short"},
        {"validator": b"short"},
        {"signature": b""},
        {"kind": 3},
    ],
)
def test_a_vote_out_of_range_does_not_decode(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedBytes):
        decode(encode(replace(GOOD, **change)), Vote, 1_000)


@pytest.mark.parametrize("valid_round", [-2, ROUND_MAX + 1])
def test_a_proposal_out_of_range_does_not_decode(valid_round: int) -> None:
    with pytest.raises(MalformedBytes):
        decode(encode(replace(OFFER, valid_round=valid_round)), Proposal, 1_000)


def test_kinds_of_message_cannot_be_taken_for_each_other() -> None:
    with pytest.raises(MalformedBytes):
        decode(encode(OFFER), Vote, 1_000)
    evidence = Equivocation(GOOD, vote(KEYS[0], Y))
    assert decode(encode(evidence), Equivocation, 2_000) == evidence


def test_a_good_signature_verifies() -> None:
    require_signature(CHAIN, GOOD)
    require_signature(CHAIN, OFFER)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": VoteKind.PREVOTE},
        {"height": 8},
        {"round": 1},
        {"block_id": Y},
        {"block_id": None},
        {"time_ms": 1},
        {"validator": KEYS[1].public},
        {"signature": bytes(64)},
    ],
)
def test_a_vote_altered_after_signing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        require_signature(CHAIN, replace(GOOD, **change))


@pytest.mark.parametrize(
    "change", [{"height": 8}, {"round": 1}, {"block_id": Y}, {"valid_round": 0}, {"time_ms": 1}]
)
def test_a_proposal_altered_after_signing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        require_signature(CHAIN, replace(OFFER, **change))


def test_a_signature_of_another_chain_is_refused() -> None:
    with pytest.raises(BadSignature):
        require_signature("another-chain", GOOD)


def test_the_places_of_signing() -> None:
    assert step_of(OFFER) is Step.PROPOSE
    assert step_of(vote(KEYS[0], X, VoteKind.PREVOTE)) is Step.PREVOTE
    assert step_of(GOOD) is Step.PRECOMMIT
    assert sign_bytes(CHAIN, OFFER) != sign_bytes(CHAIN, GOOD)


# Certificates.


def test_votes_make_a_certificate_and_come_out_again() -> None:
    made = certificate_of([vote(KEYS[2], X), vote(KEYS[0], X), vote(KEYS[1], X)])
    assert [entry.validator for entry in made.signatures] == [k.public for k in KEYS[:3]]
    assert votes_of(made) == [vote(key, X) for key in KEYS[:3]]
    assert decode(encode(made), Certificate, 10_000) == made


def test_votes_for_different_blocks_make_no_certificate() -> None:
    with pytest.raises(AssertionError):
        certificate_of([vote(KEYS[0], X), vote(KEYS[1], Y)])


def test_a_quorum_verifies() -> None:
    good = certificate(KEYS[:3], X)
    assert verify_certificate(CHAIN, good, VALIDATORS).value is good
    assert verify_commit(CHAIN, good, VALIDATORS, 9, X).value is good


def test_too_little_power_is_refused() -> None:
    with pytest.raises(BadCertificate, match="has power 2 of 4"):
        verify_certificate(CHAIN, certificate(KEYS[:2], X), VALIDATORS)


def test_an_empty_certificate_is_refused() -> None:
    with pytest.raises(BadCertificate):
        verify_certificate(CHAIN, Certificate(VoteKind.PRECOMMIT, 9, 0, X, ()), VALIDATORS)


def test_a_stranger_in_a_certificate_is_refused() -> None:
    stranger = SigningKey(bytes(32))
    with pytest.raises(BadCertificate, match="not a validator"):
        verify_certificate(CHAIN, certificate([*KEYS[:3], stranger], X), VALIDATORS)


@pytest.mark.parametrize("order", [(0, 0, 1), (1, 0, 2), (0, 1, 1)])
def test_a_certificate_out_of_order_or_with_a_voter_twice_is_refused(
    order: tuple[int, ...],
) -> None:
    entries = certificate(KEYS, X).signatures
    shuffled = Certificate(VoteKind.PRECOMMIT, 9, 0, X, tuple(entries[i] for i in order))
    with pytest.raises(BadCertificate, match="sorted"):
        verify_certificate(CHAIN, shuffled, VALIDATORS)


def test_one_bad_signature_spoils_a_certificate() -> None:
    good = certificate(KEYS, X)
    first = good.signatures[0]
    spoilt = replace(
        good, signatures=(Entry(first.validator, 1, first.signature), *good.signatures[1:])
    )
    with pytest.raises(BadSignature):
        verify_certificate(CHAIN, spoilt, VALIDATORS)


def test_a_commit_is_of_this_height_and_block_and_made_of_precommits() -> None:
    good = certificate(KEYS, X)
    for commit, height, block in (
        (good, 8, X),
        (good, 9, Y),
        (certificate(KEYS, X, VoteKind.PREVOTE), 9, X),
        (certificate(KEYS, None), 9, X),
    ):
        with pytest.raises(BadCertificate):
            verify_commit(CHAIN, commit, VALIDATORS, height, block)


def test_a_proposal_travels_with_the_polka_it_claims() -> None:
    again = proposal(KEYS[0], X, round_=1, vr=0)
    polka = certificate(KEYS[:3], X, VoteKind.PREVOTE)
    check_polka(polka, again)
    assert verify_certificate(CHAIN, polka, VALIDATORS).value is polka
    for wrong in (certificate(KEYS[:3], Y, VoteKind.PREVOTE), certificate(KEYS[:3], X)):
        with pytest.raises(BadCertificate):
            check_polka(wrong, again)
    with pytest.raises(BadCertificate):
        verify_certificate(CHAIN, certificate(KEYS[:2], X, VoteKind.PREVOTE), VALIDATORS)


# Evidence.


@pytest.mark.parametrize(
    ("first", "second", "guilty"),
    [
        (GOOD, vote(KEYS[0], Y), True),
        (GOOD, vote(KEYS[0], None), True),
        (GOOD, vote(KEYS[0], X, time_ms=5), False),
        (GOOD, vote(KEYS[0], Y, VoteKind.PREVOTE), False),
        (GOOD, vote(KEYS[0], Y, round_=1), False),
        (GOOD, vote(KEYS[0], Y, height=8), False),
        (GOOD, vote(KEYS[1], Y), False),
        (GOOD, proposal(KEYS[0], Y), False),
        (OFFER, proposal(KEYS[0], Y), True),
        (proposal(KEYS[0], X, 3, 1), proposal(KEYS[0], X, 3, 2), True),
        (OFFER, OFFER, False),
    ],
)
def test_what_is_a_contradiction(
    first: Vote | Proposal, second: Vote | Proposal, guilty: bool
) -> None:
    assert contradict(first, second) is guilty
    assert contradict(second, first) is guilty
    evidence = Equivocation(first, second)
    if guilty:
        assert verify_equivocation(CHAIN, evidence, VALIDATORS).value is evidence
    else:
        with pytest.raises(BadEvidence):
            verify_equivocation(CHAIN, evidence, VALIDATORS)


def test_evidence_needs_two_good_signatures_of_a_member() -> None:
    forged = replace(vote(KEYS[0], Y), signature=GOOD.signature)
    with pytest.raises(BadSignature):
        verify_equivocation(CHAIN, Equivocation(GOOD, forged), VALIDATORS)
    stranger = SigningKey(bytes(32))
    with pytest.raises(NotAValidator):
        verify_equivocation(CHAIN, Equivocation(vote(stranger, X), vote(stranger, Y)), VALIDATORS)


def test_an_extension_is_signed_carried_and_only_a_precommit_for_a_block_has_one() -> None:
    key = KEYS[0]
    for kind, block, fine in (
        (VoteKind.PRECOMMIT, X, True),
        (VoteKind.PRECOMMIT, None, False),
        (VoteKind.PREVOTE, X, False),
    ):
        bare = Vote(kind, 5, 0, block, 1, key.public, b"", b"marks")
        made = signed(bare, key)
        assert isinstance(made, Vote)
        if fine:
            require_signature(CHAIN, made)
            carried = certificate_of([made]).signatures[0]
            assert carried.extension == b"marks"
            assert votes_of(certificate_of([made])) == [made]
            other = replace(made, extension=b"mark")
            with pytest.raises(BadSignature):
                require_signature(CHAIN, other)
        else:
            with pytest.raises(MisplacedExtension):
                require_signature(CHAIN, made)


def test_a_vote_without_its_last_field_is_not_canonical() -> None:
    whole = msgpack.unpackb(encode(GOOD))
    with pytest.raises(MalformedBytes):
        decode(msgpack.packb(whole[:-1]), Vote, 2_000)
