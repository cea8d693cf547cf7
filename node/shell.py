"""Feeds the core and carries out its effects, one by one, in their order.

What the core asks to be durable is durable before the next effect: the log before a signature,
the signer's state before a vote, a block before the votes on the next.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import groupby
from typing import cast

import structlog

from ledger.events import ValidatorSuspended
from ledger.rounds import Problem
from ledger.state import State
from ledger.transactions import Transaction, TxId, tx_id
from node.blocks import DecidedBlock, accusation
from node.core import effects as e
from node.core import inputs as i
from node.core.chain import Tip
from node.core.core import NodeCore
from node.core.errors import CheckpointContradicted, NodeStopping
from node.light.root import NamedHeader
from node.messages import BUNDLES_TOPIC, encode_message
from node.network import Network
from node.plain import plain
from node.signer import Signer
from node.snapshots import Snapshot
from node.solving.parent import certificates
from node.storage.light import light_blocks
from node.storage.snapshots import SnapshotStore
from node.storage.store import Store
from node.wal import ConsensusLog
from wire.codec import encode
from wire.errors import PeerFault, Rejection
from wire.limits import BLOCK_BYTES_MAX
from wire.signing import Verified

log = structlog.get_logger("node")

QUEUE_MAX = 4_096
"""Inputs that wait; above it the network is read no further."""

SAMPLES_MAX = 20_000
"""Finality measurements kept."""


def now_ms() -> int:
    """The node's clock, milliseconds UTC: the one place it is read for the core."""
    return time.time_ns() // 1_000_000


