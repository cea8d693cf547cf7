"""A validator that lies: the real core, whose messages are bent on their way out.

It signs whatever it likes with its own key, and nobody else's. What it does is drawn from the seed.
"""

import random
from typing import Any, Final

import msgspec

from consensus import inputs as ci
from consensus.messages import (
    CarriedProposal,
    Certificate,
    Entry,
    Proposal,
    Step,
    Vote,
    VoteKind,
    sign_bytes,
    with_signature,
)
from node.blocks import Block, BundlePart, DecidedBlock, Proposed, block_id
from node.core import effects as e
from node.core import inputs as i
from node.core.building import build
from node.core.chain import Tip
from node.messages import BlocksReply, DirectMessage, ProposalMessage
from simulator.faults import Trick
from simulator.network import SimulatedNetwork
from simulator.node import NodeFailed, SimulatedNode

Said = tuple[tuple[str, ...], DirectMessage]

ROUNDS_AHEAD: Final = 14
"""More than a correct validator keeps of one sender."""


class Liar(SimulatedNode):
    """A Byzantine validator. Give it its tricks with `corrupt` before it starts."""

    byzantine = True
    _tricks: tuple[Trick, ...] = ()
    _network: SimulatedNetwork
    _draw: random.Random

    def corrupt(self, tricks: tuple[Trick, ...], network: SimulatedNetwork, seed: str) -> None:
        """From now on it does `tricks`."""
        self._tricks, self._network = tricks, network
        self._draw = random.Random(seed)
        self._others: dict[tuple[int, int], bytes] = {}
        """The second block it has proposed at a height and round."""
        self._been_ahead = (0, 0)

    def take(self, given: i.Input) -> None:
        """As a correct node, but for its memory; and it may answer on its own."""
        if Trick.AMNESIA in self._tricks:
            process = self.core.deciding.run.core.process
            process.locked_value = process.valid_value = None
            process.locked_round = process.valid_round = -1
        try:
            super().take(given)
        except NodeFailed as failed:  # it has confused itself
            self.journal.remark(self.name, "liar_failed", str(failed))
            self.up = False
        if self.up and isinstance(given, i.MessageReceived):
            self._react(given.message.value)

    def _sign(self, message: Vote | Proposal, now_ms: int) -> ci.Signed | ci.SignRefused:
        return ci.Signed(self._signed(message), now_ms)

    def _signed(self, message: Any) -> Any:
        chain_id = self.core.tip.chain_id
        return with_signature(message, self.key.sign(sign_bytes(chain_id, message)))

    def _carry_out(self, effect: e.Effect, now_ms: int) -> i.Input | None:
        match effect:
            case e.SendAll(message=Vote() | ProposalMessage() as message):
                self._say(message)
            case e.LoadBlocks(peer=peer, from_height=start) if Trick.SYNC_LIAR in self._tricks:
                self._forge(peer, start)
            case _:
                return super()._carry_out(effect, now_ms)
        return None

    # ---------------------------------------------------------------- bent messages
    def _say(self, message: Vote | ProposalMessage) -> None:
        said: list[Said] = [(tuple(self.core.peers), message)]
        if Trick.INVALID in self._tricks and isinstance(message, ProposalMessage):
            said = [(said[0][0], self._spoiled(message))]
        elif Trick.WRONG_DIGEST in self._tricks and isinstance(message, ProposalMessage):
            said = [(said[0][0], self._with_other_bundles(message))]
        elif Trick.FALSE_POLKA in self._tricks and isinstance(message, ProposalMessage):
            said = [(said[0][0], self._with_false_polka(message))]
        elif Trick.EQUIVOCATE in self._tricks:
            said = self._two_tales(said[0][0], message)
        for peers, one in said:
            self._send(peers, one)

    def _send(self, peers: tuple[str, ...], message: DirectMessage) -> None:
        if Trick.FALSE_TIME in self._tricks and isinstance(message, Vote):
            false = self._draw.choice((0, 1, 4_000_000_000_000, message.time_ms + 10_000_000))
            message = self._signed(msgspec.structs.replace(message, time_ms=false))
        if Trick.WITHHOLD in self._tricks:
            peers = tuple(peer for peer in peers if self._draw.random() < 0.5)
        if Trick.LATE in self._tricks and self._draw.random() < 0.5:
            self._network.at(
                self._draw.randint(50, 1_500),
                lambda: self._network.transmit(self.name, peers, message),
            )
        else:
            self._network.transmit(self.name, peers, message)

    def _two_tales(self, peers: tuple[str, ...], message: Vote | ProposalMessage) -> list[Said]:
        """One half hears of one block, the other of another; the halves are those of the names."""
        half = len(peers) // 2
        one, other = sorted(peers)[:half], sorted(peers)[half:]
        if isinstance(message, Vote):
            place = (message.height, message.round)
            second = self._others.get(place)
            if second is None and message.block_id is None:
                second = self._draw.choice(self._known())
            changed: DirectMessage = self._signed(msgspec.structs.replace(message, block_id=second))
        else:
            changed = self._second_proposal(message)
        return [(tuple(one), message), (tuple(other), changed)]

    def _known(self) -> list[bytes | None]:
        """Blocks under discussion, and nil."""
        return [None, *self.core.deciding.run.candidates.blocks]

    def _second_proposal(self, message: ProposalMessage) -> ProposalMessage:
        first = message.carried.proposal
        if first.height != self.core.tip.height + 1:
            return message
        made = self._alternative(self.core.tip)
        if made is None:
            return message
        proposed, _ = made
        ident = block_id(proposed.header)
        self._others[first.height, first.round] = ident
        second = self._signed(msgspec.structs.replace(first, block_id=ident, valid_round=-1))
        return ProposalMessage(CarriedProposal(second, None), proposed)

    def _alternative(self, tip: Tip) -> tuple[Proposed, Block] | None:
        """Another valid block on `tip`: with no transactions, and without one vote if it can."""
        if self.seed_chain is None:
            return None
        commit = tip.commit
        if commit is not None:
            fewer = commit.signatures[1:]
            power = sum(tip.last_validators.powers[entry.validator] for entry in fewer)
            if tip.last_validators.is_quorum(power):
                tip = msgspec.structs.replace(
                    tip, commit=msgspec.structs.replace(commit, signatures=fewer)
                )
        try:
            link = self.seed_chain.next_link(tip.seed_link(self.key.public))
        except KeyError:
            return None
        return build(tip, self.key.public, link, (), (), ())

    def _spoiled(self, message: ProposalMessage) -> ProposalMessage:
        """The proposal of a block that the ledger refuses."""
        header = message.block.header
        wrong: dict[str, Any] = {
            "time_ms": self._draw.choice((0, header.time_ms + 1, header.time_ms + 10**9)),
            "state_root": self._draw.randbytes(32),
            "receipts_root": self._draw.randbytes(32),
            "validators_hash": self._draw.randbytes(32),
            "next_validators_hash": self._draw.randbytes(32),
            "seed_link": self._draw.randbytes(32),
            "height": header.height + 1,
        }
        name = self._draw.choice(list(wrong))
        header = msgspec.structs.replace(header, **{name: wrong[name]})
        changed = msgspec.structs.replace(message.carried.proposal, block_id=block_id(header))
        carried = msgspec.structs.replace(message.carried, proposal=self._signed(changed))
        return ProposalMessage(carried, msgspec.structs.replace(message.block, header=header))

    def _with_other_bundles(self, message: ProposalMessage) -> ProposalMessage:
        """The proposal with bundles that nobody has, or with none at all."""
        unknown = tuple(BundlePart(self._draw.randbytes(32), ()) for _ in range(2))
        parts = self._draw.choice((unknown, ()))
        return ProposalMessage(
            message.carried, msgspec.structs.replace(message.block, bundles=parts)
        )

    def _with_false_polka(self, message: ProposalMessage) -> ProposalMessage:
        """The proposal as if its block had had a polka in an earlier round."""
        proposal = message.carried.proposal
        if not proposal.round or proposal.valid_round >= 0:
            return message
        claimed = msgspec.structs.replace(proposal, valid_round=proposal.round - 1)
        carried = CarriedProposal(self._signed(claimed), None)
        return ProposalMessage(carried, message.block)

    # ---------------------------------------------------------------- on its own
    def _react(self, message: DirectMessage) -> None:
        if Trick.EAGER in self._tricks and isinstance(message, ProposalMessage):
            proposal = message.carried.proposal
            for kind in VoteKind:
                self._vote(kind, proposal.height, proposal.round, proposal.block_id)
        if Trick.AHEAD in self._tricks and isinstance(message, Vote):
            place = (message.height, message.round)
            if place > self._been_ahead and self._draw.random() < 0.3:
                self._been_ahead = (message.height, message.round + ROUNDS_AHEAD)
                self._go_ahead(message.height, message.round)
        if Trick.SYNC_LIAR in self._tricks and self._draw.random() < 0.02:
            self._claim()

    def _go_ahead(self, height: int, round_: int) -> None:
        """Many voices from one mouth in the next round, or one voice in many rounds."""
        if self._draw.random() < 0.5:
            for later in range(round_ + 1, round_ + ROUNDS_AHEAD):
                for kind in VoteKind:
                    self._vote(kind, height, later, None)
        else:
            for _ in range(3):
                self._vote(VoteKind.PREVOTE, height, round_ + 1, None)
                self._vote(VoteKind.PRECOMMIT, height, round_ + 1, None)

    def _vote(self, kind: VoteKind, height: int, round_: int, ident: bytes | None) -> None:
        now_ms = self.clock.read(self.journal.at_ms)
        vote = Vote(kind, height, round_, ident, now_ms, self.key.public, b"")
        self._send(tuple(self.core.peers), self._signed(vote))

    def _claim(self) -> None:
        """Say that it is far ahead: whoever believes it asks it for blocks."""
        here = self.core.deciding.run.announcement()
        height = here.height + self._draw.choice((1, 1, 2, 40))
        claim = msgspec.structs.replace(
            here, height=height, step=Step.PROPOSE, decided=True, proposals=()
        )
        self._network.transmit(self.name, tuple(self.core.peers), claim)

    def _forge(self, peer: str, start: int) -> None:
        """A block that fits the chain at `start`, with a commit that only the liar has signed."""
        before = self.disk.tip_at(start - 1)
        if before is None:
            return
        made = self._alternative(before)
        if made is None:
            return
        _, block = made
        now_ms = self.clock.read(self.journal.at_ms)
        vote = Vote(
            VoteKind.PRECOMMIT, start, 0, block_id(block.header), now_ms, self.key.public, b""
        )
        entry = Entry(self.key.public, now_ms, self._signed(vote).signature)
        commit = Certificate(vote.kind, start, 0, vote.block_id, (entry,))
        reply = BlocksReply(start, self.disk.oldest, (DecidedBlock(block, commit),))
        self._network.transmit(self.name, (peer,), reply)
