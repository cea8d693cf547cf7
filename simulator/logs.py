"""What correct validators' consensus logs say: the inputs of a height, in order, and the votes."""

from collections.abc import Iterator

from consensus.inputs import (
    CertificateReceived,
    Input,
    ProposalReceived,
    Signed,
    VoteReceived,
    decode_input,
)
from consensus.messages import Proposal, Vote, votes_of
from node.core.records import LoggedInput, decode_record
from simulator.record import RunRecord
from wire.errors import PeerFault


def logged_inputs(record: RunRecord, name: str) -> dict[int, list[Input]]:
    """Every input that `name` has ever flushed, by height, over all its lives."""
    found: dict[int, list[Input]] = {}
    for _, records in record.disks[name].archive:
        for data in records:
            try:
                entry = decode_record(data)
            except PeerFault:
                continue  # a block that is none: the replay of the chain says so
            if isinstance(entry, LoggedInput):
                found.setdefault(entry.height, []).append(decode_input(entry.data))
    return found


def messages_in(given: Input) -> Iterator[Vote | Proposal]:
    """The signed messages that an input holds."""
    match given:
        case VoteReceived(vote=vote):
            yield vote
        case CertificateReceived(certificate=certificate):
            yield from votes_of(certificate)
        case ProposalReceived(proposal=proposal, polka=polka):
            yield proposal
            if polka is not None:
                yield from votes_of(polka)
        case Signed(message=message):
            yield message
        case _:
            pass
