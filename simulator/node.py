"""One simulated node: the real core, with memory in place of disk, and its effects carried out."""

from collections.abc import Callable

import msgspec

from consensus import inputs as ci
from consensus.errors import DoubleSign
from consensus.messages import Proposal, Vote, sign_bytes, step_of, with_signature
from consensus.signer import SignerState, admit, new_state, signed_state
from consensus.validators import Validator
from node.blocks import DecidedBlock, LightBlock
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.core import NodeCore
from node.core.deciding import Parameters
from node.core.seedchain import SeedChain
from node.founding import Identity
from wire.codec import Digest
from wire.signing import SigningKey


class Disk(msgspec.Struct):
    """What survives a crash."""

    log: list[bytes]
    log_height: int
    blocks: list[DecidedBlock]
    tip: Tip
    signer: SignerState
    kept: dict[bytes, object]
    validators: dict[bytes, tuple[Validator, ...]]
    """By hash, as headers name them."""


class SimulatedNode:
    """A node's core, disk and signer. `act` is what the network does with the rest."""

    def __init__(
        self,
        name: str,
        identity: Identity,
        votes: bool,
        genesis_hash: Digest,
        tip: Tip,
        parameters: Parameters,
        seed_chain: SeedChain | None,
        act: Callable[[str, e.Effect], None],
    ) -> None:
        self.name = name
        self._key: SigningKey = identity.key("consensus")
        self._votes = votes
        self._genesis_hash = genesis_hash
        self._parameters = parameters
        self._seed_chain = seed_chain
        self._act = act
        signer = new_state(tip.chain_id, self._key.public)
        self.disk = Disk([], 1, [], tip, signer, {}, {tip.validators.hash: tip.validators.members})
        self.up = False
        self.effects_left: int | None = None
        """Dies before the effect after so many, whatever it is: between a log and a signature, or
        a signature and its sending."""
        self.core = self._boot()

    def _boot(self) -> NodeCore:
        me = self._key.public if self._votes else None
        return NodeCore(self.disk.tip, self._genesis_hash, me, self._seed_chain, self._parameters)

    def start(self, now_ms: int) -> None:
        """Start, or start again, from the disk alone."""
        self.up = True
        self.effects_left = None
        self.core = self._boot()
        self.take(i.Started(tuple(self.disk.log), self.disk.signer, now_ms))

    def crash(self) -> None:
        """Forget everything but the disk."""
        self.up = False

    def take(self, given: i.Input) -> None:
        """Give the core an input and carry out what it asks for."""
        pending: list[i.Input] = [given]
        while pending and self.up:
            for effect in self.core.handle(pending.pop(0)):
                if self._dies():
                    return
                answer = self._carry_out(effect, given.now_ms)
                if answer is not None:
                    pending.append(answer)

    def _dies(self) -> bool:
        if self.effects_left is not None:
            self.effects_left -= 1
            self.up = self.effects_left >= 0
        return not self.up

    def _carry_out(self, effect: e.Effect, now_ms: int) -> i.Input | None:
        match effect:
            case e.WriteLog(height=height, records=records):
                if height != self.disk.log_height:
                    self.disk.log, self.disk.log_height = [], height
                self.disk.log += records
            case e.SignMessage(message=message):
                return i.SignerAnswered(self._sign(message, now_ms), now_ms)
            case e.KeepSubmissions(transactions=transactions):
                for tx in transactions:
                    self.disk.kept[msgspec.msgpack.encode(tx)] = tx
            case e.CommitBlock(decided=decided, tip=tip):
                self.disk.blocks.append(decided)
                self.disk.tip = tip
                self.disk.validators[tip.next_validators.hash] = tip.next_validators.members
            case e.Solve(height=height, problems=problems):
                return i.Solved(height, tuple(p.solve() for p in problems), now_ms)
            case e.LoadBlocks(peer=peer, from_height=start, count=count):
                blocks = self.disk.blocks[start - 1 : start - 1 + count]
                return i.BlocksLoaded(peer, start, 1, tuple(blocks), now_ms)
            case e.LoadLightBlocks(peer=peer, heights=heights):
                there = [h for h in heights if h <= len(self.disk.blocks)]
                return i.LightBlocksLoaded(peer, tuple(map(self._light, there)), now_ms)
            case _:
                self._act(self.name, effect)
        return None

    def _light(self, height: int) -> LightBlock:
        decided, sets = self.disk.blocks[height - 1], self.disk.validators
        header = decided.block.header
        members = sets[header.validators_hash], sets[header.next_validators_hash]
        return LightBlock(header, decided.commit, *members)

    def _sign(self, message: Vote | Proposal, now_ms: int) -> ci.Signed | ci.SignRefused:
        try:
            signature = admit(self.disk.signer, message)
        except DoubleSign:
            return ci.SignRefused(step_of(message), message.round, now_ms)
        if signature is None:
            signature = self._key.sign(sign_bytes(self.disk.signer.chain_id, message))
            self.disk.signer = signed_state(self.disk.signer, message, signature)
        return ci.Signed(with_signature(message, signature), now_ms)
