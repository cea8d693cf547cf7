"""The vote exchange: each validator announces what it holds, peers send what it misses.

Whoever signed a vote, anybody may deliver it. Nothing here is trusted: an announcement only
decides what is sent, a lie costs the liar votes and us at most `DELIVERIES_MAX` messages, and
whatever arrives twice is counted once. Announce on every change and once a second.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from consensus.core import Core, carried
from consensus.messages import (
    NO_ROUND,
    BlockId,
    CarriedProposal,
    Certificate,
    Height,
    Round,
    Step,
    Vote,
    VoteKind,
)
from consensus.tally import RoundLog, Tally
from consensus.validators import ValidatorSet
from wire.codec import Record
from wire.limits import VALIDATORS_MAX

DELIVERIES_MAX: Final = 2 * VALIDATORS_MAX + 4
"""Messages for one announcement: all votes of a round, the proposal, and certificates."""

Bitmap: TypeAlias = Annotated[bytes, msgspec.Meta(max_length=(VALIDATORS_MAX + 7) // 8)]
"""Bit i (of byte i // 8, lowest first) stands for validator i of the sorted set."""


class Announcement(Record, tag=6, frozen=True):
    """Where a validator is and what it holds of its round."""

    height: Height
    round: Round
    step: Step
    decided: bool
    """Whether the height is decided here: nothing of it is missing."""
    proposals: Annotated[tuple[BlockId, ...], msgspec.Meta(max_length=2)]
    """Blocks of the proposals held; two if the proposer equivocated."""
    polka_missing: bool
    """Whether the proposal refers to a polka that is not held."""
    prevotes: Bitmap
    precommits: Bitmap
    prevote_quorum: bool
    """Whether a quorum of prevotes for one block or for nil is held."""
    precommit_quorum: bool


class PeerBehind(msgspec.Struct, frozen=True):
    """The peer is at an older height: send it the block and the commit of `height`."""

    height: int


Delivery: TypeAlias = Vote | CarriedProposal | Certificate | PeerBehind


def announcement(core: Core) -> Announcement | None:
    """What this validator announces; None before the height has begun."""
    process = core.process
    if process.round == NO_ROUND:
        return None
    log = process.log
    proposals = [p.block_id for p in (log.proposal, log.other) if p is not None]
    return Announcement(
        process.height,
        process.round,
        process.step,
        process.decision is not None,
        tuple(proposals),
        _lacks_polka(core, log),
        bitmap(log.prevotes, process.validators),
        bitmap(log.precommits, process.validators),
        has_verdict(log.prevotes),
        has_verdict(log.precommits),
    )


class PeerViews:
    """What each peer is believed to hold: its last announcement and what was sent since."""

    __slots__ = ("_views",)

    def __init__(self) -> None:
        self._views: dict[bytes, Announcement] = {}

    def heard(self, peer: bytes, announced: Announcement) -> None:
        """`peer` announced where it is. What was sent and not received shows here as missing."""
        self._views[peer] = announced

    def forget(self, peer: bytes) -> None:
        """`peer` has disconnected."""
        self._views.pop(peer, None)

    def take_missing(self, core: Core, peer: bytes, limit: int = DELIVERIES_MAX) -> list[Delivery]:
        """What to send to `peer` now; not given out again until it announces the lack again."""
        view = self._views.get(peer)
        if view is None:
            return []
        deliveries = missing_for(core, view, limit)
        for delivery in deliveries:
            view = _after(view, delivery, core.process.validators)
        self._views[peer] = view
        return deliveries


def _after(view: Announcement, sent: Delivery, validators: ValidatorSet) -> Announcement:
    """`view` once its peer has received `sent`, as far as that is about its round."""
    match sent:
        case Vote() if sent.round == view.round:
            bit = 1 << [m.public_key for m in validators.members].index(sent.validator)
            if sent.kind is VoteKind.PREVOTE:
                return replace(view, prevotes=_with_bit(view.prevotes, bit))
            return replace(view, precommits=_with_bit(view.precommits, bit))
        case Certificate() if sent.round == view.round:
            if sent.kind is VoteKind.PREVOTE:
                return replace(view, prevote_quorum=True)
            return replace(view, precommit_quorum=True)
        case CarriedProposal() if sent.proposal.round == view.round:
            blocks = dict.fromkeys([*view.proposals, sent.proposal.block_id])
            return replace(view, proposals=tuple(blocks)[:2], polka_missing=False)
        case _:
            return view


def _with_bit(held: bytes, bit: int) -> bytes:
    bits = int.from_bytes(held, "little") | bit
    return bits.to_bytes(max(len(held), (bits.bit_length() + 7) // 8), "little")


def bitmap(tally: Tally, validators: ValidatorSet) -> bytes:
    """Which validators' votes `tally` holds, one bit each."""
    bits = 0
    for i, member in enumerate(validators.members):
        if member.public_key in tally.votes:
            bits |= 1 << i
    return bits.to_bytes((len(validators) + 7) // 8, "little")


def has_verdict(tally: Tally) -> bool:
    """Whether a quorum agrees on one block or on nil."""
    return tally.has_quorum(None) or bool(tally.blocks_with_quorum())


def missing_for(core: Core, peer: Announcement, limit: int = DELIVERIES_MAX) -> list[Delivery]:
    """What this validator holds and `peer` lacks, most urgent first, at most `limit` messages.

    Order: a decision; the peer's own round; the round this validator is in, if the peer has
    not reached it. A peer that is ahead gets what is held of its round.
    """
    height = core.process.height
    if peer.height < height:
        return [PeerBehind(peer.height)]
    if peer.height > height or peer.decided:
        return []
    return list(islice(_missing(core, peer), limit))


def _missing(core: Core, peer: Announcement) -> Iterator[Delivery]:
    process = core.process
    if process.decision is not None:
        yield from _decision(core)
        return
    # Undecided with a commit: the block or its proposal is missing here, perhaps not there.
    for round_, block_id in process.book.commits:
        yield from _quorum(core, process.book.at(round_), VoteKind.PRECOMMIT, block_id)
    theirs = process.book.rounds.get(peer.round)
    if theirs is not None:
        yield from _of_their_round(core, theirs, peer)
    if process.round > peer.round:
        yield from _of_later_round(core, process.log)


def _decision(core: Core) -> Iterator[Delivery]:
    """The decided proposal and its commit."""
    decided = core.decision
    assert decided is not None
    log = core.process.book.at(decided.round)
    yield from _quorum(core, log, VoteKind.PRECOMMIT, decided.block_id)


def _quorum(
    core: Core, log: RoundLog, kind: VoteKind, block_id: bytes | None
) -> Iterator[Delivery]:
    """A certificate, and the proposal it is about, if it is held."""
    if block_id is not None:
        proposal = log.proposal_for(block_id)
        if proposal is not None:
            yield carried(core.process, proposal)
    certificate = log.tally(kind).certificate(block_id)
    if certificate is not None:
        yield certificate


def _of_their_round(core: Core, log: RoundLog, peer: Announcement) -> Iterator[Delivery]:
    """Proposal, votes by the bitmaps, and quorums that single votes would not show."""
    if log.proposal is not None and (not peer.proposals or peer.polka_missing):
        yield carried(core.process, log.proposal)
    validators = core.process.validators
    for tally, held in ((log.prevotes, peer.prevotes), (log.precommits, peer.precommits)):
        yield from _votes_not_in(tally, held, validators)
    for kind, known in (
        (VoteKind.PREVOTE, peer.prevote_quorum),
        (VoteKind.PRECOMMIT, peer.precommit_quorum),
    ):
        for block_id in _verdicts(log.tally(kind)):
            # A peer that counted an equivocator's other vote sees a quorum only when it is
            # shown whole; one that holds another proposal needs this one.
            if not known or (block_id is not None and block_id not in peer.proposals):
                yield from _quorum(core, log, kind, block_id)


def _of_later_round(core: Core, log: RoundLog) -> Iterator[Delivery]:
    """This validator's round, for a peer in an earlier one: more than a third moves it (L55)."""
    yield from log.precommits.votes.values()
    yield from log.prevotes.votes.values()
    if log.proposal is not None:
        yield carried(core.process, log.proposal)


def _verdicts(tally: Tally) -> list[bytes | None]:
    verdicts: list[bytes | None] = [*tally.blocks_with_quorum()]
    return [*verdicts, None] if tally.has_quorum(None) else verdicts


def _votes_not_in(tally: Tally, held: bytes, validators: ValidatorSet) -> Iterator[Vote]:
    """Votes whose bit in `held` is not set; a short bitmap counts as zeros beyond its end."""
    bits = int.from_bytes(held, "little")
    for i, member in enumerate(validators.members):
        vote = tally.votes.get(member.public_key)
        if vote is not None and not bits >> i & 1:
            yield vote


def _lacks_polka(core: Core, log: RoundLog) -> bool:
    proposal = log.proposal
    if proposal is None or proposal.valid_round == NO_ROUND:
        return False
    return not core.process.book.has_polka(proposal.valid_round, proposal.block_id)
