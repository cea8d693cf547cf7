"""A network that is stuck says who is missing and what it waits for."""

from node.standing import standing
from simulator.network import SimulatedNetwork
from tests.simulation.test_networks import network


def asked(made: SimulatedNetwork, name: str, up: list[str]) -> dict[str, object]:
    node = made.nodes[name]
    return standing(node.core.deciding.run, node.core.tip.state, up, name)


def test_without_two_of_four_the_missing_are_named() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 3)
    names = list(made.nodes)
    for victim in names[:2]:
        made.crash(victim)
    made.run(lambda: False, 10_000)
    found = asked(made, names[3], [names[2]])
    assert (
        found["missing"]
        == [
            row["lei"]  # type: ignore[index]
            for row in found["validators"]  # type: ignore[attr-defined]
            if row["lei"] in names[:2]
        ]
    )
    assert len(found["missing"]) == 2  # type: ignore[arg-type]
    assert found["round"] == 0
    assert "has power" in str(found["waits_for"]) or "the proposal of" in str(found["waits_for"])


def test_an_idle_network_waits_for_something_to_decide() -> None:
    made = network(4, empty_block_ms=60_000)
    made.start()
    made.run(lambda: min(made.heights()) >= 2)
    made.run(lambda: False, 5_000)
    names = list(made.nodes)
    found = asked(made, names[0], names[1:])
    assert (found["step"], found["missing"]) == ("WAITING", [])
    assert "something to decide" in str(found["waits_for"])
