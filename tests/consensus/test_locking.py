"""When a validator locks, keeps its lock, and may vote for something else (L22-43)."""

from consensus.effects import Broadcast
from consensus.inputs import ProposalReceived, ValueChecked
from consensus.messages import CarriedProposal, VoteKind
from tests.consensus.bench import Bench, certificate, core_of, proposal


def locked_on_x() -> Bench:
    """Validator a, locked on X in round 0, now in round 1 (proposer c)."""
    a = Bench("a")
    a.proposal(0, "X")
    a.prevotes(0, "X", "bc")
    a.precommits(0, "nil", "bc")
    assert a.timeout("precommit", 0) == ["timer propose 1"]
    assert a.locked == ("X", 0)
    return a


def test_locked_on_another_value_prevotes_nil() -> None:
    assert locked_on_x().proposal(1, "Y") == ["prevote 1 nil"]  # L26


def test_locked_prevotes_its_own_value_proposed_afresh() -> None:
    assert locked_on_x().proposal(1, "X") == ["prevote 1 X"]  # L23: lockedValue = v


def test_a_polka_of_nil_does_not_unlock() -> None:
    a = locked_on_x()
    a.proposal(1, "Y")
    assert a.prevotes(1, "nil", "bc") == ["precommit 1 nil"]
    assert a.locked == ("X", 0)
    a.precommits(1, "nil", "bc")
    a.timeout("precommit", 1)
    assert a.proposal(2, "Y") == ["prevote 2 nil"]


def test_a_valid_round_without_its_polka_waits() -> None:
    a = locked_on_x()
    a.timeout("propose", 1)
    a.precommits(1, "nil", "bcd")
    a.timeout("precommit", 1)
    assert a.proposal(2, "Y", vr=1) == []  # L28 needs 2f+1 prevotes of round 1
    assert a.prevotes(1, "Y", "bc") == []
    assert a.prevotes(1, "Y", "d") == ["prevote 2 Y"]


def test_a_later_polka_unlocks() -> None:
    """L29: lockedRound <= vr, though lockedValue differs."""
    a = locked_on_x()
    a.timeout("propose", 1)
    a.prevotes(1, "Y", "bcd")
    assert a.locked == ("X", 0)  # no proposal for Y in round 1: L36 did not fire
    a.precommits(1, "nil", "bc")
    a.timeout("precommit", 1)
    assert a.proposal(2, "Y", vr=1) == ["prevote 2 Y"]


def test_a_polka_of_the_round_of_the_lock_is_enough() -> None:
    """L29 with lockedRound = vr."""
    a = locked_on_x()
    assert a.prevotes(0, "X", "d") == []
    assert a.proposal(1, "X", vr=0) == ["prevote 1 X"]


def test_an_earlier_polka_does_not_unlock() -> None:
    """L29: vr < lockedRound and another value."""
    a = Bench("a")
    a.timeout("propose", 0)
    a.prevotes(0, "Y", "bcd")
    a.precommits(0, "nil", "bc")
    a.timeout("precommit", 0)
    a.proposal(1, "X")
    a.prevotes(1, "X", "bc")
    assert a.locked == ("X", 1)
    a.precommits(1, "nil", "bc")
    a.timeout("precommit", 1)
    assert a.proposal(2, "Y", vr=0) == ["prevote 2 nil"]  # L32


def test_an_earlier_polka_for_the_locked_value_is_voted_for() -> None:
    """L29: lockedValue = v, though lockedRound > vr."""
    a = Bench("a")
    a.timeout("propose", 0)
    a.prevotes(0, "X", "bcd")
    a.precommits(0, "nil", "bc")
    a.timeout("precommit", 0)
    a.proposal(1, "X")
    a.prevotes(1, "X", "bc")
    a.precommits(1, "nil", "bc")
    a.timeout("precommit", 1)
    assert a.locked == ("X", 1)
    assert a.proposal(2, "X", vr=0) == ["prevote 2 X"]


def test_a_valid_round_that_is_not_earlier_is_never_voted_on() -> None:
    """L28: vr < round_p."""
    a = Bench("a")
    a.prevotes(0, "X", "bcd")
    assert a.proposal(0, "X", vr=0) == []
    b = Bench("a")
    assert b.proposal(0, "X", vr=3) == []


def test_an_invalid_value_gets_nil_with_and_without_a_polka() -> None:
    assert Bench("a", invalid="X").proposal(0, "X") == ["prevote 0 nil"]  # L23, L26
    a = Bench("a", invalid="X")
    a.timeout("propose", 0)
    a.prevotes(0, "X", "bcd")
    a.precommits(0, "nil", "bc")
    a.timeout("precommit", 0)
    assert a.proposal(1, "X", vr=0) == ["prevote 1 nil"]  # L29, L32


