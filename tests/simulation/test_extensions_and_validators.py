"""Vote extensions and validator changes through whole cores."""

from ledger import objects as o
from ledger import tables as t
from ledger.actions import FeedMark, StandDown
from ledger.oracles import ExtensionMarks
from ledger.transactions import signed, unsigned
from node.core import inputs as i
from node.founding import Plan, found
from simulator.checkers import check_all
from simulator.faults import Options
from simulator.network import SimulatedNetwork
from wire.codec import encode
from wire.ids import Date, FeedCode

CHAIN = "extensions"
LINKS = 1 << 10


def _network(members: int) -> tuple[SimulatedNetwork, list[str]]:
    plan = Plan(
        chain_id=CHAIN, seed=5, members=members, observers=1, time_ms=1_700_000_000_000,
        shares=("KO",), calendar=(Date(20080912),), maturity=Date(20081219),
        seed_chain_length=LINKS,
    )  # fmt: skip
    founded = found(plan)
    return SimulatedNetwork(founded, Options(seed=1), LINKS), [who.lei for who in founded.members]


def test_what_a_precommit_carries_is_in_the_next_block_once_and_survives_a_crash() -> None:
    network, names = _network(4)
    network.start()
    carried = encode(ExtensionMarks(Date(20080912), (FeedMark(FeedCode("EQ-KO"), 5_000),)))
    node = network.nodes[names[1]]
    node.take(i.ExtensionOffered(carried, network.now_ms))
    key = node.key.public
    assert network.run(lambda: min(network.heights()) >= 6)
    held = [
        (decided.block.header.height, entry.extension)
        for decided in network.nodes[names[0]].disk.blocks
        for entry in (decided.block.last_commit.signatures if decided.block.last_commit else ())
        if entry.extension
    ]
    assert held
    assert {data for _, data in held} == {carried}
    assert len(held) <= 2  # one more may be under way when the first is decided
    assert all(network.nodes[name].core.deciding._extension == b"" for name in names)
    assert key in node.core.tip.validators
    network.crash(names[1])
    network.start([names[1]])
    height = min(network.heights())
    assert network.run(lambda: min(network.heights()) >= height + 2)
    assert check_all(network.record()) == []


def test_validators_leave_one_after_the_other_down_to_one_and_blocks_go_on() -> None:
    plan = Plan(
        chain_id=CHAIN, seed=5, members=5, observers=0, time_ms=1_700_000_000_000,
        shares=("KO",), calendar=(Date(20080912),), maturity=Date(20081219),
        seed_chain_length=LINKS,
    )  # fmt: skip
    founded = found(plan)
    network = SimulatedNetwork(founded, Options(seed=2, loss_permille=20), LINKS)
    network.start()
    for number, who in enumerate(founded.members[1:]):
        tx = unsigned(CHAIN, StandDown(who.lei), nonce=number, valid_until=1_000)
        network.submit(founded.members[0].lei, signed(tx, who.key("governance")))
        assert network.run(
            lambda left=4 - number: all(
                len(node.core.tip.validators) == left for node in network.nodes.values()
            )
        ), number
    height = min(network.heights())
    assert network.run(lambda: min(network.heights()) >= height + 3)
    state = network.nodes[founded.members[0].lei].core.tip.state
    assert len(state.indexed(t.MEMBERS, o.Role.VALIDATOR)) == 1
    assert check_all(network.record()) == []


def test_a_hundred_validators_decide_and_repeat_little_of_what_others_said() -> None:
    plan = Plan(
        chain_id=CHAIN, seed=5, members=100, observers=0, time_ms=1_700_000_000_000,
        shares=("KO",), calendar=(Date(20080912),), maturity=Date(20081219),
        seed_chain_length=8,
    )  # fmt: skip
    network = SimulatedNetwork(found(plan), Options(seed=1, delay_ms_max=50), 8)
    network.start()
    assert network.run(lambda: min(network.heights()) >= 2)
    assert check_all(network.record()) == []
    sent_by_each = network.counts["messages"] // 100
    assert sent_by_each < 2 * 99 * 2 * 3  # two votes to everybody at two heights, three times over
