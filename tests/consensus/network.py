"""Cores in one virtual-time network, from one seed: what it can do to them is `Faults`.

The checkers at the end look only at what the nodes decided, signed and were told.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from consensus.core import Core
from consensus.effects import (
    Broadcast,
    CheckValue,
    Decide,
    Effect,
    GetValue,
    Persist,
    ReportEvidence,
    ScheduleTimeout,
    Sign,
)
from consensus.exchange import announcement, missing_for
from consensus.inputs import (
    CertificateReceived,
    Input,
    ProposalReceived,
    Signed,
    Start,
    TimeoutElapsed,
    ValueChecked,
    ValueReady,
    VoteReceived,
    decode_input,
    encode_input,
)
from consensus.messages import (
    CarriedProposal,
    Certificate,
    Equivocation,
    Proposal,
    Step,
    Vote,
    VoteKind,
    sign_bytes,
    with_signature,
)
from consensus.signer import admit, must_only_follow, new_state, place_of, signed_state
from consensus.validators import Validator, ValidatorSet
from tests.consensus.bench import TIMEOUTS
from wire.codec import sha256

CHAIN = "dcn-simulation"
HEIGHT = 3
TICK_MS = 200
"""Announcements are sent this often."""


@dataclass(frozen=True)
class Faults:
    """The fault model. All of it ends at `heal_ms`, except Byzantine nodes and down ones."""

    seed: int
    nodes: int = 4
    powers: tuple[int, ...] = ()
    byzantine: int = 0
    """The last nodes of the set equivocate."""
    cunning_percent: int = 50
    """How often they follow a plan instead of chance."""
    down: int = 0
    """The first nodes never start."""
    loss_percent: int = 0
    duplicate_percent: int = 0
    delay_ms_max: int = 40
    partition: bool = False
    """Two sides that hear nothing of each other, drawn again about once a second; Byzantine
    nodes hear and speak across."""
    crash_percent: int = 0
    """Chance of a crash before each effect."""
    invalid_percent: int = 0
    """Chance that a proposed value is invalid."""
    slow_checks_ms: int = 0
    heal_ms: int = 4_000
    end_ms: int = 60_000


@dataclass
class Outcome:
    """What the checkers look at."""

    correct: list[int]
    decided: dict[int, list[bytes]] = field(default_factory=dict)
    proposed: dict[bytes, None] = field(default_factory=dict)
    signed: dict[tuple[int, object], dict[bytes, None]] = field(default_factory=dict)
    accused: list[bytes] = field(default_factory=list)
    crashes: int = 0
    messages: int = 0
    rounds: int = 0
    held: int = 0


class Node:
    """A correct validator: log, signer, core, and a shell that may crash at any effect."""

    def __init__(self, network: "Network", index: int) -> None:
        self.network, self.index = network, index
        self.key = network.keys[index]
        self.log: list[bytes] = []
        self.flushed = 0
        self.signer = new_state(CHAIN, self.key)
        self.life = 0
        self.core = self._new_core()
        self.up = True

    def _new_core(self) -> Core:
        return Core(HEIGHT, self.network.validators, self.key, self.network.proposer, TIMEOUTS)

    def take(self, given: Input) -> None:
        if not self.up:
            return
        effects = self.core.handle(given)
        self.log.append(encode_input(given))
        self.carry_out(effects)

    def carry_out(self, effects: list[Effect]) -> None:
        life = self.life
        for effect in effects:
            if self.network.strikes(self.network.faults.crash_percent):
                self.crash()
            if self.life != life:
                return
            self._one(effect)

    def _one(self, effect: Effect) -> None:
        network, now = self.network, self.network.now
        match effect:
            case Persist():
                self.flushed = len(self.log)
            case Sign(message):
                signature = admit(self.signer, message)
                if signature is None:
                    signature = sha256(sign_bytes(CHAIN, message)) * 2
                    self.signer = signed_state(self.signer, message, signature)
                    network.note_signed(self.index, message)
                self.take(Signed(with_signature(message, signature), now))
            case Broadcast(message):
                for other in range(len(network.keys)):
                    if other != self.index:
                        network.send(self.index, other, message)
            case ScheduleTimeout(step, height, round_, duration_ms):
                self.later(duration_ms, lambda: TimeoutElapsed(step, height, round_, network.now))
            case GetValue(_, round_):
                value = network.new_value()
                self.later(5, lambda: ValueReady(round_, value, network.now))
            case CheckValue(block_id):
                wait = network.random.randint(0, network.faults.slow_checks_ms)
                self.later(
                    wait,
                    lambda: ValueChecked(block_id, block_id not in network.invalid, network.now),
                )
            case Decide(_, _, block_id):
                network.outcome.decided.setdefault(self.index, []).append(block_id)
            case ReportEvidence(evidence):
                network.note_evidence(evidence)

    def later(self, wait_ms: int, make: Callable[[], Input]) -> None:
        life = self.life

        def arrive() -> None:
            if self.life == life:
                self.take(make())

        self.network.at(self.network.now + wait_ms, arrive)

    def crash(self) -> None:
        """Lose what was not flushed; come back a little later."""
        self.life += 1
        self.up = False
        self.network.outcome.crashes += 1
        self.network.at(self.network.now + self.network.random.randint(1, 900), self.restart)

    def restart(self) -> None:
        del self.log[self.flushed :]
        self.core = self._new_core()
        for record in self.log:
            self.core.handle(decode_input(record))
        assert not must_only_follow(self.signer, self.core)
        self.up = True
        if self.log:
            self.carry_out(self.core.resume())
        else:
            self.take(Start(self.network.now))


class Network:
    """The whole network; `run` returns what happened."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.random = Random(faults.seed)
        self.now = 0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = count()
        self._values = count()
        self.invalid: dict[bytes, None] = {}
        powers = faults.powers or (1,) * faults.nodes
        self.keys = [bytes([i + 1]) * 32 for i in range(len(powers))]
        self.validators = ValidatorSet(
            Validator(key, power) for key, power in zip(self.keys, powers, strict=True)
        )
        correct = len(powers) - faults.byzantine
        self.outcome = Outcome(list(range(faults.down, correct)))
        self.nodes = {i: Node(self, i) for i in self.outcome.correct}
        self.byzantine = list(range(correct, len(powers)))
        self.side = [self.random.random() < 0.5 for _ in powers]

    def proposer(self, round_: int) -> bytes:
        return self.keys[(round_ + self.faults.seed) % len(self.keys)]

    def at(self, time_ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (time_ms, next(self._serial), action))

    def strikes(self, percent: int) -> bool:
        return self.now < self.faults.heal_ms and self.random.randrange(100) < percent

    def new_value(self) -> bytes:
        value = sha256(b"%d" % next(self._values))
        self.outcome.proposed[value] = None
        if self.strikes(self.faults.invalid_percent):
            self.invalid[value] = None
        return value

    def note_signed(self, index: int, message: Vote | Proposal) -> None:
        places = self.outcome.signed.setdefault((index, place_of(message)), {})
        places[sign_bytes(CHAIN, message)] = None

    def note_evidence(self, evidence: Equivocation) -> None:
        self.outcome.accused.append(evidence.first.validator)

    def send(self, sender: int, to: int, message: Vote | CarriedProposal | Certificate) -> None:
        self.outcome.messages += 1
        cut = self.faults.partition and self.now < self.faults.heal_ms
        if cut and sender not in self.byzantine and self.side[sender] != self.side[to]:
            return
        copies = 2 if self.strikes(self.faults.duplicate_percent) else 1
        if self.strikes(self.faults.loss_percent):
            copies = 0
        worst = self.faults.delay_ms_max if self.now < self.faults.heal_ms else 20
        for _ in range(copies):
            self.at(self.now + self.random.randint(1, worst), lambda: self._arrive(to, message))

    def _arrive(self, to: int, message: Vote | CarriedProposal | Certificate) -> None:
        node = self.nodes.get(to)
        if node is None:
            return
        match message:
            case Vote():
                node.take(VoteReceived(message, self.now))
            case Certificate():
                node.take(CertificateReceived(message, self.now))
            case CarriedProposal(proposal, polka):
                node.take(ProposalReceived(proposal, polka, self.now))

    def tick(self) -> None:
        """Everybody announces; peers send what is missing; Byzantine nodes lie."""
        for index, node in self.nodes.items():
            announced = announcement(node.core) if node.up else None
            if announced is None:
                continue
            for peer in self.nodes.values():
                if peer is node or not peer.up or self.strikes(self.faults.loss_percent):
                    continue
                for item in missing_for(peer.core, announced):
                    assert isinstance(item, Vote | CarriedProposal | Certificate)
                    self.send(peer.index, index, item)
        if self.random.random() < 0.25:
            self.side = [self.random.random() < 0.5 for _ in self.keys]
        for liar in self.byzantine:
            self.lie(liar)
        self.at(self.now + TICK_MS, self.tick)

    def lie(self, liar: int) -> None:
        """Say something different to everyone, in a round near theirs."""
        key = self.keys[liar]
        for to in self.nodes:
            for _ in range(3):
                kind = self.random.choice(list(VoteKind))
                round_, value = self._lie_about(kind, to)
                if round_ is None:
                    continue
                self.send(liar, to, Vote(kind, HEIGHT, round_, value, 0, key, bytes(64)))
                if self.proposer(round_) == key:
                    known = list(self.outcome.proposed)
                    block = self.random.choice([self.new_value(), *known[-3:]])
                    vr = self.random.choice([-1, -1, self.random.randint(-1, round_)])
                    offer = Proposal(HEIGHT, round_, block, vr, 0, key, bytes(64))
                    self.send(liar, to, CarriedProposal(offer, None))

    def _lie_about(self, kind: VoteKind, to: int) -> tuple[int | None, bytes | None]:
        """By plan: one victim decides alone, then the others something else. Else at random."""
        round_ = max(0, self.nodes[to].core.process.round)
        heard = self.nodes[to].core.process.book.rounds.get(round_)
        if self.random.randrange(100) >= self.faults.cunning_percent:
            value = self.random.choice([None, *list(self.outcome.proposed)[-4:]])
            return max(0, round_ + self.random.choice([-1, 0, 0, 1, 2])), value
        if heard is None or heard.proposal is None:
            waits = self.nodes[to].core.process.step is Step.PROPOSE
            return None if waits else round_, None  # once it has given up: on to the next round
        victim = self.outcome.correct[self.faults.seed % len(self.outcome.correct)]
        held_back = to != victim and victim not in self.outcome.decided
        wait = kind is VoteKind.PRECOMMIT and held_back
        return round_, None if wait else heard.proposal.block_id

    def run(self) -> Outcome:
        for node in self.nodes.values():
            start = node.restart
            self.at(self.random.randint(0, 100), start)
            node.up = False
        self.at(TICK_MS, self.tick)
        while self._queue and self.now <= self.faults.end_ms and not self._done():
            self.now, _, action = heapq.heappop(self._queue)
            action()
        for node in self.nodes.values():
            book = node.core.process.book
            self.outcome.rounds = max(self.outcome.rounds, book.round)
            self.outcome.held = max(self.outcome.held, len(book.rounds))
        return self.outcome

    def _done(self) -> bool:
        return all(node.core.decision is not None and node.up for node in self.nodes.values())


