"""A node far behind, among peers that lie about blocks: it gets there, and blames only them."""

from collections.abc import Callable

import msgspec
import pytest

from consensus.signer import raised
from node.blocks import DecidedBlock
from node.core import effects as e
from node.core import inputs as i
from simulator.chain import Scribe
from simulator.checkers import check_all
from simulator.network import Options, SimulatedNetwork
from tests.simulation.test_state_sync import LINKS, founded

BLOCKS = 400

Lie = Callable[[i.BlocksLoaded], i.BlocksLoaded]
replace = msgspec.structs.replace


def _forged(loaded: i.BlocksLoaded) -> i.BlocksLoaded:
    """Another time in the header: the commit is of another block."""

    def forge(decided: DecidedBlock) -> DecidedBlock:
        header = replace(decided.block.header, time_ms=decided.block.header.time_ms + 1)
        return replace(decided, block=replace(decided.block, header=header))

    return replace(loaded, blocks=tuple(map(forge, loaded.blocks)))


def _half_a_commit(loaded: i.BlocksLoaded) -> i.BlocksLoaded:
    def halve(decided: DecidedBlock) -> DecidedBlock:
        return replace(
            decided, commit=replace(decided.commit, signatures=decided.commit.signatures[:2])
        )

    return replace(loaded, blocks=tuple(map(halve, loaded.blocks)))


def _nothing(loaded: i.BlocksLoaded) -> i.BlocksLoaded:
    return replace(loaded, blocks=())


def _pruned(loaded: i.BlocksLoaded) -> i.BlocksLoaded:
    return replace(loaded, oldest=BLOCKS, blocks=())


def _others(loaded: i.BlocksLoaded) -> i.BlocksLoaded:
    return replace(loaded, blocks=loaded.blocks[::-1])


def _one_at_a_time(loaded: i.BlocksLoaded) -> i.BlocksLoaded:
    return replace(loaded, blocks=loaded.blocks[:1])


@pytest.mark.parametrize(
    ("lie", "is_fault"),
    [
        (_forged, True),
        (_half_a_commit, True),
        (_others, True),
        (_nothing, False),
        (_pruned, False),
        (_one_at_a_time, False),
    ],
)
@pytest.mark.parametrize("loss_permille", [0, 50])
def test_a_node_far_behind_gets_there_in_spite_of_liars(
    lie: Lie, is_fault: bool, loss_permille: int
) -> None:
    world = founded()
    network = SimulatedNetwork(world, Options(seed=4, loss_permille=loss_permille), LINKS)
    members = [network.nodes[who.lei] for who in world.members]
    late = network.nodes[world.observers[0].lei]
    scribe = Scribe(world, LINKS)
    for entry in scribe.write_many(BLOCKS):
        for node in members:
            node.disk.commit(entry.decided, entry.tip)
    for node in members:  # the chain was signed with their keys
        state = node.disk.signer
        assert state is not None
        node.disk.signer = raised(state, state.chain_id, state.validator, BLOCKS + 1)
    network.now_ms = scribe.tip.time_ms + 1_000
    for node in members[:3]:
        honest = node._carry_out

        def lying(
            effect: e.Effect, now_ms: int, honest: Callable[..., i.Input | None] = honest
        ) -> i.Input | None:
            answer = honest(effect, now_ms)
            return lie(answer) if isinstance(answer, i.BlocksLoaded) else answer

        node._carry_out = lying  # type: ignore[method-assign]
    network.start()
    assert network.run(lambda: late.core.tip.height >= BLOCKS, 300_000)
    for node in members[:3]:  # three of four that never tell would stop a lossy network for good
        del node._carry_out
    assert network.run(lambda: min(network.heights()) >= BLOCKS + 3, 300_000)
    found = [one for one in check_all(network.record()) if one.checker != "faults"]
    assert found == []
    blamed = [one.peer for one in network.journal.punishments if one.node == late.name]
    liars = [node.name for node in members[:3]]
    assert set(blamed) <= set(liars)
    assert bool(blamed) == is_fault
