"""The node as a pure machine: `handle(input) -> [effects]`.

A submitted trade waits (`_submitted`, `_flush`) and is gossiped; every node takes it from the
gossip (`_bundle_heard`); `Deciding` proposes, judges and applies blocks; `Sync` catches up.
"""

from typing import Final, assert_never

from consensus.exchange import Announcement, PeerBehind, PeerViews
from consensus.messages import CarriedProposal, Certificate, Vote
from ledger.apply import check_transaction
from ledger.state import Draft, State
from ledger.transactions import Transaction
from node.core import effects as e
from node.core import inputs as i
from node.core.building import admissible, check_decided
from node.core.candidates import split
from node.core.chain import Tip
from node.core.deciding import Deciding
from node.core.errors import BadBlocks, ObserverCannotSubmit, WrongNetwork
from node.core.outbox import Outbox
from node.core.outgoing import Outgoing
from node.core.parameters import Parameters
from node.core.seedchain import SeedChain
from node.core.snapshot import tip_of
from node.core.statesync import StateSync
from node.core.sync import Sync
from node.messages import (
    BlocksReply,
    BlocksRequest,
    BundleReply,
    BundleRequest,
    ChunkReply,
    ChunkRequest,
    DirectMessage,
    EvidenceMessage,
    Hello,
    LightBlocksReply,
    LightBlocksRequest,
    ProposalMessage,
    SnapshotReply,
    SnapshotRequest,
    SnapshotsReply,
    SnapshotsRequest,
)
from wire.codec import digest_of
from wire.errors import PeerFault, Rejection
from wire.statechunks import outline_root
from wire.version import PROTOCOL_VERSION

TICK_MS: Final = 250
"""How often the node looks whether it is behind."""

ANNOUNCE_MS: Final = 1_000
"""How often it says what it holds, so that peers send what is missing."""

APPLY_WORK_MAX: Final = 512
"""Work on synced blocks at a time: transactions, and `BLOCK_WORK` for each block."""

BLOCK_WORK: Final = 16
"""What a block without transactions costs, in transactions."""

TELL_MS: Final = 20
"""How often one peer's announcements are answered with what it says it lacks: a round takes
longer, and a peer that always lacks everything is sent a bounded amount."""


