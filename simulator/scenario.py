"""One simulated run from one seed: market days under loss, delay, partitions and crashes."""

import random
from collections.abc import Callable
from functools import partial

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.transactions import (
    FeedMark,
    Mint,
    RegisterTrade,
    SubmitOracle,
    Transaction,
    signed,
    unsigned,
)
from node.core.chain import Tip
from node.founding import CURRENCY, Founded, Identity, Plan, found
from simulator.checkers import Violation, check_all
from simulator.network import Options, SimulatedNetwork
from wire.errors import Rejection
from wire.ids import Date, FeedCode, InstrumentCode, Uti

CHAIN_LINKS = 1 << 12
DATES = (Date(20080912), Date(20080915), Date(20080916))
SHARES = ("AAPL", "KO")
VALID_HEIGHTS = 5_000
RUN_MS_MAX = 600_000


class Outcome(msgspec.Struct, frozen=True):
    """What a run showed."""

    seed: int
    nodes: int
    heights: int
    rounds_settled: int
    contracts: int
    simulated_ms: int
    counts: dict[str, int]
    violations: list[Violation]


class Scenario:
    """A network drawn from a seed, with its work and its faults."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        draw = self._draw
        self.seed = seed
        self.founded: Founded = found(
            Plan(
                chain_id=f"sim-{seed}",
                seed=seed,
                members=draw.randint(4, 7),
                observers=draw.randint(0, 1),
                time_ms=1_700_000_000_000,
                shares=SHARES,
                calendar=DATES,
                maturity=DATES[-1],
                seed_chain_length=CHAIN_LINKS,
            )
        )
        self.options = Options(
            seed=seed,
            delay_ms_max=draw.choice((5, 30, 120)),
            loss_permille=draw.choice((0, 0, 20, 80)),
            duplicate_permille=draw.choice((0, 50)),
        )
        self.network = SimulatedNetwork(self.founded, self.options, CHAIN_LINKS)
        self._nonce = 0
        self._trades = 0
        self._kept: dict[bytes, tuple[str, Transaction]] = {}
        """Everything a node has accepted: it must be decided in the end."""

    def run(self) -> Outcome:
        """Work through the dates; a violation is found at the end, or when nothing moves."""
        network = self.network
        network.start()
        violations: list[Violation] = []
        for who in self.founded.members:
            self._submit(Mint(CURRENCY, who.lei, 10**9, "sim"), self.founded.issuer, "treasury")
        for date in DATES:
            for _ in range(self._draw.randint(1, 6)):
                self._trade(date)
            self._fault()
            if not self._until(self._all_decided):
                violations.append(Violation("progress", f"{date}: submissions are not decided"))
                break
            for oracle in self.founded.oracles:
                marks = tuple(
                    FeedMark(FeedCode(f"EQ-{x}"), self._draw.randint(4_000, 6_000)) for x in SHARES
                )
                self._submit(SubmitOracle(oracle.lei, date, marks), oracle, "oracle")
            if not self._until(partial(self._closed, date)):
                violations.append(Violation("progress", f"{date} is not closed and settled"))
                break
        genesis = Tip.at_genesis(self.founded.genesis)
        violations += check_all(network, genesis)
        state = max((n.disk.tip for n in network.nodes.values()), key=lambda tip: tip.height).state
        return Outcome(
            seed=self.seed,
            nodes=len(network.nodes),
            heights=max(node.disk.tip.height for node in network.nodes.values()),
            rounds_settled=len(state.indexed(t.ROUNDS, o.RoundState.SETTLED)),
            contracts=len(state.scan(t.CONTRACTS)),
            simulated_ms=network.now_ms - self.founded.genesis.time_ms,
            counts=dict(network.counts),
            violations=violations,
        )

    # ---------------------------------------------------------------- work
    def _trade(self, date: Date) -> None:
        draw = self._draw
        buyer, seller = draw.sample(self.founded.members, 2)
        self._trades += 1
        trade = o.Trade(
            uti=Uti(f"{buyer.lei}S{self._trades}"),
            buyer=buyer.lei,
            seller=seller.lei,
            instrument=InstrumentCode(f"FWD-{draw.choice(SHARES)}"),
            quantity=draw.randint(1, 1_000),
            price=draw.randint(4_000, 6_000),
            trade_date=date,
            source=o.TradeSource.OTC,
            reference="",
        )
        self._offer(
            unsigned(
                self.founded.genesis.chain_id,
                RegisterTrade(trade),
                nonce=0,
                valid_until=self._valid_until(),
            ),
            (buyer, seller),
            "trade",
        )

    def _submit(self, action: Mint | SubmitOracle, who: Identity, purpose: str) -> None:
        self._nonce += 1
        tx = unsigned(
            self.founded.genesis.chain_id,
            action,
            nonce=self._nonce,
            valid_until=self._valid_until(),
        )
        self._offer(tx, (who,), purpose)

    def _offer(self, tx: Transaction, signers: tuple[Identity, ...], purpose: str) -> None:
        complete = signed(tx, *(who.key(purpose) for who in signers))
        up = [who.lei for who in self.founded.members if self.network.nodes[who.lei].up]
        name = self._draw.choice(up)
        self.network.submit(name, complete)
        self._kept[complete.signatures[0].signature] = (name, complete)

    def _valid_until(self) -> int:
        return max(self.network.heights()) + VALID_HEIGHTS

    def _until(self, condition: Callable[[], bool]) -> bool:
        """Let time pass; faults end on the way, and what was accepted is offered again."""
        for round_ in range(RUN_MS_MAX // 5_000):
            if self.network.run(condition, 5_000):
                return True
            if round_ == 1:
                self._recover()
            self._offer_again()
        return False

    def _offer_again(self) -> None:
        """What a node's shell does with its own undecided submissions, every few seconds."""
        for name, tx in self._kept.values():
            if self.network.nodes[name].up:
                try:
                    self.network.submit(name, tx)
                except Rejection:
                    continue  # it waits, or it is decided

    # ---------------------------------------------------------------- faults
    def _fault(self) -> None:
        """At most a third of the validators is down or cut off."""
        draw = self._draw
        members = [who.lei for who in self.founded.members]
        victim = draw.choice(members)
        match draw.choice(("none", "crash", "die", "cut", "partition")):
            case "crash":
                self.network.crash(victim)
            case "die":
                self.network.nodes[victim].effects_left = draw.randint(0, 100)
            case "cut":
                for other in members:
                    if other != victim:
                        self.network.cut(victim, other)
            case "partition":
                half = len(members) // 2
                for one in members[:half]:
                    for other in members[half:]:
                        self.network.cut(one, other)
            case _:
                pass

    def _recover(self) -> None:
        self.network.heal()
        down = [name for name, node in self.network.nodes.items() if not node.up]
        for name in down:
            self.network.crash(name)
        self.network.start(down)
        for node in self.network.nodes.values():
            node.effects_left = None

    # ---------------------------------------------------------------- conditions
    def _all_decided(self) -> bool:
        return all(
            len(node.disk.tip.state.scan(t.CONTRACTS)) == self._trades
            for node in self.network.nodes.values()
        )

    def _closed(self, date: Date) -> bool:
        for node in self.network.nodes.values():
            state = node.disk.tip.state
            opened = state.must(t.NETWORK, t.network_key()).business_date
            waiting = state.indexed(t.ROUNDS, o.RoundState.FROZEN)
            waiting += state.indexed(t.ROUNDS, o.RoundState.CLEARED)
            if (opened is not None and opened <= date) or waiting:
                return False
        return True
