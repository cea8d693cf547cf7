"""Real cores in one process: a proposer's netting result is what it can prove, or no block."""

from collections.abc import Callable

import numpy as np
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.actions import FeedMark, Mint, RegisterTrade, SubmitOracle
from ledger.rejections import BlockRefused
from ledger.rounds import Problem, RoundCertificate
from ledger.transactions import signed, unsigned
from netting.certificate import Greedy, Objective, Potentials, decode, encode
from netting.check import check
from netting.varint import pack
from node.blocks import Block, block_id
from node.core import deciding
from node.core import effects as e
from node.core import inputs as i
from node.core.building import check_successor
from node.core.chain import Tip
from node.founding import CURRENCY, Founded, Plan, found
from simulator.checkers import check_all
from simulator.faults import Options
from simulator.network import SimulatedNetwork
from simulator.node import SimulatedNode
from wire.ids import Date, FeedCode, InstrumentCode, Uti

DAY = Date(20080912)
QUANTITIES = (11, 10, 12)
"""Of the debts in a circle: all of the 10 and as much of the two others can be cancelled."""

Certificates = tuple[RoundCertificate, ...]
Cheat = Callable[[Problem], Certificates]


def founded() -> Founded:
    plan = Plan(
        chain_id="sim-net",
        seed=5,
        members=7,
        observers=0,
        time_ms=1_700_000_000_000,
        shares=("KO",),
        calendar=(DAY, Date(20080915)),
        maturity=Date(20081219),
        seed_chain_length=1 << 12,
    )
    return found(plan)


def market_day(network: SimulatedNetwork, who: Founded) -> None:
    """Three members owe each other in a circle, and the day closes."""
    name = who.members[0].lei
    for place, quantity in enumerate(QUANTITIES):
        buyer, seller = who.members[(place + 1) % 3], who.members[place]
        trade = o.Trade(
            uti=Uti(f"{buyer.lei}C{place}"),
            buyer=buyer.lei,
            seller=seller.lei,
            instrument=InstrumentCode("FWD-KO"),
            quantity=quantity * 1_000,
            price=5_000,
            trade_date=DAY,
            source=o.TradeSource.OTC,
            reference="",
        )
        tx = unsigned("sim-net", RegisterTrade(trade), nonce=0, valid_until=900)
        network.submit(name, signed(tx, buyer.key("trade"), seller.key("trade")))
    for number, member in enumerate(who.members, 1):
        mint = Mint(CURRENCY, member.lei, 10**9, "R")
        tx = unsigned("sim-net", mint, nonce=number, valid_until=900)
        network.submit(name, signed(tx, who.issuer.key("treasury")))
    for oracle in who.oracles:
        marks = (FeedMark(FeedCode("EQ-KO"), 5_500),)
        tx = unsigned("sim-net", SubmitOracle(oracle.lei, DAY, marks), nonce=1, valid_until=900)
        network.submit(name, signed(tx, oracle.key("oracle")))


class Proposer:
    """Patches whichever node is the first to be asked for a round: it answers as it likes, and
    finds its own blocks valid."""

    def __init__(self, network: SimulatedNetwork, answer: Cheat) -> None:
        self.name = ""
        self.shipped: Certificates = ()
        self._answer = answer
        self._acting = ""
        for node in network.nodes.values():
            self._patch(node)

    def _patch(self, node: SimulatedNode) -> None:
        carry_out, take = node._carry_out, node.take

        def carried_out(effect: e.Effect, now_ms: int) -> i.Input | None:
            if isinstance(effect, e.Solve):
                self.name = self.name or node.name
                if self.name == node.name:
                    (problem,) = effect.problems
                    self.shipped = self._answer(problem)
                    return i.Solved(effect.height, self.shipped, now_ms)
            return carry_out(effect, now_ms)

        def taken(given: i.Input) -> None:
            self._acting = node.name
            take(given)

        node._carry_out = carried_out  # type: ignore[method-assign]
        node.take = taken  # type: ignore[method-assign]

    def acts(self) -> bool:
        """Whether the patched node is the one whose core runs now."""
        return self.name == self._acting


