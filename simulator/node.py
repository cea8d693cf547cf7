"""One simulated node: the real core, with memory in place of disk, and its effects carried out."""

from collections.abc import Callable

import msgspec

from consensus import inputs as ci
from consensus.errors import DoubleSign
from consensus.messages import Proposal, Vote, sign_bytes, step_of, with_signature
from consensus.signer import SignerGone, SignerState, admit, new_state, raised, signed_state
from consensus.validators import Validator
from ledger.recovery import SignedRecovery, verified
from node.blocks import DecidedBlock, LightBlock
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.core import NodeCore
from node.core.parameters import Parameters
from node.core.seedchain import SeedChain
from node.core.statesync import CatchUp
from node.founding import Identity
from node.snapshots import Snapshot
from simulator.shelf import Shelf
from wire.codec import Digest
from wire.signing import SigningKey


class Disk(msgspec.Struct):
    """What survives a crash."""

    log: list[bytes]
    log_height: int
    blocks: list[DecidedBlock]
    tip: Tip
    signer: SignerState | None
    """None: lost."""
    kept: dict[bytes, object]
    validators: dict[bytes, tuple[Validator, ...]]
    """By hash, as headers name them."""
    shelf: Shelf

    @property
    def oldest(self) -> int:
        """The lowest height whose block is here, or the next one."""
        return self.blocks[0].block.header.height if self.blocks else self.tip.height + 1

    def stored(self, start: int, count: int) -> list[DecidedBlock]:
        """Up to `count` blocks from height `start` on."""
        first = start - self.oldest
        return self.blocks[first : first + count] if first >= 0 else []

    def install(self, snapshot: Snapshot, tip: Tip) -> None:
        """The fetched snapshot takes the place of all that was stored."""
        self.shelf.installed(snapshot)
        self.blocks, self.tip = [], tip
        for known in (tip.last_validators, tip.validators, tip.next_validators):
            self.validators[known.hash] = known.members


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
        sets: dict[bytes, tuple[Validator, ...]] = {tip.validators.hash: tip.validators.members}
        self.disk = Disk([], 1, [], tip, signer, {}, sets, Shelf())
        self.up = False
        self.effects_left: int | None = None
        """Dies before the effect after so many, whatever it is: between a log and a signature, or
        a signature and its sending."""
        self.core = self._boot()

    def _boot(self) -> NodeCore:
        me = self._key.public if self._votes else None
        return NodeCore(self.disk.tip, self._genesis_hash, me, self._seed_chain, self._parameters)

    def may_catch_up(self, how: CatchUp | None) -> None:
        """From its next start on, the node takes snapshots of others."""
        self._parameters = msgspec.structs.replace(self._parameters, catch_up=how)

    def agree(self, recovery: SignedRecovery) -> None:
        """From its next start on, the node takes part in a recovery."""
        known = (*self._parameters.recoveries, verified(recovery))
        self._parameters = msgspec.structs.replace(self._parameters, recoveries=known)

    def start(self, now_ms: int) -> None:
        """Start, or start again, from the disk alone."""
        self.up = True
        self.effects_left = None
        self.core = self._boot()
        signing = SignerGone.LOST if self.disk.signer is None else self.disk.signer
        arriving = self.disk.shelf.resumed()
        self.take(i.Started(tuple(self.disk.log), signing, now_ms, arriving))

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
            case e.RaiseSigner(from_height=height):
                key = self._key.public
                self.disk.signer = raised(self.disk.signer, self.disk.tip.chain_id, key, height)
            case e.SignMessage(message=message):
                return i.SignerAnswered(self._sign(message, now_ms), now_ms)
            case e.KeepSubmissions(transactions=transactions):
                for tx in transactions:
                    self.disk.kept[msgspec.msgpack.encode(tx)] = tx
            case e.CommitBlock(decided=decided, tip=tip):
                self.disk.blocks.append(decided)
                self.disk.tip = tip
                self.disk.shelf.committed(decided, tip)
                self.disk.validators[tip.next_validators.hash] = tip.next_validators.members
            case e.Solve(height=height, problems=problems):
                return i.Solved(height, tuple(p.solve() for p in problems), now_ms)
            case e.LoadBlocks() | e.LoadLightBlocks() | e.Serve():
                return self._load(effect, now_ms)
            case e.BeginSnapshot() | e.KeepChunk() | e.AssembleState():
                return self.disk.shelf.fetched(effect, now_ms)
            case e.InstallSnapshot(snapshot=snapshot, tip=tip):
                self.disk.install(snapshot, tip)
            case _:
                self._act(self.name, effect)
        return None

    def _load(self, effect: e.LoadBlocks | e.LoadLightBlocks | e.Serve, now_ms: int) -> i.Input:
        """What a peer asks for."""
        match effect:
            case e.LoadBlocks(peer=peer, from_height=start, count=count):
                blocks = tuple(self.disk.stored(start, count))
                return i.BlocksLoaded(peer, start, self.disk.oldest, blocks, now_ms)
            case e.LoadLightBlocks(peer=peer, heights=heights):
                found = [self._light(height) for height in heights]
                there = tuple(block for block in found if block is not None)
                return i.LightBlocksLoaded(peer, there, now_ms)
            case e.Serve(peer=peer, request=request):
                after = self._light(getattr(request, "height", 0) + 1)
                reply = self.disk.shelf.serve(request, self.disk.tip.height, after)
                return i.Served(peer, reply, now_ms)

    def _light(self, height: int) -> LightBlock | None:
        found = self.disk.stored(height, 1)
        if not found:
            return self.disk.shelf.trail.get(height)
        sets, header = self.disk.validators, found[0].block.header
        members = sets[header.validators_hash], sets[header.next_validators_hash]
        return LightBlock(header, found[0].commit, *members)

    def _sign(self, message: Vote | Proposal, now_ms: int) -> ci.Signed | ci.SignRefused:
        state = self.disk.signer
        try:
            signature = None if state is None else admit(state, message)
        except DoubleSign:
            state = None
        if state is None:
            return ci.SignRefused(step_of(message), message.round, now_ms)
        if signature is None:
            signature = self._key.sign(sign_bytes(state.chain_id, message))
            self.disk.signer = signed_state(state, message, signature)
        return ci.Signed(with_signature(message, signature), now_ms)
