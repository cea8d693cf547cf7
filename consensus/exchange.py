"""The vote exchange: each validator announces what it holds, peers send what it misses.

Whoever signed a vote, anybody may deliver it. Nothing here is trusted: an announcement only
decides what is sent, a lie costs the liar votes and us at most `DELIVERIES_MAX` messages, and
whatever arrives twice is counted once. Announce on every change and once a second.
"""

from bisect import bisect_left
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

RESPONDERS: Final = 8
"""About so many validators at a time send a peer what others have signed."""

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
    """What each peer is believed to hold: its last announcement and what was sent since.

    Everybody hears every announcement, and everybody could send all that is missing, a hundred
    times over. So beside its own votes a validator sends what others signed only when it is its
    turn: about `RESPONDERS` take turns at each announcement, others at the next one.
    """

    __slots__ = ("_counts", "_views")

    def __init__(self) -> None:
        self._views: dict[bytes, Announcement] = {}
        self._counts: dict[bytes, int] = {}

    def heard(self, peer: bytes, announced: Announcement) -> None:
        """`peer` announced where it is. What was sent and not received shows here as missing."""
        self._views[peer] = announced
        self._counts[peer] = self._counts.get(peer, 0) + 1

    def forget(self, peer: bytes) -> None:
        """`peer` has disconnected."""
        self._views.pop(peer, None)
        self._counts.pop(peer, None)

    def take_missing(self, core: Core, peer: bytes, limit: int = DELIVERIES_MAX) -> list[Delivery]:
        """What to send to `peer` now; not given out again until it announces the lack again."""
        view = self._views.get(peer)
        if view is None:
            return []
        if self._is_our_turn(core, peer):
            deliveries = missing_for(core, view, limit)
        else:
            deliveries = own_missing_for(core, view)
        self._views[peer] = _after(view, deliveries, core.process.validators)
        return deliveries

    def _is_our_turn(self, core: Core, peer: bytes) -> bool:
        """Who follows without a vote is always asked by few: it has no turn to wait for."""
        process = core.process
        turns = len(process.validators) // RESPONDERS
        if turns <= 1 or process.me is None:
            return True
        return (self._counts[peer] + place_in(process.validators, process.me)) % turns == 0


def place_in(validators: ValidatorSet, validator: bytes) -> int:
    """The position of a member in the sorted set."""
    return bisect_left(validators.members, validator, key=lambda member: member.public_key)


def _after(
    view: Announcement, deliveries: list[Delivery], validators: ValidatorSet
) -> Announcement:
    """`view` once its peer has received `deliveries`, as far as they are about its round."""
    bits = dict.fromkeys(VoteKind, 0)
    for sent in deliveries:
        match sent:
            case Vote() if sent.round == view.round:
                bits[sent.kind] |= 1 << place_in(validators, sent.validator)
            case Certificate() if sent.round == view.round:
                if sent.kind is VoteKind.PREVOTE:
                    view = replace(view, prevote_quorum=True)
                else:
                    view = replace(view, precommit_quorum=True)
            case CarriedProposal() if sent.proposal.round == view.round:
                blocks = dict.fromkeys([*view.proposals, sent.proposal.block_id])
                view = replace(view, proposals=tuple(blocks)[:2], polka_missing=False)
            case _:
                pass
    return replace(
        view,
        prevotes=_with_bits(view.prevotes, bits[VoteKind.PREVOTE]),
        precommits=_with_bits(view.precommits, bits[VoteKind.PRECOMMIT]),
    )


def _with_bits(held: bytes, sent: int) -> bytes:
    bits = int.from_bytes(held, "little") | sent
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


def own_missing_for(core: Core, peer: Announcement) -> list[Delivery]:
    """What this validator itself has signed and `peer` lacks, in its own round or a later one."""
    process = core.process
    if peer.height != process.height or peer.decided or process.me is None:
        return missing_for(core, peer) if peer.height < process.height else []
    found: list[Delivery] = []
    for log, held in ((process.book.rounds.get(peer.round), peer), (process.log, None)):
        if log is None or (held is None and process.round <= peer.round):
            continue
        offer = log.proposal
        if (
            offer is not None
            and offer.validator == process.me
            and (held is None or offer.block_id not in held.proposals)
        ):
            found.append(carried(process, offer))
        bit = 1 << place_in(process.validators, process.me)
        for tally, bits in (
            (log.prevotes, b"" if held is None else held.prevotes),
            (log.precommits, b"" if held is None else held.precommits),
        ):
            vote = tally.votes.get(process.me)
            if vote is not None and not int.from_bytes(bits, "little") & bit:
                found.append(vote)
    return found


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
