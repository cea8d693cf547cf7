"""Deciding blocks: from the start of a height over a proposal and valid(v) to the applied block.

`Deciding` joins consensus (`HeightRun`), the mempool and the ledger. It is told messages, timers
and answers by `NodeCore`, and leaves effects in an `Outbox`.
"""

from collections import deque
from typing import Final

import msgspec

from consensus import effects as ce
from consensus import inputs as ci
from consensus.messages import CarriedProposal, Certificate, Step, Vote
from consensus.signer import SignerGone, Signing
from ledger.apply import waits_for_blocks
from ledger.rejections import BlockRefused
from ledger.rounds import RoundCertificate
from node.blocks import Block, BlockMismatch, DecidedBlock, EvidencePiece, block_id, extensions_of
from node.core import effects as e
from node.core.applying import applied_to, forget_decided
from node.core.building import body_bytes_max, build, check_successor, problems_due
from node.core.chain import Tip
from node.core.early import ConsensusMessage, Early
from node.core.evidence import EvidencePool
from node.core.height import HeightRun
from node.core.mempool import Mempool
from node.core.outbox import Outbox
from node.core.parameters import Parameters
from node.core.records import LogRecord, decode_record
from node.core.recovering import Recoveries
from node.core.seedchain import SeedChain
from node.core.voting import Voting
from node.messages import BUNDLES_PER_REQUEST_MAX, BundleRequest, EvidenceMessage, ProposalMessage
from wire.errors import PeerFault
from wire.limits import EXTENSION_BYTES_MAX

FETCH_MS: Final = 60
"""A missing bundle is probably on its way by gossip; after this it is asked for."""

UNLOGGED_MAX: Final = 1_024
"""Records in memory that wait for the next own message; more are written without one."""


