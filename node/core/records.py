"""What the consensus log holds: inputs of the height under way, and the blocks voted for.

Replaying the records brings consensus to where it was, so that the same messages are sent again,
byte for byte, and a block that this validator has voted for is still at hand.
"""

from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec

from node.blocks import Block, check_parts
from wire.codec import Record, decode, encode
from wire.limits import FRAME_BYTES_MAX


class LoggedInput(Record, frozen=True, tag=1):
    """A consensus input, as `consensus.inputs.encode_input` wrote it."""

    height: int
    data: bytes


class LoggedBlock(Record, frozen=True, tag=2):
    """A block found valid, before the prevote for it."""

    block: Block


class LoggedRecovery(Record, frozen=True, tag=3):
    """What follows was said and voted for under a recovery: by other validators than before."""

    height: int
    digest: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    """Of the recovery."""


LogRecord: TypeAlias = LoggedInput | LoggedBlock | LoggedRecovery


class _Entry(Record, frozen=True):
    record: LogRecord


def encode_record(record: LogRecord) -> bytes:
    """The bytes of a log record."""
    return encode(_Entry(record))


def decode_record(data: bytes) -> LogRecord:
    """The record that `encode_record` wrote; raises `MalformedBytes`, `Oversize`."""
    record = decode(data, _Entry, FRAME_BYTES_MAX).record
    if isinstance(record, LoggedBlock):
        check_parts(record.block)
    return record


def of_height(
    records: Iterable[LogRecord], height: int, recovery: bytes | None
) -> list[LoggedInput | LoggedBlock]:
    """The records of `height` written under the recovery of this digest (None: under none).

    What the validators before a recovery said is no part of what those after it decide.
    """
    found: list[LoggedInput | LoggedBlock] = []
    under: bytes | None = None
    for record in records:
        match record:
            case LoggedRecovery():
                under = record.digest if record.height == height else None
            case LoggedInput(height=at):
                if at == height and under == recovery:
                    found.append(record)
            case LoggedBlock(block=block):
                if block.header.height == height and under == recovery:
                    found.append(record)
    return found
