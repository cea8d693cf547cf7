"""Validator changes in flight: the members propose a power for one of them, and vote for it."""

from collections.abc import Callable
from typing import Final

from ledger import objects as o
from ledger import tables as t
from ledger.actions import CastVote, Propose
from ledger.objects import SetPower
from ledger.state import State
from node.founding import Identity
from simulator.network import SimulatedNetwork
from wire.ids import Lei

STEP_MS: Final = 300
"""How often the members look what to do next."""
PATIENCE_STEPS: Final = 12
"""So many times they wait for a proposal of theirs before they make another."""

Submit = Callable[[Propose | CastVote, Identity], None]
"""Has a member's governance key sign an action, and a node take it."""


class Elections:
    """What the members of one network want of its validator set."""

    def __init__(self, network: SimulatedNetwork, submit: Submit) -> None:
        self._network = network
        self._submit = submit
        self._wanted: list[SetPower] = []
        self._voted: dict[tuple[int, Lei], None] = {}
        self._waited = PATIENCE_STEPS
        self._looking = False

    def want(self, number: int, power: int) -> None:
        """Give the member of this number `power`, after what was wanted before."""
        self._wanted.append(SetPower(self._network.founded.members[number].lei, power))
        if not self._looking:
            self._looking = True
            self._look()

    def _look(self) -> None:
        tips = [node.core.tip for node in self._network.nodes.values() if node.up]
        if tips and self._wanted:
            self._advance(max(tips, key=lambda tip: tip.height).state)
        self._network.at(STEP_MS, self._look)

    def _advance(self, state: State) -> None:
        body = self._wanted[0]
        if state.must(t.MEMBERS, t.MEMBERS.key(body.lei)).power == body.power:
            self._wanted.pop(0)
            self._waited = PATIENCE_STEPS
            return
        for key, row in state.scan(t.PROPOSALS):
            if row.body == body and row.state == o.ProposalState.OPEN:
                self._vote(t.PROPOSALS.parts(key)[0], body.lei)
                return
            if row.body == body and row.state == o.ProposalState.ADOPTED:
                return
        self._waited += 1
        if self._waited > PATIENCE_STEPS:
            self._waited = 0
            who = next(x for x in self._network.founded.members if x.lei != body.lei)
            self._submit(Propose(who.lei, body, "sim"), who)

    def _vote(self, number: int, about: Lei) -> None:
        for who in self._network.founded.members:
            if who.lei != about and (number, who.lei) not in self._voted:
                self._voted[number, who.lei] = None
                self._submit(CastVote(who.lei, number, True), who)
