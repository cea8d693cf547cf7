"""Twins: systematic scenarios of four validators, one of which runs twice with one key.

Bano et al., "Twins: BFT Systems Made Robust" (arXiv 2004.10617): a twin is a Byzantine validator
made of two correct copies, and what the network does is written down round by round: who leads, who
hears whom. Tendermint votes twice a round, so there are two partitions a round: one for proposal
and prevotes, one for precommits. After the last round everybody hears everything, late messages
too, and the three correct validators must have decided, the same.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import combinations, count
from typing import Final

import msgspec

from consensus import effects as e
from consensus import inputs as i
from consensus.core import Core
from consensus.messages import (
    CarriedProposal,
    Vote,
    VoteKind,
    with_signature,
)
from consensus.timeouts import TimeoutParameters
from consensus.validators import Validator, ValidatorSet
from wire.codec import sha256

COPIES: Final = ("a", "b", "c", "d", "d'")
"""a, b and c are correct; d and d' share a key."""

CORRECT: Final = COPIES[:3]
ROUNDS: Final = 4
HEIGHT: Final = 1
TIMEOUTS: Final = TimeoutParameters(40, 0, 20, 0, 20, 0, 100, False)
"""A message takes one millisecond."""
END_MS: Final = 2_000
"""Long after the partitions have ended, by the timers."""

Group = frozenset[str]


class Round(msgspec.Struct, frozen=True):
    """What the network does in one round."""

    leader: str
    prevoting: Group
    """Who hears whom of proposal and prevotes: those in it, and those out of it."""
    precommitting: Group
    """The same of precommits."""


Script = tuple[Round, ...]


def partitions() -> list[Group]:
    """All ways to part five copies in two, and not at all; `a` is always inside."""
    rest = COPIES[1:]
    return [
        frozenset(("a", *chosen))
        for size in range(len(rest) + 1)
        for chosen in combinations(rest, size)
    ]


def per_round() -> list[Round]:
    """Every round there can be."""
    parts = partitions()
    return [Round(name, one, two) for name in "abcd" for one in parts for two in parts]


def scripts(limit: int, rounds: int = ROUNDS) -> Iterator[Script]:
    """`limit` different scripts, spread evenly over all there are: the n-th is n times a stride
    that has no factor in common with their number."""
    choices = per_round()
    total = len(choices) ** rounds
    stride = total * 618_033_989 // 1_000_000_000 | 1  # total is a power of two
    for number in range(min(limit, total)):
        rest = number * stride % total
        script = []
        for _ in range(rounds):
            rest, digit = divmod(rest, len(choices))
            script.append(choices[digit])
        yield tuple(script)


class Play:
    """One script, played by five consensus cores."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.now_ms = 0
        self._serial = count()
        self._queue: list[tuple[int, int, str, i.Input]] = []
        self._late: list[tuple[str, Vote | CarriedProposal]] = []
        """Messages that a partition has kept from somebody."""
        keys = {name: sha256(name[0].encode()) for name in COPIES}
        self._keys = keys
        validators = ValidatorSet(Validator(key, 1) for key in dict.fromkeys(keys.values()))
        self.cores = {
            name: Core(HEIGHT, validators, keys[name], self._proposer, TIMEOUTS) for name in COPIES
        }

    def _proposer(self, round_: int) -> bytes:
        if round_ < len(self.script):
            return self._keys[self.script[round_].leader]
        return self._keys[COPIES[round_ % 4]]

    def decisions(self) -> dict[str, bytes]:
        """What the correct validators have decided, once all is played."""
        for name in COPIES:
            self._put(0, name, i.Start(0))
        self._run(END_MS)
        for name, message in self._late:
            self._deliver(name, message)
        self._late.clear()
        self._run(2 * END_MS)
        self._show_commits()
        self._run(3 * END_MS)
        return {
            name: core.decision.block_id
            for name, core in self.cores.items()
            if name in CORRECT and core.decision is not None
        }

    def _show_commits(self) -> None:
        """Who has decided shows the commit whole, as `consensus.exchange` does: an equivocator's
        other vote may hide it from those who counted that."""
        for core in self.cores.values():
            if core.decision is None:
                continue
            proposal = core.process.book.at(core.decision.round).proposal_for(
                core.decision.block_id
            )
            assert proposal is not None
            for name in CORRECT:
                self._put(1, name, i.ProposalReceived(proposal, None, 0))
                self._put(1, name, i.CertificateReceived(core.decision.certificate, 0))

    def _run(self, end_ms: int) -> None:
        while self._queue and self._queue[0][0] <= end_ms and not self._done():
            self.now_ms, _, name, given = heapq.heappop(self._queue)
            self._take(name, msgspec.structs.replace(given, now_ms=self.now_ms))
        self.now_ms = end_ms

    def _done(self) -> bool:
        return all(self.cores[name].decision is not None for name in CORRECT)

    def _put(self, delay_ms: int, name: str, given: i.Input) -> None:
        entry = (self.now_ms + delay_ms, next(self._serial), name, given)
        heapq.heappush(self._queue, entry)

    def _take(self, name: str, given: i.Input) -> None:
        for effect in self.cores[name].handle(given):
            match effect:
                case e.Sign(message=message):
                    signed = with_signature(message, sha256(name.encode()) * 2)
                    self._take(name, i.Signed(signed, self.now_ms))
                case e.Broadcast(message=message):
                    self._send(name, message)
                case e.ScheduleTimeout(step=step, round=round_, duration_ms=duration_ms):
                    self._put(duration_ms, name, i.TimeoutElapsed(step, HEIGHT, round_, 0))
                case e.GetValue(round=round_):
                    value = sha256(f"{name} {round_}".encode())
                    self._take(name, i.ValueReady(round_, value, self.now_ms))
                case e.CheckValue(block_id=block_id):
                    self._put(0, name, i.ValueChecked(block_id, True, 0))
                case _:
                    pass

    def _send(self, sender: str, message: Vote | CarriedProposal) -> None:
        for name in COPIES:
            if name == sender:
                continue
            if self._hears(sender, name, message):
                self._deliver(name, message)
            else:
                self._late.append((name, message))

    def _hears(self, sender: str, name: str, message: Vote | CarriedProposal) -> bool:
        round_ = message.round if isinstance(message, Vote) else message.proposal.round
        if round_ >= len(self.script) or self.now_ms >= END_MS:
            return True
        here = self.script[round_]
        precommits = isinstance(message, Vote) and message.kind is VoteKind.PRECOMMIT
        group = here.precommitting if precommits else here.prevoting
        return (sender in group) == (name in group)

    def _deliver(self, name: str, message: Vote | CarriedProposal) -> None:
        if isinstance(message, Vote):
            self._put(1, name, i.VoteReceived(message, 0))
        else:
            self._put(1, name, i.ProposalReceived(message.proposal, message.polka, 0))


def disagreements(played: Iterable[Script]) -> Iterator[tuple[Script, dict[str, bytes]]]:
    """The scripts after which correct validators have not all decided the same block."""
    for script in played:
        decided = Play(script).decisions()
        if len(decided) != len(CORRECT) or len(set(decided.values())) > 1:
            yield script, decided


def described(script: Script) -> str:
    """A script in a line."""
    return "; ".join(
        f"{here.leader} leads, prevotes within {' '.join(sorted(here.prevoting))}, "
        f"precommits within {' '.join(sorted(here.precommitting))}"
        for here in script
    )
