"""All that was heard at one height, by round, in bounded memory.

What is kept, for every sender apart, so that nobody can push out another's messages:

* the current round and the `PAST_ROUNDS_KEPT` before it: everything;
* later rounds: the `FUTURE_ROUNDS_KEPT` highest ones of each sender. A correct validator's
  newest message is therefore always held, which is what the round skip (L55) needs; once
  more than a third is in one later round, that round becomes the current one;
* earlier rounds: proposals, quorums as certificates, and of each sender the precommits for a
  block in the `PAST_PRECOMMITS_KEPT` highest rounds (L49). Old prevotes and old nil votes
  serve no rule. A certificate is taken for any round.
"""

from bisect import insort
from typing import Final

from consensus.inputs import CertificateReceived, Input, ProposalReceived, VoteReceived
from consensus.messages import Certificate, Equivocation, Proposal, Vote, VoteKind, votes_of
from consensus.tally import RoundLog
from consensus.validators import ValidatorSet

FUTURE_ROUNDS_KEPT: Final = 8
"""Later rounds of one sender: correct validators are rarely more than two rounds apart."""

PAST_ROUNDS_KEPT: Final = 16
"""Rounds back in which everything is kept for peers that are a little behind."""

PAST_PRECOMMITS_KEPT: Final = 64
"""Earlier rounds in which one sender's precommit for a block is kept."""


