"""Nodes that know the last height of their version stop there; the next version goes on."""

from simulator.network import Options, SimulatedNetwork
from tests.simulation.test_state_sync import LINKS, founded

LAST = 12


def network(*, late: bool) -> tuple[SimulatedNetwork, list[str], str]:
    """Four members and an observer, who all know the height; `late`: the observer starts later."""
    plan = founded()
    made = SimulatedNetwork(plan, Options(seed=3, empty_block_ms=200), LINKS)
    for node in made.nodes.values():
        node.ends_after(LAST)
    members = [who.lei for who in plan.members]
    observer = plan.observers[0].lei
    made.start(members if late else [*members, observer])
    return made, members, observer


def test_nobody_decides_or_votes_on_a_block_above_it() -> None:
    made, _, _ = network(late=False)
    assert made.run(lambda: min(made.heights()) >= LAST, 60_000)
    assert not made.run(lambda: max(made.heights()) > LAST, 30_000)
    nodes = made.nodes.values()
    assert len({node.core.tip.state.root for node in nodes}) == 1
    assert all(node.core.halted and not node.core.deciding.run.started for node in nodes)


def test_who_comes_late_gets_the_last_block_from_those_that_have_stopped() -> None:
    made, members, observer = network(late=True)
    assert made.run(lambda: min(made.heights()) >= LAST, 60_000)
    made.start([observer])
    assert made.run(lambda: made.nodes[observer].core.tip.height == LAST, 60_000)
    assert made.faults == []
    assert made.nodes[members[0]].core.tip.block_id == made.nodes[observer].core.tip.block_id


def test_the_next_version_goes_on_and_who_is_not_upgraded_stays_without_blame() -> None:
    made, members, observer = network(late=False)
    assert made.run(lambda: min(made.heights()) >= LAST, 60_000)
    for name in members:
        made.crash(name)
        made.nodes[name].ends_after(0)
    made.start(members)
    upgraded = [made.nodes[name] for name in members]
    assert made.run(lambda: min(x.core.tip.height for x in upgraded) >= LAST + 5, 60_000)
    assert made.nodes[observer].core.tip.height == LAST
    assert made.faults == []
