"""Consensus on one height as a node runs it: the core, the blocks under discussion, the log."""

import msgspec

from consensus.core import Core
from consensus.effects import Effect
from consensus.exchange import Announcement, announcement
from consensus.inputs import Input, decode_input, encode_input
from consensus.messages import NO_ROUND, Proposal, Step
from consensus.rotation import ProposerOfRound
from consensus.signer import SignerState, Signing, is_outdated, must_only_follow
from consensus.timeouts import TimeoutParameters
from ledger.rounds import RoundCertificate
from node.blocks import Block, block_id
from node.core.candidates import Candidates
from node.core.chain import Tip
from node.core.mempool import Mempool
from node.core.records import (
    LoggedBlock,
    LoggedInput,
    LoggedRecovery,
    LogRecord,
    encode_record,
    of_height,
)


class HeightRun:
    """One height, from the tip that it builds on until its decision."""

    def __init__(
        self, tip: Tip, me: bytes | None, timeouts: TimeoutParameters, pool: Mempool
    ) -> None:
        self.height = tip.height + 1
        self.me = me
        self.core = self._core(tip, me, timeouts)
        self.candidates = Candidates(pool)
        self.asked: set[bytes] = set()
        """Blocks that consensus wants judged and that are not complete here."""
        self.wanted_round: int | None = None
        """The round in which this node is to propose and has not answered."""
        self.certificates: tuple[RoundCertificate, ...] | None = None
        """Solved netting rounds, once they are."""
        self.signer_outdated = False
        """Whether the log, or the last commit, knows of more than the signer does."""
        self.fetching = False
        """Whether the timer runs that asks for missing bundles."""
        self._logged: set[bytes] = set()
        self._unlogged: list[bytes] = []
        if tip.recovery_digest is not None:
            marker = LoggedRecovery(self.height, tip.recovery_digest)
            self._unlogged.append(encode_record(marker))
        self._timeouts = timeouts
        self._tip = tip

    @property
    def started(self) -> bool:
        """Whether round 0 has begun."""
        return self.core.process.round != NO_ROUND

    def announcement(self) -> Announcement:
        """Where this node is, for its peers. A height that has not begun holds nothing yet; saying
        so tells a peer that is behind where the network is. A proposal whose block was lost, or was
        not what it should be, is not held: the peers send both again."""
        here = announcement(self.core)
        if here is not None:
            at_hand = tuple(ident for ident in here.proposals if ident in self.candidates)
            return msgspec.structs.replace(here, proposals=at_hand)
        return Announcement(self.height, 0, Step.PROPOSE, False, (), False, b"", b"", False, False)

    def handle(self, given: Input) -> list[Effect]:
        """Give consensus an input, and remember it for the log. Raises `PeerFault` as the core.

        What consensus knows already changes nothing, and must not fill memory and log; who only
        follows makes no promise that a log would have to keep.
        """
        if self.core.process.book.knows(given):
            return []
        effects = self.core.handle(given)
        if self.core.process.me is not None:
            self._unlogged.append(encode_record(LoggedInput(self.height, encode_input(given))))
        return effects

    @property
    def unlogged(self) -> int:
        """Records that wait to be written."""
        return len(self._unlogged)

    def holds(self, proposal: Proposal) -> bool:
        """Whether consensus has kept `proposal`, or one of the same block and round."""
        log = self.core.process.book.rounds.get(proposal.round)
        return log is not None and log.proposal_for(proposal.block_id) is not None

    def log_block(self, block: Block) -> None:
        """Have the log hold a block before the prevote for it is sent."""
        ident = block_id(block.header)
        if ident not in self._logged and self.core.process.me is not None:
            self._logged.add(ident)
            self._unlogged.append(encode_record(LoggedBlock(block)))

    def take_unlogged(self) -> tuple[bytes, ...]:
        """Records to write since the last call."""
        taken, self._unlogged = tuple(self._unlogged), []
        return taken

    def replay(self, records: list[LogRecord], signing: Signing | None) -> list[Effect]:
        """Bring the height to where the log ends; what is still to be done.

        If it is not known what the signer has signed, or the signer has signed what the log does
        not know, this height is only followed: a new vote could break a promise of a lost one.
        """
        mine = of_height(records, self.height, self._tip.recovery_digest)
        inputs = [record for record in mine if isinstance(record, LoggedInput)]
        for record in mine:
            if isinstance(record, LoggedBlock):
                self.candidates.restored(record.block)
        for entry in inputs:
            self.core.handle(decode_input(entry.data))
        if self.me is not None and not self._may_go_on(signing):
            self.me = None
            self.core = self._core(self._tip, None, self._timeouts)
            for entry in inputs:
                self.core.handle(decode_input(entry.data))
        return self.core.resume() if self.started else []

    def _may_go_on(self, signing: Signing | None) -> bool:
        """Whether what the core has replayed is all that the signer has signed, and no less."""
        if not isinstance(signing, SignerState):
            return False
        commits = () if self._tip.commit is None else (self._tip.commit,)
        self.signer_outdated = is_outdated(signing, self.core, commits)
        return not self.signer_outdated and not must_only_follow(signing, self.core)

    def _block_time_ms(self, ident: bytes) -> int:
        """The time of a block that is voted for: it was judged, so it is at hand, and after a
        restart it is in the log."""
        return self.candidates.blocks[ident].header.time_ms

    def _core(self, tip: Tip, me: bytes | None, timeouts: TimeoutParameters) -> Core:
        return Core(
            tip.height + 1,
            tip.validators,
            me,
            ProposerOfRound(tip.rotation, tip.first_round),
            timeouts,
            time_ms_min=tip.time_ms + 1,
            first_round=tip.first_round,
            block_time_ms=self._block_time_ms,
        )
