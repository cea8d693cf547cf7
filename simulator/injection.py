"""Faults happen: each kind of fault, how it begins in a network, and how it ends."""

from collections.abc import Callable

import msgspec

from node.core.seedchain import SeedChain
from simulator import faults as f
from simulator.aimed import late_polka, lone_decision, next_height
from simulator.byzantine import Liar
from simulator.elections import Elections
from simulator.network import Drops, SimulatedNetwork
from simulator.node import Death, SimulatedNode

BLOCKS_BACK_MAX = 6
"""How old a backup is."""

LOOK_MS = 25
"""How often it is looked whether a node is locked."""

Ending = Callable[[], None]


class Injection:
    """Carries a plan out in a network. Make it before the network starts."""

    def __init__(
        self,
        network: SimulatedNetwork,
        elections: Elections,
        plan: f.Plan,
        chain_length: int,
        seed: int,
    ) -> None:
        self._network = network
        self._names = list(network.nodes)
        self._begin_ms = network.now_ms
        self._elections = elections
        self._powers = plan.powers
        self._late: dict[str, None] = {}
        self._twins = [
            self._names[fault.node]
            for fault in plan.faults
            if isinstance(fault, f.Byzantine) and f.Trick.TWIN in fault.tricks
        ]
        for number, fault in enumerate(plan.faults):
            if isinstance(fault, f.Byzantine):
                self._corrupt(fault, chain_length, f"{seed} {number}")
            elif isinstance(fault, f.LateJoin):
                self._late[self._names[fault.node]] = None
            if not isinstance(fault, f.Byzantine):
                self._schedule(fault)

    def start(self) -> None:
        """Start everybody but those who join later."""
        self._network.start([name for name in self._network.nodes if name not in self._late])

    # ---------------------------------------------------------------- liars
    def _corrupt(self, fault: f.Byzantine, chain_length: int, seed: str) -> None:
        network, name = self._network, self._names[fault.node]
        who = next(one for one in network.founded.members if one.lei == name)
        chain = SeedChain(who.seed_chain, chain_length)
        if f.Trick.TWIN not in fault.tricks:
            liar = network.add(name, who, chain, Liar)
            assert isinstance(liar, Liar)
            liar.corrupt(fault.tricks, network, seed)
            return
        twin = f"{name}'"
        network.nodes[name].byzantine = True
        network.add(twin, who, chain, SimulatedNode).byzantine = True
        for number, other in enumerate(self._names):
            if other == name:
                continue
            if other in self._twins:  # the first copies of all twins are together, so the second
                network.cut(twin, other)
            else:  # each copy talks with half of the others
                network.cut((name, twin)[number % 2], other)
        network.cut(name, twin)

    # ---------------------------------------------------------------- in time
    def _schedule(self, fault: f.Fault) -> None:
        def begin() -> None:
            self._network.journal.remark("", f.kind_of(fault), f.described(fault))
            end = self._begun(fault)
            self._network.at(fault.until_ms - fault.at_ms, end)

        self._network.at(fault.at_ms, begin)

    def _begun(self, fault: f.Fault) -> Ending:
        """Begin `fault`; what ends it."""
        match fault:
            case f.Loss() | f.Duplication() | f.Reordering() | f.Delay():
                return self._weather(fault)
            case f.Partition(side=side):
                return self._partition(side)
            case f.OneWay(source=source, target=target):
                pair = (self._names[source], self._names[target])
                return self._dropping(lambda one, other, _: (one, other) == pair)
            case f.Silence(message=kind, target=target):
                name = self._names[target]
                return self._dropping(
                    lambda _, other, message: other == name and type(message).__name__ == kind
                )
            case f.LoneDecision(later=later):
                self._strike_when_locked(fault)
                return self._dropping(lone_decision(self._network, later))
            case f.LatePolka():
                return self._dropping(late_polka(self._network))
            case _:
                return self._begun_at_a_node(fault)

    def _begun_at_a_node(self, fault: f.Fault) -> Ending:
        match fault:
            case f.SlowNode(node=node, ms=ms):
                return self._slow(self._names[node], ms)
            case f.WrongClock(node=node):
                return self._wrong_clock(self._names[node], fault)
            case f.PowerChange(node=node, power=power):
                self._elections.want(node, power)
                return lambda: self._elections.want(node, self._powers[node])
            case f.Outage():
                return self._down(self._names)
            case f.LateJoin(node=node):
                return lambda: self._up([self._names[node]])
            case f.Crash(node=node):
                return self._down([self._names[node]])
            case f.CrashAtEffect() | f.DiskFull() | f.Restored():
                return self._on_disk(self._names[fault.node], fault)
            case _:
                raise AssertionError(f"{fault} does not begin in time")

    # ---------------------------------------------------------------- messages
    def _weather(self, fault: f.Loss | f.Duplication | f.Reordering | f.Delay) -> Ending:
        weather = self._network.weather
        before = msgspec.structs.replace(weather)
        match fault:
            case f.Loss(permille=permille):
                weather.loss_permille += permille
            case f.Duplication(permille=permille):
                weather.duplicate_permille += permille
            case f.Reordering(permille=permille, by_ms=by_ms):
                weather.reorder_permille += permille
                weather.reorder_ms += by_ms
            case f.Delay(ms_max=ms_max):
                weather.delay_ms_max += ms_max
        added = {
            name: getattr(weather, name) - getattr(before, name)
            for name in weather.__struct_fields__
        }

        def end() -> None:
            for name, amount in added.items():
                setattr(weather, name, getattr(weather, name) - amount)

        return end

    def _dropping(self, drops: Drops) -> Ending:
        self._network.drops.append(drops)
        return lambda: self._network.drops.remove(drops)

    def _partition(self, side: tuple[int, ...]) -> Ending:
        inside = [self._names[number] for number in side]
        links = [(one, other) for one in inside for other in self._names if other not in inside]
        for one, other in links:
            self._network.cut(one, other)

        def end() -> None:
            for one, other in links:
                self._network.join(one, other)

        return end

    # ---------------------------------------------------------------- nodes
    def _slow(self, name: str, ms: int) -> Ending:
        self._network.slow_ms[name] += ms

        def end() -> None:
            self._network.slow_ms[name] -= ms

        return end

    def _wrong_clock(self, name: str, fault: f.WrongClock) -> Ending:
        clock = self._network.nodes[name].clock
        clock.skew_ms += fault.skew_ms
        clock.drift_ppm += fault.drift_ppm

        def end() -> None:
            clock.skew_ms -= fault.skew_ms
            clock.drift_ppm -= fault.drift_ppm

        return end

    def _down(self, names: list[str]) -> Ending:
        for name in names:
            self._network.crash(name)
        return lambda: self._up(names)

    def _up(self, names: list[str]) -> None:
        """Start those of `names` that are down; there is room on their disks again."""
        down = [name for name in names if not self._network.nodes[name].up]
        for name in down:
            self._network.nodes[name].disk.writes_left = None
        if down:
            self._network.start(down)

    def _on_disk(self, name: str, fault: f.CrashAtEffect | f.DiskFull | f.Restored) -> Ending:
        node = self._network.nodes[name]
        match fault:
            case f.CrashAtEffect(effects=effects, torn=torn, zeros=zeros):
                node.death = Death(effects, torn, zeros)
            case f.DiskFull(writes=writes):
                node.disk.writes_left = writes
            case f.Restored(lost=lost):
                self._network.crash(name)
                self._lose(node, lost)

        def end() -> None:
            node.death = node.disk.writes_left = None
            self._up([name])

        return end

    def _strike_when_locked(self, fault: f.LoneDecision) -> None:
        """Once the node is locked at the height aimed at, it crashes, and may lose its log."""
        if fault.struck is None:
            return
        network, name = self._network, self._names[fault.struck]
        node = network.nodes[name]
        height = next_height(network)

        def look() -> None:
            if network.now_ms >= self._begin_ms + fault.until_ms:
                return
            process = node.core.deciding.run.core.process
            if not node.up or process.height != height or process.locked_value is None:
                network.at(LOOK_MS, look)
                return
            network.crash(name)
            if fault.log_lost:
                self._lose(node, f.Lost.LOG)
            network.at(LOOK_MS, lambda: self._up([name]))

        look()

    def _lose(self, node: SimulatedNode, lost: f.Lost) -> None:
        before = list(node.disk.pending)
        node.disk.lose(lost, 1 + self._network.now_ms % BLOCKS_BACK_MAX)
        for ident in before:  # what goes with a disk was promised by that disk
            if ident not in node.disk.pending:
                self._network.journal.accepted.pop(ident, None)
