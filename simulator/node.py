"""One simulated node: the real core, with memory in place of disk, and its effects carried out."""

from collections.abc import Callable

import msgspec

from consensus import inputs as ci
from consensus.errors import DoubleSign
from consensus.messages import Proposal, Vote, sign_bytes, step_of, with_signature
from consensus.signer import SignerGone, admit, raised, signed_state
from ledger.recovery import SignedRecovery, verified
from ledger.transactions import tx_id
from node.blocks import LightBlock
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.core import NodeCore
from node.core.parameters import Parameters
from node.core.seedchain import SeedChain
from node.core.statesync import CatchUp
from node.founding import Identity
from simulator.disk import Disk
from simulator.journal import Accepted, Accusation, Decision, Journal, Punishment, Signature
from wire.codec import Digest
from wire.errors import Rejection
from wire.signing import SigningKey


class Death(msgspec.Struct):
    """A node dies before the effect after so many, whatever it is: between a log and a signature,
    or a signature and its sending. With `torn`, in the next write of its log, of which so many
    bytes remain."""

    effects: int
    torn: int = 0
    zeros: bool = False


class Clock(msgspec.Struct):
    """A node's clock as a function of the global one."""

    base_ms: int
    skew_ms: int = 0
    drift_ppm: int = 0

    def read(self, global_ms: int) -> int:
        """What it shows."""
        drift_ms = (global_ms - self.base_ms) * self.drift_ppm // 1_000_000
        return max(0, global_ms + self.skew_ms + drift_ms)


class NodeFailed(Exception):
    """A core raised what it must not: a real node would have stopped."""


class SimulatedNode:
    """A node's core, disk, clock and signer. `act` is what the network does with the rest."""

    byzantine = False

    def __init__(
        self,
        name: str,
        identity: Identity,
        votes: bool,
        genesis_hash: Digest,
        tip: Tip,
        parameters: Parameters,
        seed_chain: SeedChain | None,
        journal: Journal,
        act: Callable[[str, e.Effect], None],
    ) -> None:
        self.name = name
        self.key: SigningKey = identity.key("consensus")
        self.seed_chain = seed_chain
        self.journal = journal
        self._votes = votes
        self._genesis_hash = genesis_hash
        self._parameters = parameters
        self._act = act
        self.disk = Disk(tip, self.key.public)
        self.clock = Clock(tip.time_ms)
        self.up = False
        self.death: Death | None = None
        self.core = self._boot()

    def _boot(self) -> NodeCore:
        me = self.key.public if self._votes else None
        return NodeCore(self.disk.tip, self._genesis_hash, me, self.seed_chain, self._parameters)

    def may_catch_up(self, how: CatchUp | None) -> None:
        """From its next start on, the node takes snapshots of others."""
        self._parameters = msgspec.structs.replace(self._parameters, catch_up=how)

    def ends_after(self, height: int) -> None:
        """From its next start on, the node's version decides nothing above `height`; 0: no end."""
        self._parameters = msgspec.structs.replace(self._parameters, last_height=height)

    def agree(self, recovery: SignedRecovery) -> None:
        """From its next start on, the node takes part in a recovery."""
        known = (*self._parameters.recoveries, verified(recovery))
        self._parameters = msgspec.structs.replace(self._parameters, recoveries=known)

    def start(self, at_ms: int) -> None:
        """Start, or start again, from the disk alone."""
        self.up = True
        self.death = None
        records = self.disk.open_log()
        self.core = self._boot()
        signing = SignerGone.LOST if self.disk.signer is None else self.disk.signer
        started = i.Started(records, signing, self.clock.read(at_ms), self.disk.shelf.resumed())
        self.take(started)

    def crash(self) -> None:
        """Forget everything but the disk."""
        self.up = False

    def take(self, given: i.Input) -> None:
        """Give the core an input, with what the node's clock shows, and carry out what it asks for.

        Raises the `Rejection` of a `Submitted`, and `NodeFailed` for all else that is raised; a
        node whose disk is full just stops.
        """
        pending: list[i.Input] = [given]
        try:
            while pending and self.up:
                for effect in self.core.handle(pending.pop(0)):
                    if self._dies(effect):
                        return
                    answer = self._carry_out(effect, given.now_ms)
                    if answer is not None:
                        pending.append(answer)
        except OSError as full:
            self.up = False
            self.journal.remark(self.name, "stopped", str(full))
        except Exception as error:
            if isinstance(error, Rejection) and isinstance(given, i.Submitted):
                raise
            raise NodeFailed(f"{self.name}: {type(error).__name__}: {error}") from error

    def _dies(self, effect: e.Effect) -> bool:
        if self.death is None:
            return not self.up
        self.death.effects -= 1
        if self.death.effects >= 0:
            return not self.up
        if self.death.torn:
            if not isinstance(effect, e.WriteLog):
                return not self.up
            self.disk.tear_log(
                effect.height, effect.records, self.death.torn, zeros=self.death.zeros
            )
        self.journal.remark(self.name, "died", f"before {type(effect).__name__}")
        self.up = False
        return True

    def _carry_out(self, effect: e.Effect, now_ms: int) -> i.Input | None:
        match effect:
            case e.WriteLog(height=height, records=records):
                self.disk.append_log(height, records)
            case e.RaiseSigner(from_height=height):
                chain_id = self.disk.tip.chain_id
                key = self.key.public
                self.disk.write_signer(raised(self.disk.signer, chain_id, key, height))
            case e.SignMessage(message=message):
                return i.SignerAnswered(self._sign(message, now_ms), now_ms)
            case e.KeepSubmissions(transactions=transactions):
                self.disk.keep(transactions)
                for tx in transactions:
                    self.journal.accepted.setdefault(tx_id(tx), Accepted(self.name, tx))
            case e.CommitBlock(decided=decided, tip=tip):
                self.disk.commit(decided, tip)
                self.journal.decisions.append(Decision(self.journal.at_ms, self.name, decided))
            case e.Solve(height=height, problems=problems):
                return i.Solved(height, tuple(p.solve() for p in problems), now_ms)
            case e.LoadBlocks() | e.LoadLightBlocks() | e.Serve():
                return self._load(effect, now_ms)
            case e.BeginSnapshot() | e.KeepChunk() | e.AssembleState():
                return self.disk.shelf.fetched(effect, now_ms)
            case e.InstallSnapshot(snapshot=snapshot, tip=tip):
                self.disk.install(snapshot, tip)
            case e.Evidence(piece=piece):
                self.journal.accusations.append(Accusation(self.journal.at_ms, self.name, piece))
            case e.Punish(peer=peer, code=code, detail=detail):
                self.journal.punishments.append(Punishment(self.name, peer, f"{code} {detail}"))
            case e.Note(event=event, fields=fields):
                told = ", ".join(f"{key} {value}" for key, value in fields.items())
                self.journal.remark(self.name, event, told)
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
        """As `node.signer.FileSigner.sign`."""
        state = self.disk.signer
        try:
            signature = None if state is None else admit(state, message)
        except DoubleSign:
            self.journal.remark(self.name, "sign_refused")
            state = None
        if state is None:
            return ci.SignRefused(step_of(message), message.round, now_ms)
        if signature is None:
            signature = self.key.sign(sign_bytes(state.chain_id, message))
            self.disk.write_signer(signed_state(state, message, signature))
        signed = with_signature(message, signature)
        self.journal.signatures.append(Signature(self.journal.at_ms, now_ms, self.name, signed))
        return ci.Signed(signed, now_ms)
