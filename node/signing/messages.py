"""What a node and its signer say to each other. One frame, one message; 4-byte length before it.

The node says `Greeting` first, the signer answers `Introduction`; then the node asks and the
signer answers in order, each answer with the request's number. Any fault closes the connection.
"""

import struct
from typing import Annotated, Final, TypeAlias

import msgspec

from consensus.messages import Height, Proposal, SignatureBytes, ValidatorId, Vote
from consensus.signer import SignerState
from wire.codec import Record, decode, encode

SIGNER_PROTOCOL: Final = 1
SIGNER_FRAME_BYTES_MAX: Final = 16 << 10
"""A vote with its extension, or a signer state with the bytes it signed last: about 3 KB."""

LENGTH: Final = struct.Struct(">I")

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=256)]


class Greeting(Record, frozen=True, tag=1):
    """The node: which protocol, and which chain it is of."""

    protocol: int
    chain_id: Text


class Introduction(Record, frozen=True, tag=2):
    """The signer: its key and chain, and what it remembers. State None: it is lost."""

    protocol: int
    chain_id: Text
    validator: ValidatorId
    state: SignerState | None


class SignRequest(Record, frozen=True, tag=3):
    """Sign this; its own signature field is empty bytes."""

    number: Number
    message: Vote | Proposal


class SignAnswer(Record, frozen=True, tag=4):
    """The signature, or None: refused."""

    number: Number
    signature: SignatureBytes | None


class RaiseRequest(Record, frozen=True, tag=5):
    """Sign nothing below this height from now on, durably; a lost state is made anew so."""

    number: Number
    from_height: Height


class RaiseAnswer(Record, frozen=True, tag=6):
    """Done."""

    number: Number


class Ping(Record, frozen=True, tag=7):
    """Is anybody there? Answered with the same."""

    number: Number


SignerMessage: TypeAlias = (
    Greeting | Introduction | SignRequest | SignAnswer | RaiseRequest | RaiseAnswer | Ping
)


class _Frame(Record, frozen=True):
    message: SignerMessage


def to_frame(message: SignerMessage) -> bytes:
    """The frame of a message, its length before it."""
    body = encode(_Frame(message))
    return LENGTH.pack(len(body)) + body


def from_body(body: bytes) -> SignerMessage:
    """The message in a frame's body; raises `Oversize`, `MalformedBytes`."""
    return decode(body, _Frame, SIGNER_FRAME_BYTES_MAX).message