class Shell:
    """The core with its world: store, log, signer, network, timers."""

    def __init__(
        self,
        core: NodeCore,
        store: Store,
        consensus_log: ConsensusLog,
        signer: Signer | None,
        network: Network,
        checkpoint: NamedHeader | None = None,
    ) -> None:
        """`checkpoint`: a header that the operator trusts; no block is stored against it."""
        self.core = core
        self.tip = core.tip
        """The last stored block; queries answer from its state."""
        self.last: DecidedBlock | None = None
        """The last stored block itself."""
        self.evidence = 0
        """Validators seen contradicting themselves."""
        self.finality_ms: deque[int] = deque(maxlen=SAMPLES_MAX)
        """Of this node's own submissions: from acceptance to the decided block."""
        self.on_block: list[Callable[[e.CommitBlock], None]] = []
        """Called after each stored block."""
        self.on_jump: list[Callable[[Tip], None]] = []
        """Called with the new tip when the node has taken a snapshot."""
        self._checkpoint = checkpoint
        self._store = store
        self._snapshots = SnapshotStore(store)
        self._log = consensus_log
        self._signer = signer
        self._network = network
        self._queue: deque[i.Input] = deque()
        self.halted = asyncio.Event()
        """The last block of this version is stored."""
        self.begun = asyncio.Event()
        """The core's first input is queued; whatever else is put comes after it."""
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self.before: State | None = None
        """The state one block ago, whose root the last header carries: what proofs are of."""
        self._timers: dict[tuple[str | int, ...], asyncio.TimerHandle] = {}
        self._closed = False
        self._submitters: dict[TxId, asyncio.Future[None]] = {}
        self._accepted_ms: dict[TxId, int] = {}
        self._solving: tuple[int, asyncio.Task[None]] | None = None
        """The netting rounds of which height are being solved."""

    # ---------------------------------------------------------------- inputs
    def put(self, given: i.Input) -> None:
        """Queue an input."""
        self._queue.append(given)
        self._filled.set()

    async def room(self) -> None:
        """Wait until the queue has room: whoever reads from outside awaits this first."""
        while len(self._queue) >= QUEUE_MAX:
            self._drained.clear()
            await self._drained.wait()

    async def submit(self, tx: Verified[Transaction]) -> TxId:
        """Accept a transaction: returns its id once it is on disk. Raises its `Rejection`."""
        ident = tx_id(tx.value)
        if self._closed:
            raise NodeStopping()
        future = asyncio.get_running_loop().create_future()
        if ident in self._submitters:
            await asyncio.shield(self._submitters[ident])
            return ident
        self._submitters[ident] = future
        try:
            self.put(i.Submitted(tx, now_ms()))
            await asyncio.shield(future)  # others may wait for the same one
        finally:
            self._submitters.pop(ident, None)
        return ident

    def close(self) -> None:
        """Accept nothing any more, and say so to whoever waits."""
        self._closed = True
        for waiting in self._submitters.values():
            if not waiting.done():
                waiting.set_exception(NodeStopping())

    async def run(self) -> None:
        """Work for ever; raises what the core or the disk raise."""
        arriving = await self._snapshots.arriving()
        # Asked last, with no pause before the core is told: a signer that comes in between is told
        # of after the start, never before it (else the core would take it for away for good).
        signing = None if self._signer is None else self._signer.signing()
        self.put(i.Started(self._log.records, signing, now_ms(), arriving))
        self.begun.set()
        while True:
            while not self._queue:
                self._filled.clear()
                await self._filled.wait()
                self._raise_from_solving()
            given = self._queue.popleft()
            if len(self._queue) < QUEUE_MAX:
                self._drained.set()
            await self._step(given)

    async def _step(self, given: i.Input) -> None:
        pending = deque([given])
        while pending:
            turn = pending.popleft()
            try:
                effects = self.core.handle(turn)
            except Rejection as rejection:
                self._refuse(turn, rejection)
                continue
            for kind, group in groupby(effects, type):
                if kind is e.CommitBlock:
                    await self._commit(cast("list[e.CommitBlock]", list(group)))
                    continue
                for effect in group:
                    answer = await self._carry_out(effect)
                    if answer is not None:
                        pending.append(answer)

    def _refuse(self, given: i.Input, rejection: Rejection) -> None:
        assert isinstance(given, i.Submitted), given
        waiting = self._submitters.get(tx_id(given.transaction.value))
        if waiting is not None and not waiting.done():
            waiting.set_exception(rejection)

    # ---------------------------------------------------------------- effects
    async def _carry_out(self, effect: e.Effect) -> i.Input | None:
        match effect:
            case e.Send(peer=peer, message=message):
                self._network.send(peer, encode_message(message))
            case e.SendAll(message=message):
                data = encode_message(message)
                for peer in self.core.peers:
                    self._network.send(peer, data)
            case e.SetTimer(key=key, duration_ms=duration_ms):
                self._set_timer(key, duration_ms)
            case e.WriteLog(height=height, records=records):
                await asyncio.to_thread(self._log.append, height, records)
            case e.SignMessage() | e.RaiseSigner():
                return await self._sign(effect)
            case e.Gossip(bundle=bundle):
                await self._network.publish(BUNDLES_TOPIC, encode(bundle))
            case e.KeepSubmissions(transactions=transactions):
                await self._keep(transactions)
            case e.Solve(height=height, problems=problems):
                self._solve(height, problems)
            case e.LoadBlocks() | e.LoadLightBlocks() | e.Serve():
                return await self._load(effect)
            case e.BeginSnapshot() | e.KeepChunk() | e.AssembleState() | e.InstallSnapshot():
                return await self._fetched(effect)
            case e.Punish(peer=peer, code=code, detail=detail):
                log.warning("peer_fault", peer=peer, code=code, detail=detail)
                self._network.fault(peer, PeerFault(f"{code}: {detail}"))
            case e.Evidence(piece=piece):
                self.evidence += 1
                said = accusation(piece)
                log.error(
                    "evidence",
                    kind=said.kind.name,
                    validator=said.consensus_key.hex(),
                    height=said.height,
                )
            case e.Note(event=event, fields=fields):
                log.info(event, **fields)
        return None

    async def _sign(self, effect: e.SignMessage | e.RaiseSigner) -> i.Input | None:
        assert self._signer is not None
        match effect:
            case e.SignMessage(message=message):
                answer = await self._signer.ask(message, now_ms())
                return None if answer is None else i.SignerAnswered(answer, now_ms())
            case e.RaiseSigner(from_height=height):
                await self._signer.raise_to(height)
                return None

    def _solve(self, height: int, problems: tuple[Problem, ...]) -> None:
        """Solve netting rounds beside everything else; an older height is given up."""
        if self._solving is not None:
            under_way, task = self._solving
            if under_way == height and not task.done():
                return  # asked again, as proposer of a later round
            task.cancel()

        async def solve() -> None:
            found = await certificates(problems)
            self.put(i.Solved(height, found, now_ms()))

        task = asyncio.create_task(solve(), name="solving")
        task.add_done_callback(lambda _: self._filled.set())
        self._solving = (height, task)

    def _raise_from_solving(self) -> None:
        """A fault of solving is a bug, and ends the node as any other does."""
        if self._solving is not None and self._solving[1].done():
            _, task = self._solving
            self._solving = None
            if not task.cancelled():
                task.result()

    def _set_timer(self, key: tuple[str | int, ...], duration_ms: int) -> None:
        running = self._timers.pop(key, None)
        if running is not None:
            running.cancel()

        def elapsed() -> None:
            self._timers.pop(key, None)
            self.put(i.TimerElapsed(key, now_ms()))

        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(duration_ms * 0.001, elapsed)

    async def _keep(self, transactions: tuple[Transaction, ...]) -> None:
        await self._store.keep(transactions)
        for tx in transactions:
            ident = tx_id(tx)
            self._accepted_ms.setdefault(ident, now_ms())
            if len(self._accepted_ms) > SAMPLES_MAX:  # what expired is never measured
                self._accepted_ms.pop(next(iter(self._accepted_ms)))
            waiting = self._submitters.get(ident)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    async def _commit(self, blocks: list[e.CommitBlock]) -> None:
        """Store blocks, several in one transaction while the node catches up."""
        for effect in blocks:
            header = effect.decided.block.header
            if self._checkpoint is not None and self._checkpoint.contradicts(header):
                raise CheckpointContradicted(f"height {header.height}: {self._checkpoint} expected")
        await self._store.commit_blocks(blocks)
        tell = log.info if len(blocks) == 1 else log.debug  # while catching up, `progress` tells
        for effect in blocks:
            self._committed(effect, tell)
        self._note_end()

    def _committed(self, effect: e.CommitBlock, tell: Callable[..., object]) -> None:
        self.before, self.tip = self.tip.state, effect.tip
        self.last = effect.decided
        stored_ms = now_ms()
        for receipt in effect.applied.receipts:
            accepted_ms = self._accepted_ms.pop(TxId(receipt.tx_id), None)
            if accepted_ms is not None:
                self.finality_ms.append(stored_ms - accepted_ms)
        header = effect.decided.block.header
        tell(
            "block",
            height=header.height,
            transactions=len(effect.decided.block.transactions),
            round=effect.decided.commit.round,
            state_root=effect.tip.state.root.hex()[:16],
        )
        for happened in effect.applied.events:
            if isinstance(happened, ValidatorSuspended):  # for the supervisors, at every node
                log.error("validator_suspended", height=header.height, **plain(happened))
        for call in self.on_block:
            call(effect)

    async def _fetched(
        self, effect: e.BeginSnapshot | e.KeepChunk | e.AssembleState | e.InstallSnapshot
    ) -> i.Input | None:
        """A snapshot on its way from the peers into the store."""
        match effect:
            case e.BeginSnapshot(snapshot=snapshot, trail=trail):
                await self._snapshots.begin(snapshot, trail)
            case e.KeepChunk(height=height, number=number, data=data):
                await self._snapshots.keep(height, number, data)
            case e.AssembleState(height=height):
                state = await self._snapshots.assembled(height)
                return i.StateAssembled(height, state, now_ms())
            case e.InstallSnapshot(snapshot=snapshot, tip=tip):
                await self._install(snapshot, tip)
        return None

    async def _install(self, snapshot: Snapshot, tip: Tip) -> None:
        """Go on from a snapshot; nothing can be proved until the next block."""
        await self._snapshots.install(snapshot, tip)
        self.before = self.last = None
        self.tip = tip
        for call in self.on_jump:
            call(tip)
        self._note_end()

    def _note_end(self) -> None:
        if self.core.halted and self.tip.height == self.core.tip.height:
            self.halted.set()

    async def _load(self, effect: e.LoadBlocks | e.LoadLightBlocks | e.Serve) -> i.Input:
        """What a peer asks for: as many of the blocks as fit a frame, or light blocks, or what
        there is of snapshots."""
        match effect:
            case e.LoadBlocks(peer=peer, from_height=start, count=count):
                found = await self._store.blocks(start, count, BLOCK_BYTES_MAX)
                oldest = await self._store.oldest()
                return i.BlocksLoaded(peer, start, oldest, tuple(found), now_ms())
            case e.LoadLightBlocks(peer=peer, heights=heights):
                blocks = await light_blocks(self._store, heights)
                return i.LightBlocksLoaded(peer, blocks, now_ms())
            case e.Serve(peer=peer, request=request):
                reply = await self._snapshots.serve(request, self.tip.height)
                return i.Served(peer, reply, now_ms())
