"""The votes of one round, and of one kind in it: the first of each validator counts."""

from consensus.messages import Certificate, Proposal, Vote, VoteKind, certificate_of
from consensus.validators import ValidatorSet


class Tally:
    """Votes of one kind in one round.

    A quorum for a block is counted from first votes, or shown whole by a certificate: so an
    equivocator that told us something else cannot hide a quorum from us.
    """

    __slots__ = ("_power", "_validators", "certificates", "equivocators", "power_any", "votes")

    def __init__(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._power: dict[bytes | None, int] = {}
        self.votes: dict[bytes, Vote] = {}
        """The first vote of each validator."""
        self.power_any = 0
        """Power of the validators that voted, for whatever."""
        self.certificates: dict[bytes | None, Certificate] = {}
        """Quorums shown whole, by block."""
        self.equivocators: dict[bytes, None] = {}
        """Whose evidence has been reported."""

    def add(self, vote: Vote) -> Vote | None:
        """Count `vote` if it is its validator's first; else the first one, if they conflict."""
        first = self.votes.get(vote.validator)
        if first is not None:
            return first if first.block_id != vote.block_id else None
        power = self._validators.powers[vote.validator]
        self.votes[vote.validator] = vote
        self._power[vote.block_id] = self._power.get(vote.block_id, 0) + power
        self.power_any += power
        return None

    def knows(self, vote: Vote) -> bool:
        """Whether `vote`, or evidence against its validator, is held already."""
        first = self.votes.get(vote.validator)
        if first is None:
            return False
        return first.block_id == vote.block_id or vote.validator in self.equivocators

    def forget(self, validator: bytes) -> None:
        """Drop the vote of `validator`, if there is one."""
        vote = self.votes.pop(validator, None)
        if vote is not None:
            power = self._validators.powers[validator]
            self._power[vote.block_id] -= power
            self.power_any -= power

    def has_quorum(self, block_id: bytes | None) -> bool:
        """Whether more than two thirds voted for `block_id` (None: nil)."""
        if block_id in self.certificates:
            return True
        return self._validators.is_quorum(self._power.get(block_id, 0))

    def has_quorum_any(self) -> bool:
        """Whether more than two thirds voted, for whatever."""
        return self._validators.is_quorum(self.power_any)

    def is_complete(self) -> bool:
        """Whether every validator voted."""
        return self.power_any == self._validators.total

    def blocks_with_quorum(self) -> list[bytes]:
        """The blocks (not nil) with a quorum: at most one while under a third is faulty."""
        subjects = [*self.certificates, *self._power]
        return [b for b in dict.fromkeys(subjects) if b is not None and self.has_quorum(b)]

    def certificate(self, block_id: bytes | None) -> Certificate | None:
        """The quorum for `block_id` as a certificate, if there is one."""
        if not self.has_quorum(block_id):
            return None
        if self._validators.is_quorum(self._power.get(block_id, 0)):
            return certificate_of(v for v in self.votes.values() if v.block_id == block_id)
        return self.certificates[block_id]

    def hold(self, block_id: bytes | None) -> None:
        """Keep the quorum for `block_id` whole, whatever votes are dropped later."""
        certificate = self.certificate(block_id)
        assert certificate is not None
        self.certificates.setdefault(block_id, certificate)


class RoundLog:
    """What was heard in one round."""

    __slots__ = (
        "lock_rule_fired",
        "other",
        "precommit_timer_started",
        "precommits",
        "prevote_timer_started",
        "prevotes",
        "proposal",
        "proposer_equivocated",
        "round",
        "speakers",
        "speakers_power",
    )

    def __init__(self, round_: int, validators: ValidatorSet) -> None:
        self.round = round_
        self.prevotes = Tally(validators)
        self.precommits = Tally(validators)
        self.proposal: Proposal | None = None
        """The first one: the only one that this validator prevotes on."""
        self.other: Proposal | None = None
        """A second one of an equivocating proposer, preferably one that has a quorum."""
        self.proposer_equivocated = False
        self.speakers: dict[bytes, None] = {}
        """Senders of any message of this round (L55)."""
        self.speakers_power = 0
        self.lock_rule_fired = False
        self.prevote_timer_started = False
        self.precommit_timer_started = False

    def tally(self, kind: VoteKind) -> Tally:
        """The votes of `kind`."""
        return self.prevotes if kind is VoteKind.PREVOTE else self.precommits

    def proposal_for(self, block_id: bytes) -> Proposal | None:
        """The proposal of `block_id` in this round, if one was received."""
        for proposal in (self.proposal, self.other):
            if proposal is not None and proposal.block_id == block_id:
                return proposal
        return None

    def holds_certificates(self) -> bool:
        """Whether a quorum of this round is held whole."""
        return bool(self.prevotes.certificates or self.precommits.certificates)

    def heard(self, validator: bytes, power: int) -> None:
        """`validator` said something in this round."""
        if validator not in self.speakers:
            self.speakers[validator] = None
            self.speakers_power += power

    def forget(self, validator: bytes, power: int) -> None:
        """Drop everything that `validator` said in this round."""
        self.prevotes.forget(validator)
        self.precommits.forget(validator)
        if self.proposal is not None and self.proposal.validator == validator:
            self.proposal = self.other = None
        if validator in self.speakers:
            del self.speakers[validator]
            self.speakers_power -= power
