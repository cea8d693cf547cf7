"""A plan drawn from a seed: the size of the network, its powers, and the list of its faults."""

import random
from collections.abc import Callable
from typing import Final

import msgspec

from simulator.disk import SIGNERS
from simulator.faults import (
    FOREVER,
    Byzantine,
    Crash,
    CrashAtEffect,
    Delay,
    DiskFull,
    Duplication,
    Fault,
    LateJoin,
    LatePolka,
    LoneDecision,
    Loss,
    Lost,
    OneWay,
    Options,
    Outage,
    Partition,
    Plan,
    PowerChange,
    Reordering,
    Restored,
    Silence,
    SlowNode,
    Trick,
    WrongClock,
    robbed_by,
)

SILENCED: Final = (
    "Vote", "Vote", "Certificate", "ProposalMessage", "BundleReply", "BlocksReply", "Announcement",
)  # fmt: skip


def draw_plan(options: Options) -> Plan:
    """The plan of `options.seed`."""
    return _Drawing(options).plan()


class _Drawing:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.draw = draw = random.Random(f"plan {options.seed}")
        sizes = range(options.nodes_min, options.nodes_max + 1)
        # Small networks more often: they cost less, and their quorums are the tightest.
        self.members = draw.choice([size for size in sizes for _ in range(12 - min(size, 11))])
        self.powers = self._powers()
        self.observers = draw.randint(0, options.observers_max)
        self.total = sum(self.powers)

    def plan(self) -> Plan:
        untrusted = self._above_third() if self.options.above_third else self._untrusted()
        faults: list[Fault] = list(untrusted)
        if self.options.above_third:  # the sides of a fork: each with its copies of the twins
            odd = {*range(1, self.members + self.observers, 2), *(x.node for x in untrusted)}
            faults.append(Partition(0, self.options.fault_ms - 2_000, tuple(sorted(odd))))
        liars = {fault.node for fault in untrusted}
        for _ in range(self.draw.randint(0, self.options.faults_max)):
            fault = self.draw.choice(MENU)(self)
            liar = getattr(fault, "node", robbed_by(fault)) in liars
            if liar or not self._bearable(fault, faults):  # what happens to a liar proves nothing
                if not isinstance(fault, LoneDecision):
                    continue
                fault = msgspec.structs.replace(fault, struck=None)
            faults.append(fault)
        return Plan(self.powers, self.observers, tuple(faults))

    # ---------------------------------------------------------------- who
    def _powers(self) -> tuple[int, ...]:
        if self.draw.random() < 0.6:
            return (1,) * self.members
        return tuple(self.draw.choice((1, 2, 3, 10)) for _ in range(self.members))

    def _untrusted(self) -> list[Byzantine | WrongClock]:
        """Liars, and clocks far off, with less than a third of the power together."""
        found: list[Byzantine | WrongClock] = []
        if not self.options.byzantine or self.draw.random() < 0.35:
            return found  # then others may lose their files
        power = 0
        for node in self.draw.sample(range(self.members), self.members):
            if 3 * (power + self.powers[node]) >= self.total or self.draw.random() < 0.3:
                continue
            power += self.powers[node]
            if self.draw.random() < 0.85:
                found.append(self._liar(node))
            else:
                far = self.draw.choice((-1, 1)) * self.draw.randint(5_000, 5_000_000)
                found.append(WrongClock(0, FOREVER, node, far, self.draw.randint(-300, 300)))
        return found

    def _liar(self, node: int) -> Byzantine:
        if self.draw.random() < 0.2:
            return Byzantine(0, FOREVER, node, (Trick.TWIN,))
        tricks = [trick for trick in Trick if trick is not Trick.TWIN]
        chosen = self.draw.sample(tricks, self.draw.randint(1, 4))
        return Byzantine(0, FOREVER, node, tuple(t for t in tricks if t in chosen))

    def _above_third(self) -> list[Byzantine]:
        """Twins with just more than a third, the strongest first."""
        found: list[Byzantine] = []
        power = 0
        for node in sorted(range(self.members), key=lambda n: -self.powers[n]):
            if 3 * power <= self.total and len(found) < self.members - 2:
                power += self.powers[node]
                found.append(Byzantine(0, FOREVER, node, (Trick.TWIN,)))
        return found

    def _bearable(self, fault: Fault, others: list[Fault]) -> bool:
        """Whether the network can go on after `fault`, and its node be trusted.

        A node that has lost its log or its signer's state only follows for a while: as if it were
        down. One that loses both might sign twice.
        """
        node = robbed_by(fault)
        if node is None and not isinstance(fault, PowerChange):
            return True
        every = [fault, *others]
        same = [x for x in every if node is not None and robbed_by(x) == node]
        if len(same) > 1 and any(getattr(x, "lost", None) in SIGNERS for x in same):
            return False
        changed = {x.node: x.power for x in every if isinstance(x, PowerChange)}
        down = {x.node for x in every if isinstance(x, Byzantine | WrongClock)}
        down |= {robbed for x in every if (robbed := robbed_by(x)) is not None}
        least = sum(min(power, changed.get(n, power)) for n, power in enumerate(self.powers))
        power = sum(self.powers[n] for n in down if n < self.members)
        return not down & set(changed) and 3 * power < least

    # ---------------------------------------------------------------- what, when
    def _node(self) -> int:
        return self.draw.randrange(self.members + self.observers)

    def _span(self, ms_min: int, ms_max: int) -> tuple[int, int]:
        begin = self.draw.randint(0, self.options.fault_ms - ms_min)
        return begin, min(begin + self.draw.randint(ms_min, ms_max), self.options.fault_ms)

    def loss(self) -> Fault:
        return Loss(*self._span(500, 6_000), self.draw.choice((20, 100, 400)))

    def duplication(self) -> Fault:
        return Duplication(*self._span(500, 8_000), self.draw.choice((50, 500)))

    def reordering(self) -> Fault:
        return Reordering(*self._span(500, 8_000), self.draw.choice((50, 300)), 400)

    def delay(self) -> Fault:
        return Delay(*self._span(500, 5_000), self.draw.choice((80, 250, 900)))

    def partition(self) -> Fault:
        nodes = range(self.members + self.observers)
        side = self.draw.sample(nodes, self.draw.randint(1, max(1, len(nodes) // 2)))
        return Partition(*self._span(300, 6_000), tuple(sorted(side)))

    def one_way(self) -> Fault:
        source, target = self.draw.sample(range(self.members), 2)
        return OneWay(*self._span(300, 6_000), source, target)

    def silence(self) -> Fault:
        return Silence(*self._span(200, 3_000), self.draw.choice(SILENCED), self._node())

    def lone_decision(self) -> Fault:
        struck = self.draw.randrange(self.members) if self.draw.random() < 0.7 else None
        later, log_lost = self.draw.choice((0, 0, 1)), self.draw.random() < 0.5
        return LoneDecision(*self._span(2_500, 4_000), later, struck, log_lost)

    def late_polka(self) -> Fault:
        return LatePolka(*self._span(2_000, 4_000))

    def slow_node(self) -> Fault:
        return SlowNode(*self._span(500, 5_000), self._node(), self.draw.choice((2, 10, 40)))

    def wrong_clock(self) -> Fault:
        skew = self.draw.randint(-800, 800)
        return WrongClock(*self._span(500, 9_000), self._node(), skew, self.draw.randint(-300, 300))

    def crash(self) -> Fault:
        return Crash(*self._span(100, 5_000), self._node())

    def crash_at_effect(self) -> Fault:
        torn = self.draw.choice((0, self.draw.randint(1, 300)))
        zeros = self.draw.random() < 0.4
        effects = self.draw.randint(0, 120)
        return CrashAtEffect(*self._span(600, 3_000), self._node(), effects, torn, zeros)

    def outage(self) -> Fault:
        return Outage(*self._span(100, 4_000))

    def disk_full(self) -> Fault:
        return DiskFull(*self._span(500, 4_000), self._node(), self.draw.randint(0, 10))

    def restored(self) -> Fault:
        return Restored(*self._span(200, 3_000), self._node(), self.draw.choice(list(Lost)))

    def late_join(self) -> Fault:
        return LateJoin(0, self.draw.randint(1_000, self.options.fault_ms), self._node())

    def power_change(self) -> Fault:
        node = self.draw.randrange(self.members)
        power = self.draw.choice((0, 0, 1, 2 * self.powers[node]))
        return PowerChange(*self._span(1_000, 9_000), node, power)


MENU: Final[tuple[Callable[[_Drawing], Fault], ...]] = (
    _Drawing.loss, _Drawing.duplication, _Drawing.reordering, _Drawing.delay, _Drawing.partition,
    _Drawing.partition, _Drawing.one_way, _Drawing.silence, _Drawing.silence,
    _Drawing.lone_decision, _Drawing.lone_decision, _Drawing.lone_decision, _Drawing.late_polka,
    _Drawing.slow_node, _Drawing.wrong_clock, _Drawing.crash, _Drawing.crash_at_effect,
    _Drawing.crash_at_effect, _Drawing.crash_at_effect, _Drawing.outage, _Drawing.disk_full,
    _Drawing.restored, _Drawing.restored, _Drawing.late_join, _Drawing.power_change,
)  # fmt: skip
"""What is drawn from; what stands here twice is drawn twice as often."""
