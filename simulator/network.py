"""The simulated network: one event queue in virtual time, all chance from one seed.

Messages travel as bytes: encoded, decoded, and every signature on them checked, as in a daemon;
what was checked once, byte for byte, is not checked again.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from consensus.timeouts import TimeoutParameters
from ledger.genesis import genesis_hash
from ledger.transactions import Transaction, tx_id, verified
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.parameters import Parameters
from node.core.seedchain import SeedChain
from node.founding import Founded, Identity
from node.messages import DirectMessage, Hello, decode_message, encode_message
from node.verify import verify_bundle, verify_message
from simulator.faults import Options, Plan
from simulator.journal import Journal
from simulator.node import SimulatedNode
from simulator.record import RunRecord
from wire.errors import PeerFault
from wire.signing import Verified

TIMEOUTS = TimeoutParameters(300, 100, 150, 50, 150, 50, 2_000, False)
CHECKED_MAX = 4_096
"""Messages whose checks are remembered."""

Drops = Callable[[str, str, DirectMessage], bool]
"""Whether a message from one node to another is lost."""


class Weather(msgspec.Struct):
    """What happens to messages at this moment."""

    loss_permille: int
    duplicate_permille: int
    delay_ms_min: int
    delay_ms_max: int
    reorder_permille: int = 0
    reorder_ms: int = 0


class SimulatedNetwork:
    """Nodes of `founded`: the members vote, the observers follow."""

    def __init__(self, founded: Founded, options: Options, seed_chain_length: int) -> None:
        self.founded = founded
        self.options = options
        self.now_ms = founded.genesis.time_ms
        self.journal = Journal(self.now_ms)
        self.counts = self.journal.counts
        self.drops: list[Drops] = []
        self.slow_ms: Counter[str] = Counter()
        """How long a node takes for one input."""
        self.lag_ms: Counter[str] = Counter()
        """How much longer what a node says to one peer or all takes."""
        self.weather = Weather(
            options.loss_permille,
            options.duplicate_permille,
            options.delay_ms_min,
            options.delay_ms_max,
        )
        self._random = random.Random(options.seed)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self._timers: dict[tuple[str, tuple[str | int, ...]], int] = {}
        self._cut: Counter[frozenset[str]] = Counter()
        self._busy_ms: dict[str, int] = {}
        self._checked: dict[bytes, Verified[DirectMessage] | None] = {}
        self.changes = 0
        """Blocks stored, starts and crashes so far: what conditions about disks depend on."""
        self._genesis_hash = genesis_hash(founded.genesis)
        self._at_genesis = Tip.at_genesis(founded.genesis)
        self.nodes: dict[str, SimulatedNode] = {}
        for who in founded.members:
            self.add(who.lei, who, SeedChain(who.seed_chain, seed_chain_length), SimulatedNode)
        for who in founded.observers:
            self.add(who.lei, who, None, SimulatedNode)

    def add(
        self,
        name: str,
        who: Identity,
        seed_chain: SeedChain | None,
        kind: type[SimulatedNode],
    ) -> SimulatedNode:
        """Add a node, or put another in its place; with a seed chain it votes and submits."""
        options = self.options
        parameters = Parameters(
            timeouts=TIMEOUTS,
            block_interval_ms=options.block_interval_ms,
            empty_block_ms=options.empty_block_ms,
            flush_ms=10,
            may_submit=seed_chain is not None,
        )
        made = kind(
            name,
            who,
            seed_chain is not None,
            self._genesis_hash,
            self._at_genesis,
            parameters,
            seed_chain,
            self.journal,
            self._act,
        )
        self.nodes[name] = made
        return made

    # ---------------------------------------------------------------- what a test does
    @property
    def faults(self) -> list[str]:
        """What nodes have counted against peers."""
        return [f"{x.node} says of {x.peer}: {x.text}" for x in self.journal.punishments]

    def record(
        self, plan: Plan | None = None, robbed: Sequence[str] = (), wrong: Sequence[str] = ()
    ) -> RunRecord:
        """The run for the checkers; which nodes have lost files, and which clocks are `wrong`."""
        correct = [node for node in self.nodes.values() if not node.byzantine]
        members = [who.lei for who in self.founded.members]
        quiet = Plan((1,) * len(members), len(self.founded.observers), ())
        return RunRecord(
            genesis=self._at_genesis,
            plan=quiet if plan is None else plan,
            journal=self.journal,
            disks={name: node.disk for name, node in self.nodes.items()},
            correct=tuple(node.name for node in correct),
            keys={node.key.public: node.name for node in correct if node.name in members},
            robbed=tuple(robbed),
            wrong_clocks=tuple(wrong),
        )

    def start(self, names: Sequence[str] | None = None) -> None:
        """Start nodes and connect them with everybody who is up."""
        for name in names or list(self.nodes):
            self.changes += 1
            self.journal.remark(name, "started")
            self.nodes[name].start(self.now_ms)
            for other, peer in self.nodes.items():
                if other != name and peer.up and not self._cut[frozenset((name, other))]:
                    self._connect(name, other)

    def crash(self, name: str) -> None:
        """Kill a node, if it is up; its peers notice."""
        if self.nodes[name].up:
            self.journal.remark(name, "crashed")
            self.nodes[name].crash()
        self._fallen(name)

    def _fallen(self, name: str) -> None:
        self.changes += 1
        self._timers = {k: v for k, v in self._timers.items() if k[0] != name}
        for other in self.nodes:
            if other != name:
                self.later(1, other, lambda now: i.PeerLost(name, now))

    def cut(self, one: str, other: str) -> None:
        """Cut a link; cut twice, it must be joined twice."""
        self._cut[frozenset((one, other))] += 1
        self.later(1, one, lambda now: i.PeerLost(other, now))
        self.later(1, other, lambda now: i.PeerLost(one, now))

    def join(self, one: str, other: str) -> None:
        """Undo one `cut`."""
        link = frozenset((one, other))
        self._cut[link] -= 1
        if not self._cut[link] and self.nodes[one].up and self.nodes[other].up:
            self._connect(one, other)

    def submit(self, name: str, tx: Transaction) -> None:
        """A user of node `name` submits; raises the `Rejection`."""
        self.journal.submitted[tx_id(tx)] = None
        node = self.nodes[name]
        self._take(node, i.Submitted(verified(tx), node.clock.read(self.now_ms)))

    def run(self, until: Callable[[], bool], ms_max: int = 60_000) -> bool:
        """Let time pass until the condition holds; False if it does not within `ms_max`."""
        end = self.now_ms + ms_max
        while not until():
            if not self._queue or self._queue[0][0] > end:
                self._move_to(end)
                return False
            at_ms, _, event = heapq.heappop(self._queue)
            self._move_to(at_ms)
            event()
        return True

    def heights(self) -> list[int]:
        """Height of every node that is up."""
        return [node.core.tip.height for node in self.nodes.values() if node.up]

    def at(self, delay_ms: int, event: Callable[[], None]) -> int:
        """Have `event` happen later; its number."""
        self._number += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._number, event))
        return self._number

    def later(self, delay_ms: int, name: str, make: Callable[[int], i.Input]) -> None:
        """Give a node an input later, if it is up then; `make` is told what its clock shows."""

        def event() -> None:
            node = self.nodes[name]
            if node.up:
                self._take(node, make(node.clock.read(self.now_ms)))

        self.at(delay_ms, event)

    # ---------------------------------------------------------------- inside
    def _move_to(self, at_ms: int) -> None:
        self.now_ms = self.journal.at_ms = at_ms

    def _take(self, node: SimulatedNode, given: i.Input) -> None:
        height = node.disk.tip.height
        try:
            node.take(given)
        finally:
            if node.disk.tip.height != height:
                self.changes += 1
            if not node.up:
                self._fallen(node.name)

    def _connect(self, one: str, other: str) -> None:
        self.later(1, one, lambda now: i.PeerConnected(other, now))
        self.later(1, other, lambda now: i.PeerConnected(one, now))

    def _act(self, name: str, effect: e.Effect) -> None:
        match effect:
            case e.Send(peer=peer, message=message):
                self.transmit(name, (peer,), message)
            case e.SendAll(message=message):
                self.transmit(name, tuple(self.nodes[name].core.peers), message)
            case e.Gossip(bundle=bundle):
                heard = verify_bundle(bundle)
                for peer in self.nodes:
                    if peer != name and not self._cut[frozenset((name, peer))]:
                        self._hop(peer, lambda now: i.BundleHeard(heard, now))
            case e.SetTimer(key=key, duration_ms=duration_ms):
                self._set_timer(name, key, duration_ms)
            case _:
                raise AssertionError(f"{effect} is carried out by the node")

    def transmit(self, name: str, peers: tuple[str, ...], message: DirectMessage) -> None:
        """Send a message from `name` to `peers`."""
        data = encode_message(message)
        checked = self._check(name, data)
        if checked is None:
            return
        self.counts["messages"] += len(peers)
        self.counts["bytes"] += len(data) * len(peers)
        for peer in peers:
            if self._cut[frozenset((name, peer))] or not self.nodes[peer].up:
                continue
            if isinstance(message, Hello):  # as in `deliver`
                self.at(self.weather.delay_ms_min, partial(self.deliver, peer, name, checked))
            else:
                event = partial(self.deliver, peer, name, checked)
                self._spread(peer, event, self.lag_ms[name])

    def _check(self, name: str, data: bytes) -> Verified[DirectMessage] | None:
        """The message in a frame; None if it is refused, for which `name` is to blame."""
        if data not in self._checked:
            if len(self._checked) >= CHECKED_MAX:
                self._checked.clear()
            try:
                message = decode_message(data)
                self._checked[data] = verify_message(self.founded.genesis.chain_id, message)
            except PeerFault as fault:
                self._checked[data] = None
                self.journal.remark(name, "message_refused", f"{fault.code} {fault.detail}")
        return self._checked[data]

    def deliver(self, name: str, sender: str, checked: Verified[DirectMessage]) -> None:
        """Now `name` receives a message, if it is up and no fault takes it away."""
        node = self.nodes[name]
        greeting = isinstance(checked.value, Hello)  # without it, there is no connection
        if not greeting and any(drops(sender, name, checked.value) for drops in self.drops):
            self.counts["withheld"] += 1
        elif node.up and node.core.wants(sender, checked.value):
            now_ms = node.clock.read(self.now_ms)
            self._take(node, i.MessageReceived(sender, checked, now_ms))

    def _hop(self, name: str, make: Callable[[int], i.Input]) -> None:
        def event() -> None:
            node = self.nodes[name]
            if node.up:
                self._take(node, make(node.clock.read(self.now_ms)))

        self._spread(name, event)

    def _spread(self, name: str, event: Callable[[], None], lag_ms: int = 0) -> None:
        """Carry something to a node through the weather."""
        weather, draw = self.weather, self._random
        if weather.loss_permille and draw.random() * 1_000 < weather.loss_permille:
            self.counts["lost"] += 1
            return
        copies = 1
        if weather.duplicate_permille and draw.random() * 1_000 < weather.duplicate_permille:
            self.counts["duplicated"] += 1
            copies = 2
        spread = weather.delay_ms_max - weather.delay_ms_min
        for _ in range(copies):
            delay = lag_ms + weather.delay_ms_min + int(draw.random() * (spread + 1))
            if weather.reorder_permille and draw.random() * 1_000 < weather.reorder_permille:
                self.counts["held_back"] += 1
                delay += int(draw.random() * weather.reorder_ms)
            self.at(delay, event if name not in self.slow_ms else self._queued(name, event))

    def _queued(self, name: str, event: Callable[[], None]) -> Callable[[], None]:
        """The node takes one input after the other, each for a while."""

        def arrive() -> None:
            begin = max(self.now_ms, self._busy_ms.get(name, 0))
            self._busy_ms[name] = begin + self.slow_ms[name]
            self.at(self._busy_ms[name] - self.now_ms, event)

        return arrive

    def _set_timer(self, name: str, key: tuple[str | int, ...], duration_ms: int) -> None:
        slot = (name, key)

        def event() -> None:
            if self._timers.get(slot) == number:
                del self._timers[slot]
                node = self.nodes[name]
                if node.up:
                    self._take(node, i.TimerElapsed(key, node.clock.read(self.now_ms)))

        number = self.at(duration_ms, event)
        self._timers[slot] = number
