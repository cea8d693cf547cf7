"""Stateless checks of signed consensus messages: only what passes here reaches a core.

Also what sync uses to trust a whole commit, and what a block's last commit and evidence are
checked with.
"""

from consensus.errors import BadCertificate, BadEvidence, MisplacedExtension, NotAValidator
from consensus.messages import (
    Certificate,
    Equivocation,
    Proposal,
    Vote,
    VoteKind,
    contradict,
    sign_bytes,
    votes_of,
)
from consensus.validators import ValidatorSet
from wire.signing import Verified, require


def require_signature(chain_id: str, message: Vote | Proposal) -> None:
    """Raise `BadSignature` unless the validator that `message` names has signed it.

    Raises `MisplacedExtension` for a vote that may not carry one.
    """
    if isinstance(message, Vote) and message.extension and not may_extend(message):
        raise MisplacedExtension(f"of {len(message.extension)} bytes")
    require(message.validator, sign_bytes(chain_id, message), message.signature)


def may_extend(vote: Vote) -> bool:
    """Whether `vote` may carry an extension: a precommit for a block."""
    return vote.kind is VoteKind.PRECOMMIT and vote.block_id is not None


def require_signatures(chain_id: str, certificate: Certificate) -> None:
    """Raise `BadSignature` unless every signature in `certificate` is good; whose they are, and
    whether they are a quorum, is `check_quorum`'s question."""
    for vote in votes_of(certificate):
        require_signature(chain_id, vote)


def check_polka(polka: Certificate, proposal: Proposal) -> None:
    """Raise `BadCertificate` unless `polka` is about the prevotes that `proposal` claims (L28)."""
    subject = (polka.kind, polka.height, polka.round, polka.block_id)
    claimed = (VoteKind.PREVOTE, proposal.height, proposal.valid_round, proposal.block_id)
    if subject != claimed:
        raise BadCertificate(f"the polka is of round {polka.round}, not of {proposal.valid_round}")


def check_quorum(certificate: Certificate, validators: ValidatorSet) -> None:
    """Raise `BadCertificate` unless distinct, sorted members with a quorum of power signed."""
    previous = b""
    power = 0
    for entry in certificate.signatures:
        if entry.validator <= previous:
            raise BadCertificate("signatures are not sorted by validator, or one stands twice")
        if entry.validator not in validators:
            raise BadCertificate(f"{entry.validator.hex()[:16]} is not a validator")
        previous = entry.validator
        power += validators.powers[entry.validator]
    if not validators.is_quorum(power):
        raise BadCertificate(f"has power {power} of {validators.total}, more than 2/3 needed")


def verify_certificate(
    chain_id: str, certificate: Certificate, validators: ValidatorSet
) -> Verified[Certificate]:
    """`certificate`, with a quorum of `validators` and every signature checked.

    Raises `BadCertificate`, `BadSignature`. Cheap checks come first.
    """
    check_quorum(certificate, validators)
    require_signatures(chain_id, certificate)
    return Verified(certificate)


def verify_commit(
    chain_id: str, commit: Certificate, validators: ValidatorSet, height: int, block_id: bytes
) -> Verified[Certificate]:
    """`commit`, checked to be the precommits that decided `block_id` at `height`."""
    if (commit.kind, commit.height, commit.block_id) != (VoteKind.PRECOMMIT, height, block_id):
        raise BadCertificate(f"not a commit of this block at height {height}")
    return verify_certificate(chain_id, commit, validators)


def verify_equivocation(
    chain_id: str, evidence: Equivocation, validators: ValidatorSet
) -> Verified[Equivocation]:
    """Evidence, checked to show a member of `validators` contradicting itself under its key.

    Raises `BadEvidence`, `NotAValidator`, `BadSignature`.
    """
    if not contradict(evidence.first, evidence.second):
        raise BadEvidence("the two messages do not contradict each other")
    if evidence.first.validator not in validators:
        raise NotAValidator(evidence.first.validator.hex()[:16])
    for message in (evidence.first, evidence.second):
        require_signature(chain_id, message)
    return Verified(evidence)
