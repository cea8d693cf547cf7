"""One validator at one height: inputs in, effects out.

`Core.handle` is a pure step: the same inputs in the same order give the same effects, byte for
byte, which is what makes a replay of the log after a crash continue where the node was.
"""

from collections.abc import Callable
from itertools import islice
from typing import Final

from consensus.effects import Broadcast, Decide, Effect, GetValue, Persist, ReportEvidence, Sign
from consensus.errors import NotAValidator, NotTheProposer, WrongHeight
from consensus.inputs import (
    CertificateReceived,
    Input,
    ProposalReceived,
    Signed,
    SignRefused,
    Start,
    TimeoutElapsed,
    ValueChecked,
    ValueReady,
    VoteReceived,
)
from consensus.messages import (
    NO_ROUND,
    UNSIGNED,
    CarriedProposal,
    Certificate,
    Proposal,
    Step,
    Vote,
    VoteKind,
    step_of,
    with_signature,
)
from consensus.process import Process
from consensus.rules import advance
from consensus.timeouts import TimeoutParameters
from consensus.validators import ValidatorSet
from consensus.verification import check_polka, check_quorum

PROPOSAL_ROUNDS_AHEAD_MAX: Final = 1_000
"""A proposal further ahead is dropped: finding its proposer takes time linear in the round.
It is delivered again once the round is reached; votes move this validator there (L55)."""


