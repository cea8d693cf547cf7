"""The simulated network: one event queue in virtual time, all chance from one seed."""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from consensus.timeouts import TimeoutParameters
from ledger.genesis import genesis_hash
from ledger.transactions import Transaction, verified
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.parameters import Parameters
from node.core.seedchain import SeedChain
from node.founding import Founded
from node.messages import DirectMessage, encode_message
from simulator.node import SimulatedNode
from wire.signing import Verified

TIMEOUTS = TimeoutParameters(300, 100, 150, 50, 150, 50, 2_000, False)


class Options(msgspec.Struct, frozen=True):
    """The fault model: everything that may go wrong, in one place."""

    seed: int
    delay_ms_min: int = 1
    delay_ms_max: int = 20
    loss_permille: int = 0
    duplicate_permille: int = 0
    block_interval_ms: int = 50
    empty_block_ms: int = 1_000


class SimulatedNetwork:
    """Nodes of `founded`: the members vote, the observers follow."""

    def __init__(self, founded: Founded, options: Options, seed_chain_length: int) -> None:
        self.options = options
        self.now_ms = founded.genesis.time_ms
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self._random = random.Random(options.seed)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self._timers: dict[tuple[str, tuple[str | int, ...]], int] = {}
        self._cut: set[frozenset[str]] = set()
        self._slow_ms: dict[str, int] = {}
        tip = Tip.at_genesis(founded.genesis)
        self.nodes: dict[str, SimulatedNode] = {}
        for who in (*founded.members, *founded.observers):
            votes = who in founded.members
            parameters = Parameters(
                timeouts=TIMEOUTS,
                block_interval_ms=options.block_interval_ms,
                empty_block_ms=options.empty_block_ms,
                flush_ms=10,
                may_submit=votes,
            )
            chain = SeedChain(who.seed_chain, seed_chain_length) if votes else None
            self.nodes[who.lei] = SimulatedNode(
                who.lei,
                who,
                votes,
                genesis_hash(founded.genesis),
                tip,
                parameters,
                chain,
                self._act,
            )

    # ---------------------------------------------------------------- what a test does
    def start(self, names: Sequence[str] | None = None) -> None:
        """Start nodes and connect them with everybody who is up."""
        for name in names or list(self.nodes):
            node = self.nodes[name]
            node.start(self.now_ms)
            for other, peer in self.nodes.items():
                if other != name and peer.up and frozenset((name, other)) not in self._cut:
                    self._connect(name, other)

    def crash(self, name: str) -> None:
        """Kill a node; its peers notice."""
        self.nodes[name].crash()
        self._timers = {k: v for k, v in self._timers.items() if k[0] != name}
        for other in self.nodes:
            if other != name:
                self._later(1, other, lambda now: i.PeerLost(name, now))

    def cut(self, one: str, other: str) -> None:
        """Cut a link."""
        self._cut.add(frozenset((one, other)))
        self._later(1, one, lambda now: i.PeerLost(other, now))
        self._later(1, other, lambda now: i.PeerLost(one, now))

    def slow(self, name: str, more_ms: int) -> None:
        """From now on whatever the node sends takes so much longer."""
        self._slow_ms[name] = more_ms

    def heal(self) -> None:
        """Restore every link."""
        cut, self._cut = self._cut, set()
        for pair in sorted(tuple(sorted(link)) for link in cut):
            self._connect(*pair)

    def submit(self, name: str, tx: Transaction) -> None:
        """A user of node `name` submits; raises the `Rejection`."""
        self.nodes[name].take(i.Submitted(verified(tx), self.now_ms))

    def run(self, until: Callable[[], bool], ms_max: int = 60_000) -> bool:
        """Let time pass until the condition holds; False if it does not within `ms_max`."""
        end = self.now_ms + ms_max
        while not until():
            if not self._queue or self._queue[0][0] > end:
                return False
            self.now_ms, _, event = heapq.heappop(self._queue)
            event()
        return True

    def heights(self) -> list[int]:
        """Height of every node that is up."""
        return [node.core.tip.height for node in self.nodes.values() if node.up]

    # ---------------------------------------------------------------- inside
    def _connect(self, one: str, other: str) -> None:
        self._later(1, one, lambda now: i.PeerConnected(other, now))
        self._later(1, other, lambda now: i.PeerConnected(one, now))

    def _later(self, delay_ms: int, name: str, make: Callable[[int], i.Input]) -> None:
        def event() -> None:
            if self.nodes[name].up:
                self.nodes[name].take(make(self.now_ms))

        self._push(delay_ms, event)

    def _push(self, delay_ms: int, event: Callable[[], None]) -> int:
        self._number += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._number, event))
        return self._number

    def _act(self, name: str, effect: e.Effect) -> None:
        match effect:
            case e.Send(peer=peer, message=message):
                self._transmit(name, peer, message)
            case e.SendAll(message=message):
                for peer in self.nodes:
                    if peer != name:
                        self._transmit(name, peer, message)
            case e.Gossip(bundle=bundle):
                heard = Verified(bundle)
                for peer in self.nodes:
                    if peer != name:
                        self._hop(name, peer, lambda now: i.BundleHeard(heard, now))
            case e.SetTimer(key=key, duration_ms=duration_ms):
                self._set_timer(name, key, duration_ms)
            case e.Punish(peer=peer, code=code, detail=detail):
                self.faults.append(f"{name} says of {peer}: {code} {detail}")
            case e.Note(event=event):
                self.counts[event] += 1
            case _:
                self.counts[type(effect).__name__] += 1

    def _transmit(self, name: str, peer: str, message: DirectMessage) -> None:
        self.counts["messages"] += 1
        self.counts["bytes"] += len(encode_message(message))
        self._hop(name, peer, lambda now: i.MessageReceived(name, Verified(message), now))

    def _hop(self, name: str, peer: str, make: Callable[[int], i.Input]) -> None:
        options = self.options
        if frozenset((name, peer)) in self._cut or not self.nodes[peer].up:
            return
        if self._random.randrange(1_000) < options.loss_permille:
            self.counts["lost"] += 1
            return
        for _ in range(1 + (self._random.randrange(1_000) < options.duplicate_permille)):
            delay = self._random.randint(options.delay_ms_min, options.delay_ms_max)
            self._later(delay + self._slow_ms.get(name, 0), peer, make)

    def _set_timer(self, name: str, key: tuple[str | int, ...], duration_ms: int) -> None:
        slot = (name, key)

        def event() -> None:
            if self._timers.get(slot) == number:
                del self._timers[slot]
                if self.nodes[name].up:
                    self.nodes[name].take(i.TimerElapsed(key, self.now_ms))

        number = self._push(duration_ms, event)
        self._timers[slot] = number
