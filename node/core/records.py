"""What the consensus log holds: inputs of the height under way, and the blocks voted for.

Replaying the records brings consensus to where it was, so that the same messages are sent again,
byte for byte, and a block that this validator has voted for is still at hand.
"""

from typing import TypeAlias

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


LogRecord: TypeAlias = LoggedInput | LoggedBlock


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