def ran(
    monkeypatch: pytest.MonkeyPatch, answer: Cheat
) -> tuple[SimulatedNetwork, Proposer, o.NettingRound]:
    """A market day with a patched proposer, until its round is settled everywhere."""
    who = founded()
    network = SimulatedNetwork(who, Options(seed=9), 1 << 12)
    proposer = Proposer(network, answer)
    honest = check_successor

    def lenient(tip: Tip, block: Block) -> None:
        try:
            honest(tip, block)
        except BlockRefused:
            if not proposer.acts():
                raise

    monkeypatch.setattr(deciding, "check_successor", lenient)
    network.start()
    market_day(network, who)

    def settled() -> bool:
        return all(
            node.disk.tip.state.indexed(t.ROUNDS, o.RoundState.SETTLED)
            for node in network.nodes.values()
        )

    assert network.run(settled, 300_000)
    assert check_all(network.record()) == []
    state = network.nodes[proposer.name].disk.tip.state
    ((_, row),) = state.scan(t.ROUNDS)
    return network, proposer, row


def optimum(problem: Problem) -> tuple[bytes, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The certificate and the flows of the one asset."""
    (pool,) = problem.round.pools
    (size,) = _parts(problem.round.certify(problem.seed))
    flows = check(pool.graph, pool.ids, problem.seed, size).flows
    return size, flows


def _parts(certificate: bytes) -> tuple[bytes]:
    """Of a round in one asset: its length, here below 128, then the certificate."""
    assert certificate[0] == len(certificate) - 1 < 128
    return (certificate[1:],)


def shipped(problem: Problem, part: bytes) -> Certificates:
    """`part` as the certificate of a round in one asset."""
    return (RoundCertificate(problem.number, pack(np.array([len(part)], np.int64)) + part),)


def one_unit_short(problem: Problem) -> Certificates:
    """Feasible flows, conserved, one unit below the optimum on every debt, as `maximal`."""
    (pool,) = problem.round.pools
    flows = optimum(problem)[1] - 1
    assert flows.min() > 0
    return shipped(problem, encode(Greedy(np.array([2, 1, 0]), flows), pool.graph))


def one_potential_off(problem: Problem) -> Certificates:
    """What says `optimal` and is not."""
    (pool,) = problem.round.pools
    best = decode(optimum(problem)[0], pool.graph)
    assert isinstance(best, Potentials)
    return shipped(problem, encode(Potentials(best.p + np.array([0, 0, 1]), best.q), pool.graph))


def nothing_cancelled(problem: Problem) -> Certificates:
    """Nothing at all, in an order that a circle does not have."""
    (pool,) = problem.round.pools
    flows = np.zeros(pool.graph.pairs, np.int64)
    return shipped(problem, encode(Greedy(np.array([2, 1, 0]), flows), pool.graph))


def no_certificate(_problem: Problem) -> Certificates:
    """A block that leaves the round out."""
    return ()


@pytest.mark.parametrize(
    "cheat", [one_unit_short, one_potential_off, nothing_cancelled, no_certificate]
)
def test_a_result_that_is_not_the_best_is_out_voted_and_never_decided(
    monkeypatch: pytest.MonkeyPatch, cheat: Cheat
) -> None:
    network, proposer, row = ran(monkeypatch, cheat)
    assert network.counts["block_refused"] >= len(network.nodes) - 1, "every other node refuses"
    for node in network.nodes.values():
        (clearing,) = [one for one in node.disk.blocks if one.block.certificates]
        assert clearing.block.certificates != proposer.shipped
        assert clearing.block.header.proposer != _public(network, proposer.name)
        assert clearing.commit.round >= 1
        assert clearing.commit.block_id == block_id(clearing.block.header)
    (figures,) = row.figures
    assert figures.objective == Objective.OPTIMAL
    assert figures.cleared * sum(QUANTITIES) == figures.gross * 3 * min(QUANTITIES)


def test_a_proposer_out_of_time_ships_the_greedy_result_and_the_round_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, proposer, row = ran(monkeypatch, lambda problem: (problem.solve_greedily(),))
    assert network.counts["block_refused"] == 0
    for node in network.nodes.values():
        (clearing,) = [one for one in node.disk.blocks if one.block.certificates]
        assert clearing.block.certificates == proposer.shipped
        assert clearing.commit.round == 0
    (figures,) = row.figures
    assert figures.objective == Objective.MAXIMAL
    assert figures.cleared * sum(QUANTITIES) == figures.gross * 3 * min(QUANTITIES)


def _public(network: SimulatedNetwork, name: str) -> bytes:
    me = network.nodes[name].core.deciding.run.me
    assert me is not None
    return me
