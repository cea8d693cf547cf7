"""Who is to blame for a header that conflicts with the chain's: light client attack evidence.

The three kinds of the CometBFT specification ("Light Client Attack Detectors", and the
accountability analysis of the paper's algorithm): equivocation, lunatic, amnesia.
"""

from enum import StrEnum

from consensus.messages import Certificate, Equivocation, votes_of
from node.blocks import (
    EvidencePiece,
    ForgedHeader,
    Header,
    LightBlock,
    block_id,
    derived_digest,
)


class Attack(StrEnum):
    """How two headers of one height came to have commits."""

    EQUIVOCATION = "equivocation"
    """In one round: more than a third of the power signed both."""
    LUNATIC = "lunatic"
    """The conflicting header could not follow from the chain: every signer of it is guilty."""
    AMNESIA = "amnesia"
    """In different rounds: some forgot what they were locked on. The two commits do not show who:
    the votes of the rounds between, from the correct validators' logs, do."""


def forged(conflicting: Header, canonical: Header) -> bool:
    """Whether `conflicting` differs in what the chain before it determines."""
    return derived_digest(conflicting) != derived_digest(canonical)


def kind_of(conflicting: LightBlock, canonical: Header, commit: Certificate) -> Attack:
    """The kind of attack by which `conflicting` has a commit beside the chain's `canonical`."""
    if forged(conflicting.header, canonical):
        return Attack.LUNATIC
    if conflicting.commit.round == commit.round:
        return Attack.EQUIVOCATION
    return Attack.AMNESIA


def attribute(
    conflicting: LightBlock, canonical: Header, commit: Certificate
) -> tuple[EvidencePiece, ...]:
    """Evidence against every validator that the two verified commits show to be faulty.

    One piece for each: who signed both in one round has contradicted itself, which needs nothing
    but the two votes; else, if the header could not follow from the chain, its signature is the
    offence. Empty after amnesia. `canonical` with `commit` is the chain's header of that height,
    whose parent both sides accept: above an earlier fork correct validators sign on both branches.
    """
    assert conflicting.header.height == canonical.height
    assert block_id(conflicting.header) != block_id(canonical)
    lunatic = forged(conflicting.header, canonical)
    theirs = {vote.validator: vote for vote in votes_of(commit)}
    found: list[EvidencePiece] = []
    for vote in votes_of(conflicting.commit):
        other = theirs.get(vote.validator)
        if other is not None and other.round == vote.round:
            found.append(Equivocation(vote, other))
        elif lunatic:
            found.append(ForgedHeader(conflicting.header, vote))
    return tuple(found)
