"""The vote exchange: what a peer lacks reaches it, whoever signed it, whatever it claims."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.core import Core
from consensus.exchange import (
    Announcement,
    Delivery,
    PeerBehind,
    PeerViews,
    announcement,
    missing_for,
    own_missing_for,
)
from consensus.inputs import (
    CertificateReceived,
    ProposalReceived,
    Start,
    TimeoutElapsed,
    ValueChecked,
    VoteReceived,
)
from consensus.messages import CarriedProposal, Certificate, Proposal, Step, Vote, VoteKind
from consensus.validators import Validator, ValidatorSet
from tests.consensus.bench import (
    HEIGHT,
    certificate,
    core_of,
    precommit,
    prevote,
    proposal,
)
from wire.codec import decode, encode


def started(me: str | None = None) -> Core:
    core = core_of(me)
    core.handle(Start(0))
    return core


def announced(core: Core) -> Announcement:
    made = announcement(core)
    assert made is not None
    return made


def tell(core: Core, *messages: Delivery) -> None:
    """Deliver `messages`, and find every value valid."""
    for message in messages:
        match message:
            case Vote():
                core.handle(VoteReceived(message, 0))
            case Certificate():
                core.handle(CertificateReceived(message, 0))
            case CarriedProposal(offer, polka):
                core.handle(ValueChecked(offer.block_id, True, 0))
                core.handle(ProposalReceived(offer, polka, 0))
            case PeerBehind():
                raise AssertionError("not a message")


def test_before_the_start_nothing_is_announced() -> None:
    assert announcement(core_of("a")) is None


def test_an_announcement_survives_the_wire() -> None:
    core = started()
    tell(core, prevote(0, b"X", "b"), prevote(0, None, "d"), precommit(0, None, "c"))
    made = announced(core)
    assert decode(encode(made), Announcement, 200) == made
    assert (made.prevotes, made.precommits) == (bytes([0b1010]), bytes([0b0100]))


def test_missing_votes_are_sent_whoever_signed_them() -> None:
    rich, poor = started(), started()
    tell(rich, prevote(0, b"X", "b"), prevote(0, None, "c"), precommit(0, None, "c"))
    tell(poor, prevote(0, b"X", "b"))
    assert missing_for(rich, announced(poor)) == [prevote(0, None, "c"), precommit(0, None, "c")]
    assert missing_for(poor, announced(rich)) == []


def test_a_missing_proposal_travels_with_its_polka() -> None:
    rich, poor = started(), started()
    for core in (rich, poor):
        core.handle(TimeoutElapsed(Step.PRECOMMIT, HEIGHT, 0, 0))
    polka = certificate(VoteKind.PREVOTE, 0, b"X", "bcd")
    offer = proposal(1, b"X", "c", vr=0)
    tell(rich, CarriedProposal(offer, polka))
    assert missing_for(rich, announced(poor)) == [CarriedProposal(offer, polka)]
    tell(poor, CarriedProposal(offer, None))  # a peer forgot the polka
    assert announced(poor).polka_missing
    assert missing_for(rich, announced(poor)) == [CarriedProposal(offer, polka)]
    tell(poor, *missing_for(rich, announced(poor)))
    assert not announced(poor).polka_missing
    assert missing_for(rich, announced(poor)) == []


def test_a_peer_at_an_older_height_is_named_for_the_caller() -> None:
    old = replace(announced(started()), height=HEIGHT - 2)
    assert missing_for(started(), old) == [PeerBehind(HEIGHT - 2)]


def test_a_peer_at_a_later_height_or_decided_lacks_nothing_here() -> None:
    core = started()
    tell(core, prevote(0, None, "b"))
    here = announced(started())
    assert missing_for(core, replace(here, height=HEIGHT + 1)) == []
    assert missing_for(core, replace(here, decided=True)) == []


def test_a_decision_is_delivered_with_its_proposal() -> None:
    decided, poor = started(), started()
    offer = CarriedProposal(proposal(0, b"X", "b"), None)
    commit = certificate(VoteKind.PRECOMMIT, 0, b"X", "bcd")
    tell(decided, offer, commit)
    assert announced(decided).decided
    poor.handle(TimeoutElapsed(Step.PRECOMMIT, HEIGHT, 0, 0))
    sent = missing_for(decided, announced(poor))
    assert sent == [offer, commit]
    tell(poor, *sent)
    assert poor.decision is not None


def test_a_peer_in_an_earlier_round_gets_both_rounds() -> None:
    ahead, behind = started(), started()
    tell(ahead, prevote(0, None, "b"), prevote(2, None, "c"), precommit(2, None, "d"))
    tell(ahead, CarriedProposal(proposal(2, b"X", "d"), None))
    assert ahead.process.round == 2
    sent = missing_for(ahead, announced(behind))
    assert sent[0] == prevote(0, None, "b")
    tell(behind, *sent)
    assert behind.process.round == 2


def test_a_peer_in_a_later_round_gets_what_is_held_of_it() -> None:
    behind, ahead = started(), started()
    tell(ahead, prevote(2, None, "c"), precommit(2, None, "d"))
    tell(behind, prevote(2, None, "b"))
    assert missing_for(behind, announced(ahead)) == [prevote(2, None, "b")]


@pytest.mark.parametrize("kind", list(VoteKind))
def test_a_quorum_that_an_equivocator_hides_is_shown_whole(kind: VoteKind) -> None:
    make = prevote if kind is VoteKind.PREVOTE else precommit
    rich, fooled = started(), started()
    offer = CarriedProposal(proposal(0, b"X", "b"), None)
    tell(rich, offer, *(make(0, b"X", s) for s in "bcd"))
    tell(fooled, offer, make(0, b"Y", "b"), make(0, b"X", "c"), make(0, b"X", "d"))
    assert announced(fooled).prevotes + announced(fooled).precommits == (
        announced(rich).prevotes + announced(rich).precommits
    )
    sent = missing_for(rich, announced(fooled))
    assert certificate(kind, 0, b"X", "bcd") in sent
    tell(fooled, *sent)
    assert fooled.process.book.certificate(kind, 0, b"X") is not None


def test_a_quorum_of_nil_is_shown_whole_too() -> None:
    rich, fooled = started(), started()
    tell(rich, *(prevote(0, None, s) for s in "bcd"))
    tell(fooled, prevote(0, b"Y", "b"), prevote(0, None, "c"), prevote(0, None, "d"))
    assert missing_for(rich, announced(fooled)) == [certificate(VoteKind.PREVOTE, 0, None, "bcd")]


def test_the_other_proposal_of_an_equivocator_is_sent_when_a_quorum_chose_it() -> None:
    rich, fooled = started(), started()
    tell(rich, CarriedProposal(proposal(0, b"X", "b"), None))
    tell(fooled, CarriedProposal(proposal(0, b"Y", "b"), None))
    for core in (rich, fooled):
        tell(core, *(prevote(0, b"X", s) for s in "acd"))
    sent = missing_for(rich, announced(fooled))
    assert CarriedProposal(proposal(0, b"X", "b"), None) in sent
    tell(fooled, *sent)
    assert announced(fooled).proposals == (b"Y", b"X")
    assert missing_for(rich, announced(fooled)) == []


def test_an_undecided_commit_is_passed_on() -> None:
    """The value is missing here; perhaps not there."""
    holder, peer = started(), started()
    tell(holder, *(precommit(0, b"X", s) for s in "bcd"))
    sent = missing_for(holder, announced(peer))
    assert sent[0] == certificate(VoteKind.PRECOMMIT, 0, b"X", "bcd")


def test_the_answer_is_bounded() -> None:
    rich = started()
    tell(rich, *(prevote(0, None, s) for s in "bcd"))
    assert len(missing_for(rich, announced(started()), limit=2)) == 2


bitmaps = st.binary(max_size=13)
lies = st.builds(
    Announcement,
    st.integers(1, 9),
    st.integers(0, 5),
    st.sampled_from(Step),
    st.booleans(),
    st.lists(st.sampled_from([b"X", b"Y"]), max_size=2).map(tuple),
    st.booleans(),
    bitmaps,
    bitmaps,
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(lies, max_size=5))
def test_lies_cost_nothing_but_messages(told: list[Announcement]) -> None:
    core = started()
    tell(core, CarriedProposal(proposal(0, b"X", "b"), None), prevote(0, b"X", "b"))
    before, views = announced(core), PeerViews()
    for lie in told:
        assert len(missing_for(core, lie)) <= 3
        views.heard(b"liar", lie)
        views.take_missing(core, b"liar")
    assert announced(core) == before


messages = st.one_of(
    st.builds(
        prevote, st.integers(0, 2), st.sampled_from([None, b"X", b"Y"]), st.sampled_from("abcd")
    ),
    st.builds(
        precommit, st.integers(0, 2), st.sampled_from([None, b"X", b"Y"]), st.sampled_from("abcd")
    ),
    st.integers(0, 2).map(lambda r: CarriedProposal(proposal(r, b"X", "bcda"[r]), None)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=25), st.lists(messages, max_size=25))
def test_two_that_exchange_end_up_with_the_same_round_and_nothing_to_say(
    one: list[Delivery], other: list[Delivery]
) -> None:
    a, b = started(), started()
    tell(a, *one)
    tell(b, *other)
    for _ in range(12):
        tell(b, *missing_for(a, announced(b)))
        tell(a, *missing_for(b, announced(a)))
    if a.decision is None and b.decision is None and a.process.round == b.process.round:
        held = [announced(core) for core in (a, b)]
        assert held[0].prevotes == held[1].prevotes
        assert held[0].precommits == held[1].precommits
        assert held[0].prevote_quorum == held[1].prevote_quorum
    assert (a.decision is None) == (b.decision is None)


# Views of peers.


def test_what_was_sent_is_not_sent_again_until_it_is_announced_as_missing() -> None:
    rich, poor, views = started(), started(), PeerViews()
    assert views.take_missing(rich, b"p") == []
    tell(
        rich,
        CarriedProposal(proposal(0, b"X", "b"), None),
        *(prevote(0, b"X", s) for s in "bcd"),
        *(precommit(0, None, s) for s in "bc"),
    )
    views.heard(b"p", replace(announced(poor), prevotes=b"", precommits=b""))
    first = views.take_missing(rich, b"p")
    assert len(first) == 8  # proposal, five votes; the polka whole, with its proposal
    assert views.take_missing(rich, b"p") == []
    tell(rich, precommit(0, None, "d"))
    again = views.take_missing(rich, b"p")
    assert again[0] == precommit(0, None, "d")
    assert views.take_missing(rich, b"p") == []
    views.heard(b"p", announced(poor))
    assert len(views.take_missing(rich, b"p")) >= 7
    views.forget(b"p")
    assert views.take_missing(rich, b"p") == []


def test_deliveries_of_other_rounds_do_not_change_the_view() -> None:
    ahead, views = started(), PeerViews()
    tell(ahead, prevote(2, None, "c"), precommit(2, None, "d"))
    views.heard(b"p", announced(started()))
    assert views.take_missing(ahead, b"p") == views.take_missing(ahead, b"p")


# Turns in a large set.
def _large(count: int) -> tuple[list[Core], list[Vote]]:
    """Cores of a set of `count` that hold everybody's prevote for nil, and those prevotes."""
    names = [b"v%03d" % n for n in range(count)]
    members = ValidatorSet(Validator(name, 1) for name in names)
    votes = [Vote(VoteKind.PREVOTE, HEIGHT, 0, None, 0, name, b"s") for name in names]
    cores = []
    for name in names:
        core = Core(HEIGHT, members, name, lambda _: names[0], core_of("a").process.timeouts)
        core.handle(Start(0))
        for vote in votes:
            core.handle(VoteReceived(vote, 0))
        cores.append(core)
    return cores, votes


