"""One validator of four does whatever it likes with good signatures; the others go on as one."""

import pytest

from ledger import tables as t
from ledger.actions import Mint
from ledger.transactions import signed, tx_id, unsigned
from node.founding import CURRENCY
from simulator.checkers import check_all
from tests.node.hostile import CHAIN, Attacker, network_of
from wire.ids import Lei


@pytest.mark.parametrize("seed", range(12))
def test_correct_nodes_go_on_whatever_one_validator_sends(seed: int) -> None:
    founded, network = network_of(4, seed)
    attacker = Attacker(founded, network, seed, prudent=seed % 2 == 0)
    network.start()
    nodes = attacker.honest
    wanted = []
    for number in range(60):
        ms = attacker.draw.choice((1, 5, 30, 200))
        network.run(lambda: False, ms)
        attacker.attack()
        if number % 10 == 0:
            mint = Mint(CURRENCY, founded.members[0].lei, 100 + number, "R")
            until = nodes[0].core.tip.height + 500
            tx = unsigned(CHAIN, mint, nonce=10**6 + number, valid_until=until)
            network.submit(nodes[number % 3].name, signed(tx, founded.issuer.key("treasury")))
            wanted.append(tx_id(tx))
    height = max(node.core.tip.height for node in nodes)
    assert network.run(lambda: min(n.core.tip.height for n in nodes) >= height + 8, 120_000)
    decided = {tx_id(tx) for b in nodes[0].disk.blocks for tx in b.block.transactions}
    assert set(wanted) <= decided
    assert check_all(network.record()) == []
    assert attacker.delivered["ProposalMessage"] > 0
    power = nodes[0].core.tip.state.must(t.MEMBERS, t.MEMBERS.key(Lei(attacker.name))).power
    assert power == (1 if seed % 2 == 0 else 0)  # evidence against it is in a block