class Core:
    """Consensus on one height. The node makes one per height and chains them."""

    def __init__(
        self,
        height: int,
        validators: ValidatorSet,
        me: bytes | None,
        proposer: Callable[[int], bytes],
        timeouts: TimeoutParameters,
        *,
        time_ms_min: int = 0,
        first_round: int = 0,
        block_time_ms: Callable[[bytes], int] = lambda _block_id: -1,
    ) -> None:
        """`me`: the validator to sign for; None, or one outside the set, only follows.

        `proposer(round)` is the id of the validator whose turn it is. `time_ms_min`: no own
        message bears an earlier time; give the last block's time plus one. `first_round`: above 0
        after a recovery; messages of earlier rounds were for other validators and are passed over.
        `block_time_ms` is the time in the header of a block found valid: votes for it bear later
        ones.
        """
        self._process: Final = Process(
            height,
            validators,
            me,
            proposer,
            timeouts,
            time_ms_min=time_ms_min,
            first_round=first_round,
            block_time_ms=block_time_ms,
        )

    @property
    def process(self) -> Process:
        """The algorithm's variables and what was heard, to read: status and vote exchange."""
        return self._process

    @property
    def decision(self) -> Decide | None:
        """What was decided, with the commit as first seen."""
        return self._process.decision

    def commit(self) -> Certificate | None:
        """The commit with every precommit for the block known by now, late ones included."""
        decided = self._process.decision
        if decided is None:
            return None
        return self._process.book.certificate(VoteKind.PRECOMMIT, decided.round, decided.block_id)

    def handle(self, given: Input) -> list[Effect]:
        """Take one input in; the effects, in the order in which they must happen.

        Messages must have been verified. Raises, before anything changes, a `PeerFault` for a
        message that no correct validator sends to this height: `WrongHeight`, `NotAValidator`,
        `NotTheProposer`, `BadCertificate`.
        """
        process = self._process
        process.now_ms = given.now_ms
        match given:
            case Start():
                if process.round == NO_ROUND:
                    process.start_round(process.first_round)  # L10
            case ProposalReceived(proposal=proposal):
                if not self._is_set_aside(proposal):
                    self._on_proposal(given)
            case VoteReceived(vote=vote):
                if not self._is_set_aside(vote):
                    self._on_vote(given)
            case CertificateReceived(certificate=certificate):
                if not self._is_set_aside(certificate):
                    self._on_certificate(given)
            case TimeoutElapsed():
                self._on_timeout(given)
            case ValueReady():
                self._on_value_ready(given)
            case ValueChecked():
                process.validity.setdefault(given.block_id, given.valid)
                process.extensions.setdefault(given.block_id, given.extension)
            case Signed():
                self._on_signed(given)
            case SignRefused():
                if process.awaits_signature(given.step, given.round):
                    del process.unsigned[given.step, given.round]
                    process.ask_signature()
        advance(process)
        return process.take_effects()

    def resume(self) -> list[Effect]:
        """What is still to be done after a replay of the log, whose effects were not carried out.

        Own messages of the round are sent again, byte for byte; questions without an answer are
        asked again; timers start again in full; a decision is reported again.
        """
        process = self._process
        effects: list[Effect] = [
            Broadcast(self._carried(message)) for message in process.signed.values()
        ]
        for message in islice(process.unsigned.values(), 1):
            effects += [Persist(message), Sign(message)]
        if process.decision is not None:
            return [*effects, process.decision]
        effects += process.timers.values()
        if process.value_wanted:
            effects.append(GetValue(process.height, process.round))
        effects += [c for c in process.checks.values() if c.block_id not in process.validity]
        return effects

    def _is_set_aside(self, message: Proposal | Vote | Certificate) -> bool:
        """Whether `message` belongs to the rounds before a recovery: it counts for nothing, and
        who still tells of it is not at fault."""
        ours = message.height == self._process.height
        return ours and message.round < self._process.first_round

    def _on_proposal(self, given: ProposalReceived) -> None:
        process, proposal = self._process, given.proposal
        self._require_ours(proposal)
        if proposal.round > max(process.round, process.first_round) + PROPOSAL_ROUNDS_AHEAD_MAX:
            return
        if proposal.validator != process.proposer(proposal.round):
            raise NotTheProposer(f"{proposal.validator.hex()[:16]} in round {proposal.round}")
        if given.polka is not None:
            check_polka(given.polka, proposal)
            check_quorum(given.polka, process.validators)
        if given.polka is not None:
            self._take_certificate(given.polka)
        self._take_proposal(proposal)

    def _on_vote(self, given: VoteReceived) -> None:
        self._require_ours(given.vote)
        self._take_vote(given.vote)

    def _on_certificate(self, given: CertificateReceived) -> None:
        if given.certificate.height != self._process.height:
            raise WrongHeight(f"{given.certificate.height}, not {self._process.height}")
        check_quorum(given.certificate, self._process.validators)
        self._take_certificate(given.certificate)

    def _on_timeout(self, given: TimeoutElapsed) -> None:
        """L57-67. Height and round are compared again; of the first two the step, too."""
        process = self._process
        here = (process.height, process.round)
        if (given.height, given.round) != here or process.decision is not None:
            return
        process.timers.pop((given.step, given.round), None)
        if given.step is Step.PROPOSE and process.step is Step.PROPOSE:
            process.prevote(None)  # L57-60
        elif given.step is Step.PREVOTE and process.step is Step.PREVOTE:
            process.precommit(None)  # L61-64
        elif given.step is Step.PRECOMMIT:
            process.start_round(process.round + 1)  # L65-67

    def _on_value_ready(self, given: ValueReady) -> None:
        """L18-19, while the round still waits for its proposal."""
        process = self._process
        late = given.round != process.round or process.step is not Step.PROPOSE
        if process.value_wanted and not late and process.decision is None:
            process.value_wanted = False
            process.propose(given.block_id, NO_ROUND)

    def _on_signed(self, given: Signed) -> None:
        """Only now does the validator's own message count, and go out."""
        process, message = self._process, given.message
        place = (step_of(message), message.round)
        asked = process.awaits_signature(*place) and process.unsigned[place]
        if asked != with_signature(message, UNSIGNED):
            return  # answered twice, or not asked for
        del process.unsigned[place]
        if message.round == process.round:
            process.signed[place] = message
        process.emit(Broadcast(self._carried(message)))
        process.ask_signature()
        if isinstance(message, Proposal):
            self._take_proposal(message)
        else:
            self._take_vote(message)

    def _take_proposal(self, proposal: Proposal) -> None:
        evidence = self._process.book.add_proposal(proposal)
        if evidence is not None:
            self._process.emit(ReportEvidence(evidence))

    def _take_vote(self, vote: Vote) -> None:
        evidence = self._process.book.add_vote(vote)
        if evidence is not None:
            self._process.emit(ReportEvidence(evidence))

    def _take_certificate(self, certificate: Certificate) -> None:
        for evidence in self._process.book.add_certificate(certificate):
            self._process.emit(ReportEvidence(evidence))

    def _carried(self, message: Vote | Proposal) -> Vote | CarriedProposal:
        """`message` as it travels."""
        if isinstance(message, Vote):
            return message
        return carried(self._process, message)

    def _require_ours(self, message: Vote | Proposal) -> None:
        if message.height != self._process.height:
            raise WrongHeight(f"{message.height}, not {self._process.height}")
        if message.validator not in self._process.validators:
            raise NotAValidator(message.validator.hex()[:16])


def carried(process: Process, proposal: Proposal) -> CarriedProposal:
    """`proposal` with the polka it refers to, as far as it is known."""
    polka = process.book.certificate(VoteKind.PREVOTE, proposal.valid_round, proposal.block_id)
    return CarriedProposal(proposal, polka)