class NodeCore:
    """One node's core. Make it from the stored tip, then give it `Started` first."""

    def __init__(
        self,
        tip: Tip,
        genesis_hash: bytes,
        me: bytes | None,
        seed_chain: SeedChain | None,
        parameters: Parameters,
    ) -> None:
        """`me`: consensus key to sign for, with its seed chain; None only follows."""
        self.genesis_hash: Final = genesis_hash
        self.sync: Final = Sync()
        self.peers: Final[dict[str, int]] = {}
        """Peers that have said hello, and the height they had then."""
        self._parameters = parameters
        self._outbox = Outbox()
        self._outgoing = Outgoing()
        self._views = PeerViews()
        self._told_ms: dict[str, int] = {}
        self.deciding: Final = Deciding(tip, me, seed_chain, parameters, self._outbox)
        agreed = self.deciding.recoveries.decided
        self.state_sync: Final = StateSync(parameters.catch_up, self._outbox, agreed)

    @property
    def tip(self) -> Tip:
        """The last decided block and the state after it."""
        return self.deciding.tip

    @property
    def halted(self) -> bool:
        """Whether the tip is the last block of this version; it is still given to peers."""
        return self._parameters.ends_at(self.tip.height)

    def wants(self, peer: str, message: DirectMessage) -> bool:
        """Whether to look at `message` at all: answers that nobody asked for cost their signature
        checks, and those of a block are thousands."""
        match message:
            case BlocksReply():
                return self.sync.expects(peer, message)
            case BundleReply(bundle=bundle):
                return self.deciding.run.candidates.wants(digest_of(bundle), peer)
            case LightBlocksReply():
                return self.state_sync.expects_light_blocks(peer)
            case SnapshotReply():
                return self.state_sync.expects_plan(peer)
            case ChunkReply():
                return self.state_sync.expects_chunk(peer, message)
            case _:
                return True

    def handle(self, given: i.Input) -> list[e.Effect]:
        """Take one input in; the effects, in the order in which they must happen.

        Raises the `Rejection` of a `Submitted`, and nothing else: a peer's fault is an effect.
        """
        self._outbox.now_ms = given.now_ms
        match given:
            case i.Started():
                self._started(given)
            case i.PeerConnected():
                self._outbox.send(given.peer, self._hello())
            case i.PeerLost():
                self._lost(given.peer)
            case i.MessageReceived():
                self._guarded(given.peer, given.message.value)
            case i.BundleHeard():
                self._bundle_heard(given)
            case i.Submitted():
                self._submitted(given.transaction.value)
            case i.EvidenceFound():
                self.deciding.evidence_found(given.piece.value)
            case i.ExtensionOffered():
                self.deciding.offer_extension(given.data)
            case i.TimerElapsed():
                self._timer(given.key)
            case i.SignerAnswered() | i.SignerFound():
                self._signer(given)
            case i.Solved():
                self.deciding.solved(given.height, given.certificates)
            case i.BlocksLoaded() | i.LightBlocksLoaded() | i.Served():
                self._outbox.send(given.peer, _reply(given))
            case i.StateAssembled():
                self._assembled(given.height, given.state)
            case _:
                assert_never(given)
        self.deciding.settle_down()
        return self._outbox.take()

    # ---------------------------------------------------------------- start and timers
    def _started(self, given: i.Started) -> None:
        self.deciding.restore(given.log, given.signing)
        if given.arriving is not None and given.arriving.snapshot.height > self.tip.height:
            self.state_sync.resume(given.arriving)
        self._outbox.emit(e.SetTimer(("announce",), ANNOUNCE_MS))
        self._outbox.emit(e.SetTimer(("tick",), TICK_MS))
        self.deciding.maybe_start()

    def _signer(self, given: i.SignerAnswered | i.SignerFound) -> None:
        match given:
            case i.SignerAnswered(answer=answer):
                self.deciding.answered(answer)
            case i.SignerFound(signing=signing):
                self.deciding.signer_found(signing)

    def _timer(self, key: tuple[str | int, ...]) -> None:
        match key:
            case ("consensus", int(step), int(height), int(round_)):
                self.deciding.timeout(step, height, round_)
            case ("start", int(height)):
                self.deciding.start_due(height)
            case ("fetch", int(height)):
                if height == self.deciding.run.height:
                    self.deciding.fetch_missing()
            case ("flush",):
                self._flush()
            case ("tick",):
                self._catch_up()
                self._outbox.emit(e.SetTimer(("tick",), TICK_MS))
            case ("apply",):
                self._apply_blocks()
            case ("announce",):
                self.deciding.announce()
                self._outbox.emit(e.SetTimer(("announce",), ANNOUNCE_MS))
            case _:
                raise AssertionError(f"no timer {key}")

    # ---------------------------------------------------------------- peers
    def _guarded(self, peer: str, message: DirectMessage) -> None:
        try:
            if isinstance(message, Hello):
                self._hello_from(peer, message)
            elif peer in self.peers:
                self._message(peer, message)
        except PeerFault as fault:
            self._outbox.emit(e.Punish(peer, fault.code, fault.detail))

    def _message(self, peer: str, message: DirectMessage) -> None:
        match message:
            case Vote() | Certificate() | ProposalMessage():
                if not self.halted:
                    self.deciding.message(peer, message)
            case Announcement():
                self._announcement(peer, message)
            case BundleRequest(digests=digests):
                for digest in dict.fromkeys(digests):
                    bundle = self.deciding.run.candidates.bundle(digest)
                    if bundle is not None:
                        self._outbox.send(peer, BundleReply(bundle))
            case BundleReply(bundle=bundle):
                self.deciding.run.candidates.arrived(bundle, peer)
                self.deciding.judge_again()
            case EvidenceMessage(piece=piece):
                self.deciding.evidence_found(piece)
            case BlocksRequest(from_height=start, count=count):
                self._outbox.emit(e.LoadBlocks(peer, start, count))
            case BlocksReply():
                self.sync.answered(peer, message, self.tip.height, self._outbox.now_ms)
                self._apply_blocks()
            case LightBlocksRequest(heights=heights):
                self._outbox.emit(e.LoadLightBlocks(peer, heights))
            case LightBlocksReply() | SnapshotsReply() | SnapshotReply() | ChunkReply():
                self._about_snapshots(peer, message)
            case SnapshotsRequest() | SnapshotRequest() | ChunkRequest():
                self._outbox.emit(e.Serve(peer, message))
            case _:
                raise AssertionError("hello is handled before, affirmations by the shell")

    def _hello(self) -> Hello:
        tip = self.tip
        return Hello(PROTOCOL_VERSION, tip.chain_id, self.genesis_hash, tip.height, "dcn")

    def _hello_from(self, peer: str, hello: Hello) -> None:
        ours = (PROTOCOL_VERSION, self.tip.chain_id, self.genesis_hash)
        if (hello.protocol_version, hello.chain_id, hello.genesis_hash) != ours:
            raise WrongNetwork(f"protocol {hello.protocol_version}, chain {hello.chain_id[:48]}")
        self.peers[peer] = hello.height
        self.sync.heard(peer, hello.height)
        self._outbox.send(peer, self.deciding.run.announcement())
        for piece in self.deciding.evidence.pieces():
            self._outbox.send(peer, EvidenceMessage(piece))
        self._catch_up()

    def _lost(self, peer: str) -> None:
        self.peers.pop(peer, None)
        self.sync.lost(peer)
        self.state_sync.lost(peer)
        self._views.forget(peer.encode())
        self._told_ms.pop(peer, None)
        self.deciding.lost(peer)

    def _announcement(self, peer: str, heard: Announcement) -> None:
        """Where a peer is: send it what it lacks, and see whether it is ahead."""
        self.sync.heard(peer, heard.height if heard.decided else heard.height - 1)
        view = peer.encode()
        self._views.heard(view, heard)
        if self._outbox.now_ms < self._told_ms.get(peer, 0) + TELL_MS:
            return
        self._told_ms[peer] = self._outbox.now_ms
        for delivery in self._views.take_missing(self.deciding.run.core, view):
            match delivery:
                case CarriedProposal():
                    self.deciding.send_proposal(peer, delivery)
                case PeerBehind():
                    pass  # it learns our height from our announcement, and asks for blocks
                case _:
                    self._outbox.send(peer, delivery)
        self._ask_for_blocks()

    # ---------------------------------------------------------------- transactions
    def _submitted(self, tx: Transaction) -> None:
        if not self._parameters.may_submit:
            raise ObserverCannotSubmit()
        check_transaction(self.tip.state, tx, self.tip.height + 1)
        self._outgoing.add(tx, self.deciding.pool)
        if self._outgoing.full:
            self._flush()
        elif len(self._outgoing) == 1:
            self._outbox.emit(e.SetTimer(("flush",), self._parameters.flush_ms))

    def _flush(self) -> None:
        """Keep, then gossip, what has been submitted since the last time."""
        transactions = self._outgoing.take()
        if not transactions:
            return
        self._outbox.emit(e.KeepSubmissions(transactions))
        for bundle in split(transactions):
            self.deciding.pool.add(bundle, range(len(bundle.transactions)))
            self._outbox.emit(e.Gossip(bundle))
        self.deciding.maybe_start()

    def _bundle_heard(self, given: i.BundleHeard) -> None:
        bundle = given.bundle.value
        draft = Draft(self.tip.state)
        height = self.tip.height + 1
        admitted = [
            position
            for position, tx in enumerate(bundle.transactions)
            if admissible(draft, tx, height)
        ]
        self.deciding.pool.add(bundle, admitted)
        self.deciding.judge_again()
        self.deciding.maybe_start()

    # ---------------------------------------------------------------- sync
    def _about_snapshots(
        self, peer: str, message: LightBlocksReply | SnapshotsReply | SnapshotReply | ChunkReply
    ) -> None:
        match message:
            case LightBlocksReply():
                self.state_sync.led(peer, message)
            case SnapshotsReply():
                self.state_sync.offered(peer, message)
            case SnapshotReply():
                self.state_sync.planned(peer, message)
            case ChunkReply():
                self.state_sync.chunk(peer, message)

    def _catch_up(self) -> None:
        height = self.tip.height
        self.state_sync.tick(
            height,
            self.sync.target(),
            blocks_to_be_had=bool(self.sync.sources(height)),
            peers=list(self.peers),
        )
        self._ask_for_blocks()

    def _ask_for_blocks(self) -> None:
        if self.halted or self.state_sync.active or self.deciding.recoveries.blocks(self.tip):
            return
        for peer, request in self.sync.requests(self.tip.height, self._outbox.now_ms):
            self._outbox.send(peer, request)

    def _apply_blocks(self) -> None:
        """Apply what has arrived, in order, each block verified against its commit; after a
        bounded piece of work the rest of the node has its turn."""
        work = 0
        while work < APPLY_WORK_MAX and not self.halted:
            found = self.sync.next_block(self.tip.height)
            if found is None:
                break
            peer, decided = found
            if self.deciding.recoveries.meets(self.tip, decided.block):
                break
            try:
                check_decided(self.tip, decided)
                self.deciding.apply(decided.block, decided.commit)
            except (Rejection, PeerFault) as refused:
                self.sync.refused(peer, self._outbox.now_ms)
                self._outbox.emit(e.Punish(peer, BadBlocks.code, str(refused)))
                break
            work += BLOCK_WORK + len(decided.block.transactions)
        if work:
            self.deciding.follow_on()
        if work >= APPLY_WORK_MAX:
            self._outbox.emit(e.SetTimer(("apply",), 1))
        self._ask_for_blocks()

    def _assembled(self, height: int, state: State | None) -> None:
        """The chunks of the fetched snapshot have become a state: go on from it."""
        chunks = self.state_sync.chunks
        if chunks is None or chunks.snapshot.height != height:
            return
        snapshot = chunks.snapshot
        sound = state is not None and state.root == outline_root(snapshot.outline)
        if state is not None and sound and height > self.tip.height:
            tip = tip_of(snapshot, state)
            self._outbox.emit(e.InstallSnapshot(snapshot, tip))
            self._outbox.note("snapshot_installed", height=height, chunks=chunks.total)
            self.deciding.jump(tip)
        self.state_sync.assembled(sound)
        self._ask_for_blocks()


def _reply(loaded: i.BlocksLoaded | i.LightBlocksLoaded | i.Served) -> DirectMessage:
    match loaded:
        case i.BlocksLoaded():
            return BlocksReply(loaded.from_height, loaded.oldest, loaded.blocks)
        case i.LightBlocksLoaded():
            return LightBlocksReply(loaded.blocks)
        case i.Served():
            return loaded.reply