def test_a_polka_for_an_invalid_value_does_not_lock() -> None:
    """L36: valid(v)."""
    a = Bench("a", invalid="X")
    a.proposal(0, "X")
    assert a.prevotes(0, "X", "bcd") == ["timer prevote 0"]
    assert a.locked == ("nil", -1)
    assert a.valid == ("nil", -1)


def test_the_lock_rule_waits_for_step_prevote() -> None:
    a = Bench("a", unanswered="X")
    assert a.proposal(0, "X") == ["check X"]
    assert a.prevotes(0, "X", "bcd") == []
    assert a.checked("X", True) == ["prevote 0 X", "precommit 0 X"]


def test_valid_value_is_set_in_step_precommit_without_a_lock() -> None:
    """L36-43: the polka comes after the prevote timeout."""
    a = Bench("a")
    a.proposal(0, "X")
    a.prevotes(0, "nil", "bc")
    assert a.timeout("prevote", 0) == ["precommit 0 nil"]
    assert a.at == (0, "precommit")
    assert a.certificate("prevote", 0, "X", "bcd") == ["evidence b 0", "evidence c 0"]
    assert a.locked == ("nil", -1)
    assert a.valid == ("X", 0)


def test_a_late_polka_after_precommit_nil_sets_valid_value() -> None:
    a = Bench("a")
    a.timeout("propose", 0)
    assert a.prevotes(0, "X", "bc") == ["timer prevote 0"]
    a.timeout("prevote", 0)
    a.prevotes(0, "X", "d")
    assert a.valid == ("nil", -1)
    assert a.proposal(0, "X") == []  # proposal last: L36 fires now, without a vote
    assert a.valid == ("X", 0)
    assert a.locked == ("nil", -1)


def test_the_lock_rule_fires_once_per_round() -> None:
    a = Bench("a")
    a.proposal(0, "X")
    assert a.prevotes(0, "X", "bc") == ["precommit 0 X"]
    assert a.prevotes(0, "X", "d") == []


def test_valid_value_is_proposed_again_with_its_round() -> None:
    """L15-16: a proposes in round 1 what it saw valid in round 0."""
    a = Bench("a", turns="ba")
    a.proposal(0, "X")
    a.prevotes(0, "X", "bc")
    a.precommits(0, "nil", "bc")
    assert a.timeout("precommit", 0) == ["propose 1 X vr0", "prevote 1 X"]


def test_the_valid_value_may_be_later_than_the_lock() -> None:
    """Locked on X in round 0, but Y was seen valid in round 1: propose Y."""
    a = Bench("a", turns="bca")
    a.proposal(0, "X")
    a.prevotes(0, "X", "bc")
    a.precommits(0, "nil", "bc")
    a.timeout("precommit", 0)
    assert a.proposal(1, "Y") == ["prevote 1 nil"]
    a.prevotes(1, "nil", "b")
    a.prevotes(1, "Y", "c")
    assert a.timeout("prevote", 1) == ["precommit 1 nil"]
    a.certificate("prevote", 1, "Y", "bcd")
    assert (a.locked, a.valid) == (("X", 0), ("Y", 1))
    a.precommits(1, "nil", "bc")
    assert a.timeout("precommit", 1) == ["propose 2 Y vr1", "prevote 2 Y"]


def test_a_second_lock_moves_to_the_later_round() -> None:
    a = locked_on_x()
    a.proposal(1, "X", vr=0)
    a.prevotes(0, "X", "d")
    assert a.prevotes(1, "X", "bc")[-1] == "precommit 1 X"
    assert a.locked == ("X", 1)


def test_a_proposal_brings_the_polka_it_needs() -> None:
    core = core_of("a")
    core.process.start_round(1)
    core.process.take_effects()
    polka = certificate(VoteKind.PREVOTE, 0, b"X", "bcd")
    core.handle(ProposalReceived(proposal(1, b"X", "c", vr=0), polka, 0))
    effects = core.handle(ValueChecked(b"X", True, 0))
    assert core.process.step.name == "PREVOTE"
    assert not any(isinstance(effect, Broadcast) for effect in effects)  # not signed yet


def test_a_proposal_is_carried_with_its_polka() -> None:
    a = Bench("a", turns="ba")
    a.proposal(0, "X")
    a.prevotes(0, "X", "bc")
    a.precommits(0, "nil", "bc")
    a.timeout("precommit", 0)
    carried = a.core.resume()[0]
    assert isinstance(carried, Broadcast)
    assert isinstance(carried.message, CarriedProposal)
    polka = carried.message.polka
    assert polka is not None
    assert (polka.round, polka.block_id) == (0, b"X")
    assert [entry.validator for entry in polka.signatures] == [b"a", b"b", b"c"]