class Deciding:
    """The height under way, and the tip it builds on."""

    def __init__(
        self,
        tip: Tip,
        me: bytes | None,
        seed_chain: SeedChain | None,
        parameters: Parameters,
        outbox: Outbox,
    ) -> None:
        """`me`: consensus key to sign for, with its seed chain; None only follows."""
        self.recoveries: Final = Recoveries(parameters.recoveries, outbox)
        self.tip = self.recoveries.applied(tip)
        self.pool: Final = Mempool()
        self.evidence: Final = EvidencePool()
        self.voting: Final = Voting(me)
        self._me = me
        self._seed_chain = seed_chain
        self._parameters = parameters
        self._outbox = outbox
        self._inner: deque[ci.Input] = deque()
        """What the node itself has to tell consensus next."""
        self._early = Early()
        self._last_run: HeightRun | None = None
        self._announced = (0, 0)
        self._records: list[LogRecord] = []
        """Of the log at the start."""
        self._extension = b""
        self._start_ms = 0
        self._prompt = True
        """Whether something waits to be decided, or to be proved by the next header."""
        self.run = self._new_run(votes=self.voting.votes_at(self.tip.height + 1))

    def restore(self, log: tuple[bytes, ...], signing: Signing | None) -> None:
        """Continue where the consensus log ends."""
        self._records = [decode_record(data) for data in log]
        self._resume(signing)

    def _resume(self, signing: Signing | None) -> None:
        """Bring the height under way to where the log ends, as far as the signer allows."""
        effects = self.run.replay(self._records, signing)
        if signing is not None:
            outdated = self.run.signer_outdated
            self.voting.found(SignerGone.LOST if outdated else signing, self._outbox.now_ms)
        self._carry_out(effects)
        if self.run.me is None and self._me in self.tip.validators:
            why = self.voting.hindrance or "the log does not know what was signed"
            self._outbox.note("following_only", height=self.run.height, why=why)

    # ---------------------------------------------------------------- told from outside
    def message(self, peer: str, message: ConsensusMessage) -> None:
        """A verified consensus message; raises `PeerFault`."""
        proposal = message.carried.proposal if isinstance(message, ProposalMessage) else message
        if proposal.height == self.run.height:
            run = self.run
            with self.recoveries.forgiveness(self.tip):
                self._to_consensus(peer, message)
            if run is self.run and not run.started:
                self._join()
        elif proposal.height == self.run.height + 1:
            self._early.keep(peer, message)
        elif proposal.height == self.tip.height and isinstance(message, Vote):
            self._late_vote(message)

    def lost(self, peer: str) -> None:
        """`peer` is gone, and what it sent ahead of time with it."""
        self._early.lost(peer)

    def _join(self) -> None:
        """Others have begun the height: with more than a third a correct one has, so now. One
        alone may be in a hurry of its own, and hastens nobody past the block interval."""
        if self.run.core.process.book.skip_to >= 0:
            self._start()
        elif not self._prompt:
            self._prompt = True
            self.maybe_start()

    def _late_vote(self, vote: Vote) -> None:
        """A precommit that comes after the decision still joins the next block's commit."""
        if self._last_run is not None:
            self._last_run.core.handle(ci.VoteReceived(vote, self._outbox.now_ms))

    def answered(self, answer: ci.Signed | ci.SignRefused) -> None:
        """The signer's answer."""
        self._inner.append(answer)

    def signer_found(self, signing: Signing) -> None:
        """The signer is there again, or what it remembers is gone.

        Who only followed because it was not there begins the height anew, from the log: peers send
        again what has been said since.
        """
        if isinstance(signing, SignerGone) or not self.voting.hindrance:
            self.voting.found(signing, self._outbox.now_ms)
            return
        started = self.run.started
        self.run = self._new_run(votes=True)
        self._resume(signing)
        if started and not self.run.started:
            self._start()

    def timeout(self, step: int, height: int, round_: int) -> None:
        """A timer of consensus."""
        if height == self.run.height:
            elapsed = ci.TimeoutElapsed(Step(step), height, round_, self._outbox.now_ms)
            self._inner.append(elapsed)

    def start_due(self, height: int) -> None:
        """The timer that begins a height."""
        if height == self.run.height and not self.run.started:
            self._start()

    def solved(self, height: int, certificates: tuple[RoundCertificate, ...]) -> None:
        """The netting rounds of `height` are solved."""
        if height == self.run.height:
            self.run.certificates = certificates
            self._build(certificates)

    def settle_down(self) -> None:
        """Work off what the node has told itself; then announce a new round to the peers."""
        while self._inner:
            self._consensus(self._inner.popleft())
        if self.run.unlogged >= UNLOGGED_MAX:
            self._outbox.emit(e.WriteLog(self.run.height, self.run.take_unlogged()))
        place = (self.run.height, self.run.core.process.round)
        if place != self._announced and place[1] > 0:
            self.announce()
        self._announced = place

    def announce(self) -> None:
        """Tell all peers where this node is and which votes it holds."""
        self._outbox.emit(e.SendAll(self.run.announcement()))

    def send_proposal(self, peer: str | None, carried: CarriedProposal) -> None:
        """Send a proposal with its block to `peer`, or to all."""
        proposed = self.run.candidates.proposed(carried.proposal.block_id)
        if proposed is not None:
            message = ProposalMessage(carried, proposed)
            self._outbox.emit(e.SendAll(message) if peer is None else e.Send(peer, message))

    def maybe_start(self) -> None:
        """Begin the height now, at its earliest time, or after the idle pause."""
        if self.run.started:
            return
        soon = self._prompt or len(self.pool) or self.evidence.pick(self.tip)
        pace_ms = self._parameters.block_interval_ms if soon else self._parameters.empty_block_ms
        wait = self._start_ms + pace_ms - self._outbox.now_ms
        if soon and wait <= 0:
            self._start()
        else:
            self._outbox.emit(e.SetTimer(("start", self.run.height), max(wait, 1)))

    def _start(self) -> None:
        if not self._parameters.ends_at(self.tip.height):
            self._start_ms = self._outbox.now_ms
            self._consensus(ci.Start(self._outbox.now_ms))

    def _to_consensus(self, peer: str, message: Vote | Certificate | ProposalMessage) -> None:
        if isinstance(message, ProposalMessage):
            proposal = message.carried.proposal
            if block_id(message.block.header) != proposal.block_id:
                raise BlockMismatch("the block sent with a proposal is another one")
            if self.recoveries.meets(self.tip, message.block):
                return
            run, polka = self.run, message.carried.polka
            self._consensus(ci.ProposalReceived(proposal, polka, self._outbox.now_ms))
            if run is self.run and run.holds(proposal):  # else anybody could fill the candidates
                run.candidates.offered(message.block, peer)
                self.judge_again()
        elif isinstance(message, Vote):
            self._consensus(ci.VoteReceived(message, self._outbox.now_ms))
        else:
            self._consensus(ci.CertificateReceived(message, self._outbox.now_ms))

    def _consensus(self, given: ci.Input) -> None:
        self._carry_out(self.run.handle(given))

    def _carry_out(self, effects: list[ce.Effect]) -> None:
        run = self.run
        for effect in effects:
            if self.run is not run:
                return  # the height is decided: what is left to do for it is nothing
            match effect:
                case ce.Persist():
                    self._outbox.emit(e.WriteLog(run.height, run.take_unlogged()))
                case ce.Sign(message=message):
                    self._outbox.emit(e.SignMessage(message))
                case ce.Broadcast(message=Vote() as vote):
                    self._outbox.emit(e.SendAll(vote))
                case ce.Broadcast(message=CarriedProposal() as carried):
                    self.send_proposal(None, carried)
                case ce.ScheduleTimeout():
                    key = ("consensus", int(effect.step), effect.height, effect.round)
                    self._outbox.emit(e.SetTimer(key, effect.duration_ms))
                case ce.GetValue(round=round_):
                    run.wanted_round = round_
                    self._propose()
                case ce.CheckValue(block_id=ident):
                    run.asked.add(ident)
                    self._judge(ident)
                case ce.Decide():
                    self._decided(effect)
                case ce.ReportEvidence(evidence=evidence):
                    self.evidence_found(evidence)
                case _:
                    raise AssertionError(f"no such effect: {effect}")

    def evidence_found(self, piece: EvidencePiece) -> None:
        """Evidence, seen here or told: news goes on to everybody, and into a block soon.

        Raises `BadEvidence`.
        """
        if self.evidence.add(self.tip, piece):
            self._outbox.emit(e.Evidence(piece))
            self._outbox.emit(e.SendAll(EvidenceMessage(piece)))
            self.maybe_start()

    def offer_extension(self, data: bytes) -> None:
        """Have own precommits carry `data` to the ledger, until a block has delivered it."""
        assert len(data) <= EXTENSION_BYTES_MAX, len(data)
        self._extension = data
        self._prompt = True
        self.maybe_start()

    def _propose(self) -> None:
        """Build a block for the round that waits, solving due netting rounds first."""
        problems = problems_due(self.tip) if self.run.certificates is None else ()
        if problems:
            self._outbox.emit(e.Solve(self.run.height, problems))
        else:
            self._build(self.run.certificates or ())

    def _build(self, certificates: tuple[RoundCertificate, ...]) -> None:
        run = self.run
        if run.wanted_round is None or run.me is None or self._seed_chain is None:
            return
        late = self._last_run.core.commit() if self._last_run is not None else None
        if late is not None and self.tip.commit is not None:
            self.tip = msgspec.structs.replace(self.tip, commit=late)
        evidence = self.evidence.pick(self.tip)
        parts = self.pool.pick(body_bytes_max(self.tip, certificates, evidence))
        try:
            link = self._seed_chain.next_link(self.tip.seed_link(run.me))
        except KeyError as error:  # others propose; this validator still votes
            self._outbox.note("cannot_propose", height=run.height, detail=str(error))
            return
        proposed, block = build(
            self.tip, run.me, link, parts, self.pool.named(parts), certificates, evidence
        )
        run.candidates.built(proposed, block)
        run.log_block(block)
        round_, run.wanted_round = run.wanted_round, None
        self._inner.append(ci.ValueReady(round_, block_id(block.header), self._outbox.now_ms))

    def judge_again(self) -> None:
        """Something arrived that blocks under discussion may have waited for."""
        for ident in sorted(self.run.asked):
            self._judge(ident)

    def _judge(self, ident: bytes) -> None:
        """valid(v), as soon as the block is at hand in full."""
        run = self.run
        try:
            block = run.candidates.assemble(ident)
        except PeerFault as fault:
            self._outbox.note("body_mismatch", block=ident.hex()[:16], detail=fault.detail)
            return
        if block is None:
            if not run.fetching:
                run.fetching = True
                self._outbox.emit(e.SetTimer(("fetch", run.height), FETCH_MS))
            return
        run.asked.discard(ident)
        try:
            check_successor(self.tip, block)
            valid = True
            run.log_block(block)
        except (BlockRefused, PeerFault) as refused:
            self._outbox.note("block_refused", height=run.height, detail=str(refused))
            valid = False
        carried = self._extension if valid and run.me is not None else b""
        self._inner.append(ci.ValueChecked(ident, valid, self._outbox.now_ms, carried))

    def fetch_missing(self) -> None:
        """Ask the peers that offered a block for the bundles that it still needs."""
        self.run.fetching = False
        for ident in sorted(self.run.asked):
            for peer, digests in self.run.candidates.missing(ident):
                self._outbox.send(peer, BundleRequest(digests[:BUNDLES_PER_REQUEST_MAX]))
                self.run.fetching = True
                self._outbox.emit(e.SetTimer(("fetch", self.run.height), 4 * FETCH_MS))

    def _decided(self, decision: ce.Decide) -> None:
        block = self.run.candidates.blocks.get(decision.block_id)
        if block is None:  # the log was lost with the block in it: peers have it, see sync
            self._outbox.note("decided_without_block", height=decision.height)
            return
        self.extend(block, decision.certificate)

    def extend(self, block: Block, commit: Certificate) -> None:
        """Apply the block decided here and go to the next height."""
        self.apply(block, commit)
        self._next_height()

    def apply(self, block: Block, commit: Certificate) -> None:
        """Apply a decided block; `extend` or `follow_on` goes on from there. Raises `BlockRefused`
        if it does not fit the tip, before anything has changed."""
        applied, after = applied_to(self.tip, block, commit)
        self.tip = self.recoveries.applied(after)
        expired = forget_decided(self.pool, self.evidence, block, applied, self.tip)
        if expired:
            self._outbox.note("expired_in_pool", count=expired)
        safe = self.voting.decided(commit, self.tip.last_validators)
        if safe is not None:
            self._outbox.emit(e.RaiseSigner(safe))
            self._outbox.note("signer_state_made_anew", from_height=safe)
        if (self._me, self._extension) in extensions_of(block.last_commit):
            self._extension = b""
        self._outbox.emit(e.CommitBlock(DecidedBlock(block, commit), applied, after))
        changed = bool(block.transactions or applied.results or applied.events)
        changed |= bool(self._extension or extensions_of(block.last_commit))
        self._prompt = changed or waits_for_blocks(self.tip.state)

    def follow_on(self) -> None:
        """Go on from blocks that others have decided.

        The next height begins only after the block interval, or with the votes of others: while
        more blocks arrive, it is over before that.
        """
        self._start_ms = self._outbox.now_ms
        self._next_height()

    def jump(self, tip: Tip) -> None:
        """Go on from the tip of a snapshot. What waits here may be decided in the blocks between:
        the node offers its own submissions again."""
        self.tip = self.recoveries.applied(tip)
        self.pool.retain(lambda _tx: False)
        self.evidence.decided(tip)
        self._prompt = True
        self.follow_on()

    def _next_height(self) -> None:
        self._inner.clear()
        self._last_run = self.run if self.run.height == self.tip.height else None
        self.run = self._new_run(votes=self.voting.votes_at(self.tip.height + 1))
        self.maybe_start()
        for peer, message in self._early.take():
            try:
                self.message(peer, message)
            except PeerFault as fault:
                self._outbox.emit(e.Punish(peer, fault.code, fault.detail))

    def _new_run(self, *, votes: bool) -> HeightRun:
        me = self._me if votes and self._me in self.tip.validators else None
        return HeightRun(self.tip, me, self._parameters.timeouts, self.pool)
