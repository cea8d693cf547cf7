"""One simulated run from one seed: market days in a network where things go wrong on purpose."""

from collections import Counter
from typing import Final

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.genesis import Genesis
from ledger.transactions import Transaction
from node.founding import Founded, found
from node.founding import Plan as Founding
from simulator.checkers import check_all, check_fork
from simulator.faults import Fault, Options, Plan, Trick, WrongClock, kind_of, robbed_by
from simulator.injection import Injection
from simulator.memory import look
from simulator.network import SimulatedNetwork
from simulator.node import NodeFailed, SimulatedNode
from simulator.plan import draw_plan
from simulator.record import RunRecord, Violation, is_owed
from simulator.work import DATES, SHARES, Work

CHAIN_LINKS: Final = 1 << 10
LOOK_MS: Final = 400
"""How often a node's memory is looked at."""
TIME_MS: Final = 1_700_000_000_000


class Outcome(msgspec.Struct, frozen=True):
    """What a run showed."""

    seed: int
    nodes: int
    heights: int
    rounds_settled: int
    contracts: int
    simulated_ms: int
    counts: dict[str, int]
    """Messages, bytes, and what happened to them."""
    faults: dict[str, int]
    """Faults injected, by kind."""
    memory: dict[str, int]
    """The most that one node ever held."""
    violations: list[Violation]


class Scenario:
    """A network drawn from a seed, with its work and its faults."""

    def __init__(self, options: Options, plan: Plan | None = None) -> None:
        """`plan`: instead of the one that the seed gives."""
        self.options = options
        self.plan = draw_plan(options) if plan is None else plan
        self.founded = _founded(options.seed, self.plan)
        self.network = SimulatedNetwork(self.founded, options, CHAIN_LINKS)
        self._work = Work(self.network, options.seed)
        self._injection = Injection(
            self.network, self._work.elections, self.plan, CHAIN_LINKS, options.seed
        )
        self._seen: list[Violation] = []
        """What went wrong while it was played."""
        self._correct = [x for x in self.network.nodes.values() if not x.byzantine]

    def run(self) -> Outcome:
        """Play it and judge it."""
        self.play()
        return self.judge()

    def play(self) -> None:
        """Work while things go wrong; then the network behaves, and everything must be decided."""
        try:
            self._injection.start()
            self._work.begin()
            self._look()
            self.network.run(lambda: False, self.options.fault_ms + 1)
            if self.options.above_third:
                return
            if not self.network.run(self._settled, self.options.settle_ms_max):
                self._seen.append(Violation("progress", self._stuck()))
        except NodeFailed as failed:
            self._seen.append(Violation("stopped", str(failed)))

    def judge(self) -> Outcome:
        """What the checkers say of what was played."""
        check = check_fork if self.options.above_third else check_all
        return self._outcome([*self._seen, *check(self.record())])

    def record(self) -> RunRecord:
        """The run for the checkers."""
        names = list(self.network.nodes)
        faults = self.plan.faults
        whole_run = self.options.fault_ms + 1
        return self.network.record(
            self.plan,
            [names[node] for x in faults if (node := robbed_by(x)) is not None],
            [
                names[x.node]
                for x in faults
                if isinstance(x, WrongClock) and x.until_ms >= whole_run
            ],
        )

    # ---------------------------------------------------------------- while it runs
    def _look(self) -> None:
        for node in self._correct:
            if node.up:
                look(node, self.network.journal)
        self.network.at(LOOK_MS, self._look)

    def _settled(self) -> bool:
        """Whether all correct nodes have decided all that there is to decide."""
        tips = [node.disk.tip for node in self._correct]
        heights = [tip.height for tip in tips]
        far = min(heights) >= self.options.heights_min and max(heights) - min(heights) <= 1
        return (
            far
            and all(node.up and not self._owes(node) for node in self._correct)
            and all(self._work.done(tip.state) for tip in tips)
        )

    @staticmethod
    def _owes(node: SimulatedNode) -> list[Transaction]:
        """What a node has accepted and could still be decided."""
        return [tx for tx in node.disk.pending.values() if is_owed(node.disk.tip, tx)]

    def _stuck(self) -> str:
        """What is not as it must be in the end, for people."""
        parts = []
        for node in self._correct:
            process = node.core.deciding.run.core.process
            place = f"height {node.disk.tip.height} round {process.round} {process.step.name}"
            owed = self._owes(node)
            waits = f", {len(owed)} undecided" if owed else ""
            parts.append(
                f"{node.name[7:12].strip('0')} {place}{waits}{'' if node.up else ', down'}"
            )
        return f"after {self.options.settle_ms_max // 1_000} calm seconds: " + "; ".join(parts)

    def _outcome(self, violations: list[Violation]) -> Outcome:
        journal = self.network.journal
        state = max((n.disk.tip for n in self._correct), key=lambda tip: tip.height).state
        return Outcome(
            seed=self.options.seed,
            nodes=len(self.network.nodes),
            heights=max(node.disk.tip.height for node in self._correct),
            rounds_settled=len(state.indexed(t.ROUNDS, o.RoundState.SETTLED)),
            contracts=len(state.scan(t.CONTRACTS)),
            simulated_ms=self.network.now_ms - self.founded.genesis.time_ms,
            counts=dict(journal.counts),
            faults=dict(Counter(kind for fault in self.plan.faults for kind in _kinds(fault))),
            memory=dict(journal.memory),
            violations=violations,
        )


def _kinds(fault: Fault) -> list[str]:
    tricks: tuple[Trick, ...] = getattr(fault, "tricks", ())
    return [f"{kind_of(fault)} {trick}" for trick in tricks] or [kind_of(fault)]


def _founded(seed: int, plan: Plan) -> Founded:
    """The network's members with their powers."""
    made = found(
        Founding(
            chain_id=f"sim-{seed}",
            seed=seed,
            members=len(plan.powers),
            observers=plan.observers,
            time_ms=TIME_MS,
            shares=SHARES,
            calendar=DATES,
            maturity=DATES[-1],
            seed_chain_length=CHAIN_LINKS,
        )
    )
    powers = {who.lei: power for who, power in zip(made.members, plan.powers, strict=True)}
    members = tuple(
        msgspec.structs.replace(member, power=powers.get(member.lei, member.power))
        for member in made.genesis.members
    )
    genesis: Genesis = msgspec.structs.replace(made.genesis, members=members)
    return msgspec.structs.replace(made, genesis=genesis)