class Book:
    """The messages of one height. Only verified messages of members may be added."""

    __slots__ = ("_ahead", "_old", "_validators", "commits", "round", "rounds", "skip_to")

    def __init__(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._ahead: dict[bytes, list[int]] = {}
        self._old: dict[bytes, list[int]] = {}
        self.round = -1
        """The current round."""
        self.rounds: dict[int, RoundLog] = {}
        self.skip_to = -1
        """The highest round in which more than a third of the power has spoken (L55)."""
        self.commits: dict[tuple[int, bytes], None] = {}
        """(round, block id) of each quorum of precommits for a block (L49)."""

    def at(self, round_: int) -> RoundLog:
        """The log of `round_`, made on first use."""
        log = self.rounds.get(round_)
        if log is None:
            log = self.rounds[round_] = RoundLog(round_, self._validators)
        return log

    def certificate(
        self, kind: VoteKind, round_: int, block_id: bytes | None
    ) -> Certificate | None:
        """The quorum of `kind` for `block_id` in `round_`, if it was seen."""
        log = self.rounds.get(round_)
        return None if log is None else log.tally(kind).certificate(block_id)

    def has_polka(self, round_: int, block_id: bytes) -> bool:
        """Whether a quorum of prevotes for `block_id` in `round_` was seen."""
        log = self.rounds.get(round_)
        return log is not None and log.prevotes.has_quorum(block_id)

    def knows(self, given: Input) -> bool:
        """Whether a message was taken before, so that it can change nothing any more."""
        match given:
            case VoteReceived(vote=vote):
                log = self.rounds.get(vote.round)
                return log is not None and log.tally(vote.kind).knows(vote)
            case ProposalReceived(proposal=new, polka=polka):
                log = self.rounds.get(new.round)
                held = None if log is None else log.proposal_for(new.block_id)
                told = polka is None or self.has_polka(polka.round, new.block_id)
                return held == new and told
            case CertificateReceived(certificate=new):
                log = self.rounds.get(new.round)
                return log is not None and log.tally(new.kind).certificates.get(new.block_id) == new
            case _:
                return False

    def add_vote(self, vote: Vote) -> Equivocation | None:
        """Keep and count `vote`; evidence if it contradicts its sender's first, once."""
        if not self._makes_room_for_vote(vote):
            return None
        return self._count(vote)

    def add_certificate(self, certificate: Certificate) -> list[Equivocation]:
        """Take a quorum at once, whatever its round; evidence found against first votes."""
        log = self.at(certificate.round)
        log.tally(certificate.kind).certificates.setdefault(certificate.block_id, certificate)
        found = [self._count(vote) for vote in votes_of(certificate)]
        self._note_quorums(log)
        if self._is_old(certificate.round):
            self._compact(log)
        return [evidence for evidence in found if evidence is not None]

    def add_proposal(self, proposal: Proposal) -> Equivocation | None:
        """Keep `proposal`; evidence if it contradicts the proposer's first, once."""
        if proposal.round > self.round and not self._makes_room_ahead(
            proposal.validator, proposal.round
        ):
            return None
        log = self.at(proposal.round)
        self._heard(log, proposal.validator)
        first = log.proposal
        if first is None:
            log.proposal = proposal
            return None
        if (first.block_id, first.valid_round) == (proposal.block_id, proposal.valid_round):
            return None
        self._keep_other(log, proposal)
        if log.proposer_equivocated:
            return None
        log.proposer_equivocated = True
        return Equivocation(first, proposal)

    def enter(self, round_: int) -> None:
        """`round_` becomes the current one; what no rule can use any more is dropped."""
        self.round = round_
        for sender in list(self._ahead):
            self._ahead[sender] = [r for r in self._ahead[sender] if r > round_]
        for log in list(self.rounds.values()):
            if self._is_old(log.round) and (log.prevotes.votes or log.precommits.votes):
                self._compact(log)

    def _count(self, vote: Vote) -> Equivocation | None:
        log = self.at(vote.round)
        tally = log.tally(vote.kind)
        first = tally.add(vote)
        self._heard(log, vote.validator)
        self._note_quorums(log)
        if first is None or vote.validator in tally.equivocators:
            return None
        tally.equivocators[vote.validator] = None
        return Equivocation(first, vote)

    def _heard(self, log: RoundLog, validator: bytes) -> None:
        log.heard(validator, self._validators.powers[validator])
        if log.round > self.skip_to and self._validators.is_third(log.speakers_power):
            self.skip_to = log.round

    def _note_quorums(self, log: RoundLog) -> None:
        """Remember a commit, and hold it whole: single votes may be dropped later."""
        for block_id in log.precommits.blocks_with_quorum():
            if (log.round, block_id) not in self.commits:
                self.commits[log.round, block_id] = None
                log.precommits.hold(block_id)

    @staticmethod
    def _keep_other(log: RoundLog, proposal: Proposal) -> None:
        """Keep a second proposal; a later one replaces it only if its block has a quorum."""

        def backed(block_id: bytes) -> bool:
            return log.prevotes.has_quorum(block_id) or log.precommits.has_quorum(block_id)

        if log.other is None or (backed(proposal.block_id) and not backed(log.other.block_id)):
            log.other = proposal

    def _is_old(self, round_: int) -> bool:
        return round_ < self.round - PAST_ROUNDS_KEPT

    def _makes_room_for_vote(self, vote: Vote) -> bool:
        """Whether `vote` is kept; an older message of the same sender may go for it."""
        if vote.round > self.round:
            return self._makes_room_ahead(vote.validator, vote.round)
        if self._is_old(vote.round):
            return self._makes_room_among_old(vote)
        return True

    def _makes_room_ahead(self, sender: bytes, round_: int) -> bool:
        rounds = self._ahead.setdefault(sender, [])
        if round_ not in rounds:
            insort(rounds, round_)
        if len(rounds) > FUTURE_ROUNDS_KEPT:
            dropped = self.at(rounds.pop(0))
            dropped.forget(sender, self._validators.powers[sender])
            if not dropped.speakers and not dropped.holds_certificates():
                del self.rounds[dropped.round]
        return round_ in rounds

    def _makes_room_among_old(self, vote: Vote) -> bool:
        if vote.kind is VoteKind.PREVOTE or vote.block_id is None:
            return False
        rounds = self._old.setdefault(vote.validator, [])
        if vote.round not in rounds:
            insort(rounds, vote.round)
        if len(rounds) > PAST_PRECOMMITS_KEPT:
            self.at(rounds.pop(0)).precommits.forget(vote.validator)
        return vote.round in rounds

    def _compact(self, log: RoundLog) -> None:
        """Reduce an old round to what a rule may still use."""
        for block_id in log.prevotes.blocks_with_quorum():
            log.prevotes.hold(block_id)
        for tally in (log.prevotes, log.precommits):
            for vote in list(tally.votes.values()):
                if not self._makes_room_among_old(vote):
                    tally.forget(vote.validator)