def test_in_a_large_set_about_eight_send_what_others_signed_and_in_the_end_everybody_has() -> None:
    cores, votes = _large(40)
    members = cores[0].process.validators
    behind = Core(HEIGHT, members, None, lambda _: b"v000", cores[0].process.timeouts)
    behind.handle(Start(0))
    views = [PeerViews() for _ in cores]
    full: list[int] = []
    for _ in range(5):
        here = announced(behind)
        answers = []
        for view, core in zip(views, cores, strict=True):
            view.heard(b"p", here)
            answers.append([x for x in view.take_missing(core, b"p") if isinstance(x, Vote)])
        full.append(sum(len(answer) > 1 for answer in answers))
        for own, answer in zip(votes, answers, strict=True):
            assert own in answer  # never a turn to wait for with what one has signed
    assert full == [8] * 5


def test_in_a_large_set_own_votes_of_a_later_round_and_own_proposals_go_to_who_is_behind() -> None:
    members = ValidatorSet(Validator(b"v%03d" % n, 1) for n in range(40))
    ahead = Core(HEIGHT, members, b"v001", lambda _: b"v001", core_of("a").process.timeouts)
    ahead.handle(Start(0))
    for n in range(20):
        ahead.handle(
            VoteReceived(Vote(VoteKind.PREVOTE, HEIGHT, 2, None, 0, b"v%03d" % n, b"s"), 0)
        )
    assert ahead.process.round == 2
    behind = Core(HEIGHT, members, None, lambda _: b"v001", core_of("a").process.timeouts)
    behind.handle(Start(0))
    offer = Proposal(HEIGHT, 2, b"X", -1, 0, b"v001", b"s")
    ahead.handle(ProposalReceived(offer, None, 0))
    own = own_missing_for(ahead, announced(behind))
    assert own == [
        CarriedProposal(offer, None),
        Vote(VoteKind.PREVOTE, HEIGHT, 2, None, 0, b"v001", b"s"),
    ]
    assert own_missing_for(ahead, replace(announced(behind), height=HEIGHT - 1)) == [
        PeerBehind(HEIGHT - 1)
    ]
    assert own_missing_for(ahead, replace(announced(behind), decided=True)) == []
    assert own_missing_for(behind, announced(behind)) == []
