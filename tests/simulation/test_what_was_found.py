"""Situations in which the simulator has found a network halted, or a rule broken."""

import pytest

from consensus.core import Core
from consensus.effects import Sign
from consensus.inputs import ProposalReceived, Signed, Start, ValueChecked, VoteReceived
from consensus.messages import Proposal, Vote, VoteKind, with_signature
from consensus.timeouts import DEFAULT_TIMEOUTS
from consensus.validators import Validator, ValidatorSet
from simulator.checkers import check_all
from simulator.faults import FOREVER, LoneDecision, Lost, Options, Plan, WrongClock
from simulator.network import SimulatedNetwork
from simulator.scenario import CHAIN_LINKS, Scenario
from tests.simulation.test_networks import founded


def test_a_vote_for_a_block_bears_a_later_time_than_the_block() -> None:
    """Else the median of its commit is no later, and no block can follow."""
    keys = [bytes([n]) * 32 for n in range(1, 5)]
    validators = ValidatorSet(Validator(key, 1) for key in keys)
    block, block_time_ms, slow_clock_ms = b"b" * 32, 5_000, 4_200
    core = Core(
        7,
        validators,
        keys[0],
        lambda _round: keys[1],
        DEFAULT_TIMEOUTS,
        time_ms_min=4_000,
        block_time_ms=lambda _block: block_time_ms,
    )
    now = slow_clock_ms
    said: list[Vote] = []
    given = [
        Start(now),
        ProposalReceived(Proposal(7, 0, block, -1, now, keys[1], b""), None, now),
        ValueChecked(block, True, now),
        *(
            VoteReceived(Vote(VoteKind.PREVOTE, 7, 0, block, now, key, b""), now)
            for key in keys[1:3]
        ),
    ]
    for one in given:
        for effect in core.handle(one):
            if isinstance(effect, Sign):
                assert isinstance(effect.message, Vote)
                said.append(effect.message)
                core.handle(Signed(with_signature(effect.message, bytes(64)), now))
    assert [vote.kind for vote in said] == list(VoteKind)
    assert {vote.time_ms for vote in said} == {block_time_ms + 1}


@pytest.mark.parametrize("seed", range(3))
def test_clocks_that_differ_by_less_than_a_second_halt_nobody(seed: int) -> None:
    clocks = tuple(
        WrongClock(3_000, end, node, skew, 0)
        for node, skew, end in ((0, 700, 6_000), (1, -700, FOREVER), (2, 300, 9_000))
    )
    assert Scenario(Options(seed=seed), Plan((3, 3, 2, 1), 0, clocks)).run().violations == []


def test_a_validator_behind_its_signer_follows_every_height_it_has_signed_for() -> None:
    made = SimulatedNetwork(founded(4), Options(seed=1), CHAIN_LINKS)
    made.start()
    made.run(lambda: min(made.heights()) >= 6)
    victim, *others = list(made.nodes)
    for name in others[1:]:
        made.crash(name)
    made.run(lambda: False, 4_000)
    node = made.nodes[victim]
    last = node.disk.signer.last if node.disk.signer is not None else None
    assert last is not None
    assert last.height == node.disk.tip.height + 1, "it has signed where nothing is decided"
    made.crash(victim)
    node.disk.lose(Lost.BACKUP, 3)
    made.start([others[1], victim])
    made.run(lambda: False, 10_000)
    assert node.disk.tip.height == last.height - 1, "it has caught up with what is decided"
    assert node.core.deciding.run.me is None
    made.start([others[2]])
    assert made.run(lambda: min(made.heights()) >= last.height + 5)
    assert node.core.deciding.run.me is not None
    assert check_all(made.record(robbed=[victim])) == []


@pytest.mark.parametrize("log_lost", [True, False])
@pytest.mark.parametrize("struck", range(4))
def test_a_locked_validator_that_crashes_breaks_no_promise(struck: int, log_lost: bool) -> None:
    plan = Plan((1, 1, 1, 1), 0, (LoneDecision(1_037, 5_000, 0, struck, log_lost),))
    assert Scenario(Options(seed=1), plan).run().violations == []