# The checkers: each returns what is wrong, or None.


def disagreement(outcome: Outcome) -> str | None:
    decided = {block for blocks in outcome.decided.values() for block in blocks}
    return f"{len(decided)} different blocks decided" if len(decided) > 1 else None


def no_progress(outcome: Outcome) -> str | None:
    missing = [i for i in outcome.correct if i not in outcome.decided]
    return f"nodes {missing} did not decide" if missing else None


def double_signature(outcome: Outcome) -> str | None:
    for (index, place), messages in outcome.signed.items():
        if len(messages) > 1:
            return f"node {index} signed {len(messages)} messages at {place}"
    return None


def wrong_accusation(outcome: Outcome, faults: Faults, keys: list[bytes]) -> str | None:
    guilty = keys[len(keys) - faults.byzantine :]
    wrong = [key for key in outcome.accused if key not in guilty]
    return f"correct validators accused: {wrong}" if wrong else None


def violations(faults: Faults) -> list[str]:
    """Run the network once; everything that is wrong with it."""
    network = Network(faults)
    outcome = network.run()
    found = [
        disagreement(outcome),
        no_progress(outcome),
        double_signature(outcome),
        wrong_accusation(outcome, faults, network.keys),
    ]
    return [f"{faults}: {wrong}" for wrong in found if wrong is not None]
