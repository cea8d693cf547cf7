"""Whole networks of real node cores in virtual time: they agree, they go on, they repeat."""

import pytest

from ledger.actions import Mint
from ledger.transactions import signed, unsigned
from node.core.seedchain import SeedChain
from node.founding import CURRENCY, Founded, Plan, found
from simulator.checkers import check_all
from simulator.faults import Options
from simulator.network import SimulatedNetwork
from simulator.scenario import CHAIN_LINKS
from wire.ids import Date


def founded(members: int, observers: int = 0) -> Founded:
    plan = Plan(
        chain_id="sim-test",
        seed=3,
        members=members,
        observers=observers,
        time_ms=1_700_000_000_000,
        shares=("KO",),
        calendar=(Date(20080912),),
        maturity=Date(20081219),
        seed_chain_length=CHAIN_LINKS,
    )
    return found(plan)


def network(members: int = 4, observers: int = 0, **options: int) -> SimulatedNetwork:
    chosen = Options(seed=1, **options)
    return SimulatedNetwork(founded(members, observers), chosen, CHAIN_LINKS)


@pytest.mark.parametrize("members", [1, 2, 4, 10])
def test_networks_of_any_size_decide(members: int) -> None:
    made = network(members)
    made.start()
    assert made.run(lambda: min(made.heights()) >= 5)
    assert check_all(made.record()) == []


def test_an_idle_network_makes_blocks_at_a_slow_pace() -> None:
    made = network(empty_block_ms=5_000)
    made.start()
    made.run(lambda: min(made.heights()) >= 2)
    begin, height = made.now_ms, max(made.heights())
    made.run(lambda: False, 60_000)
    assert made.now_ms - begin > 50_000
    assert max(made.heights()) - height <= 13


def test_a_change_is_followed_promptly_by_a_block_that_proves_it() -> None:
    made = network(empty_block_ms=60_000)
    made.start()
    made.run(lambda: min(made.heights()) >= 2)
    who = next(iter(made.nodes))
    issuer = founded(4).issuer
    height = max(made.heights())
    tx = unsigned("sim-test", Mint(CURRENCY, issuer.lei, 5, "R"), nonce=1, valid_until=height + 9)
    made.submit(who, signed(tx, issuer.key("treasury")))
    begin = made.now_ms
    blocks = made.nodes[who].disk.blocks

    def followed() -> bool:
        return any(b.block.transactions for b in blocks[:-1])

    assert made.run(followed, 5_000)
    assert made.now_ms - begin < 2_000
    changed = next(b for b in blocks if b.block.transactions).block.header
    after = blocks[changed.height].block.header
    assert after.receipts_root != changed.receipts_root


def test_a_node_that_was_down_catches_up_and_votes_again() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 3)
    victim = list(made.nodes)[1]
    made.crash(victim)
    made.run(lambda: min(made.heights()) >= 30, 120_000)
    made.start([victim])
    assert made.run(lambda: min(made.heights()) >= 33, 120_000)
    key = made.nodes[victim].core.deciding.run.me
    assert made.run(
        lambda: any(
            entry.validator == key for entry in made.nodes[victim].disk.blocks[-1].commit.signatures
        ),
        30_000,
    )
    assert check_all(made.record()) == []


def test_without_a_quorum_nothing_is_decided_and_with_it_again() -> None:
    made = network(4)
    made.start()
    made.run(lambda: min(made.heights()) >= 3)
    for victim in list(made.nodes)[:2]:
        made.crash(victim)
    height = max(made.heights())
    made.run(lambda: False, 30_000)
    assert max(made.heights()) <= height + 1
    made.start(list(made.nodes)[:2])
    assert made.run(lambda: min(made.heights()) >= height + 5, 60_000)


def test_an_observer_follows_without_a_vote() -> None:
    made = network(4, 1)
    made.start()
    assert made.run(lambda: min(made.heights()) >= 10)
    observer = list(made.nodes)[-1]
    assert made.nodes[observer].core.deciding.run.me is None
    assert made.nodes[observer].disk.signer.last is None
    assert check_all(made.record()) == []


def test_a_validator_whose_seed_chain_is_used_up_still_votes() -> None:
    whole = founded(4)
    made = SimulatedNetwork(whole, Options(seed=1), CHAIN_LINKS)
    poor = whole.members[0].lei
    made.start()
    made.nodes[poor].core.deciding._seed_chain = SeedChain(b"another chain" + bytes(19), 8)
    assert made.run(lambda: min(made.heights()) >= 12, 120_000)
    assert made.counts["cannot_propose"] >= 1
    assert made.faults == []
