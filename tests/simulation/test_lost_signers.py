"""Signers that forget, or are not there: nobody signs twice, and everybody votes again."""

import msgspec
import pytest

from consensus.signer import SAFE_HEIGHTS, SKEW_MS, Place, SignerGone, place_of
from node.core import inputs as i
from simulator.checkers import check_all
from simulator.faults import Lost, Options
from simulator.network import SimulatedNetwork
from simulator.scenario import CHAIN_LINKS
from tests.simulation.test_networks import founded

FOUNDED = founded(4)
TIME_MAX = 120_000


class Watched:
    """A network of four whose every signature is remembered."""

    def __init__(self, **options: int) -> None:
        self.network = SimulatedNetwork(FOUNDED, Options(seed=5, **options), CHAIN_LINKS)
        self.names = list(self.network.nodes)

    def signed(self, name: str) -> list[Place]:
        """Where `name` has signed, in order."""
        signatures = self.network.journal.signatures
        return [place_of(one.message) for one in signatures if one.node == name]

    def until_height(self, height: int, *names: str) -> None:
        nodes = [self.network.nodes[name] for name in names or self.names]
        assert self.network.run(
            lambda: all(node.core.tip.height >= height for node in nodes if node.up), TIME_MAX
        )

    def restart(self, name: str, lost: Lost | None = None) -> None:
        self.network.crash(name)
        self.network.run(lambda: False, 500)
        if lost is not None:
            self.network.nodes[name].disk.lose(lost, 0)
        self.network.start([name])

    def highest(self, name: str) -> int:
        return max(place[0] for place in self.signed(name))

    def until_it_votes(self, name: str, after: int) -> None:
        assert self.network.run(
            lambda: any(place[0] > after for place in self.signed(name)[-3:]), TIME_MAX
        ), self.network.nodes[name].core.deciding.voting.hindrance
        self.until_height(self.network.nodes[name].core.tip.height + 3)
        assert check_all(self.network.record(robbed=[name])) == []


def test_a_wiped_validator_votes_again_once_later_blocks_prove_it_safe() -> None:
    made = Watched()
    made.network.start()
    made.until_height(12)
    name = made.names[2]
    before = made.highest(name)
    count = len(made.signed(name))
    came_up = made.network.now_ms + 500
    made.network.nodes[name].disk.lose(Lost.SIGNER_GONE, 0)
    made.restart(name, Lost.WIPED)
    made.until_it_votes(name, before)
    new = made.signed(name)[count:]
    state = made.network.nodes[name].disk.signer
    assert state is not None
    assert min(new)[0] == state.from_height > before + 1
    proof = made.network.nodes[name].disk.blocks[state.from_height - SAFE_HEIGHTS - 1]
    fresh = [e for e in proof.commit.signatures if e.time_ms > came_up + SKEW_MS]
    assert len(fresh) >= 3


def test_an_old_copy_of_the_signers_state_is_noticed() -> None:
    made = Watched()
    made.network.start()
    made.until_height(8)
    name = made.names[1]
    old = made.network.nodes[name].disk.signer
    made.until_height(20)
    before = made.highest(name)
    disk = made.network.nodes[name].disk
    disk.signer = old
    made.restart(name)
    assert made.network.nodes[name].core.deciding.voting.hindrance
    made.until_it_votes(name, before)


@pytest.mark.parametrize("seed", range(4))
def test_a_lost_state_with_everything_else_intact(seed: int) -> None:
    made = Watched(loss_permille=20 * seed)
    made.network.start()
    made.until_height(6 + seed)
    name = made.names[seed]
    before = made.highest(name)
    disk = made.network.nodes[name].disk
    disk.signer = None
    made.restart(name)
    made.until_it_votes(name, before)


def test_a_network_whose_signers_all_come_late_goes_on_at_its_height() -> None:
    """Nobody knows at the start what was signed: all follow, then begin the height again."""
    made = Watched()
    made.network.start()
    made.until_height(7)
    for name in made.names:
        made.network.crash(name)
    made.network.run(lambda: False, 500)
    nodes = made.network.nodes
    states = {name: nodes[name].disk.signer for name in made.names}
    for name in made.names:
        nodes[name].disk.signer = None
    made.network.start()
    for name in made.names:
        nodes[name].take(i.SignerFound(SignerGone.AWAY, made.network.now_ms))
    heights = made.network.heights()
    made.network.run(lambda: False, 5_000)
    assert made.network.heights() == heights
    for name in made.names:
        state = states[name]
        assert state is not None
        nodes[name].disk.signer = state
        nodes[name].take(i.SignerFound(state, made.network.now_ms))
    made.until_height(max(heights) + 5)
    assert check_all(made.network.record(robbed=made.names)) == []


def test_a_signer_that_loses_its_state_while_the_node_runs() -> None:
    made = Watched()
    made.network.start()
    made.until_height(7)
    name = made.names[0]
    node = made.network.nodes[name]
    before = made.highest(name)
    node.disk.signer = None
    node.take(i.SignerFound(SignerGone.LOST, made.network.now_ms))
    made.until_it_votes(name, before)


def test_a_signer_that_is_away_for_a_while_is_followed_by_votes_again() -> None:
    """Started without the signer: follows; the signer's state tells when it may go on."""
    made = Watched()
    made.network.start()
    made.until_height(5)
    name = made.names[3]
    node = made.network.nodes[name]
    state = node.disk.signer
    assert state is not None
    made.network.crash(name)
    node.disk.signer = None
    made.network.start([name])
    node.take(i.SignerFound(SignerGone.AWAY, made.network.now_ms))
    made.network.run(lambda: False, 30_000)
    assert node.core.deciding.run.me is None
    node.disk.signer = msgspec.structs.replace(state)
    before = made.highest(name)
    node.take(i.SignerFound(state, made.network.now_ms))
    made.until_it_votes(name, before)
