"""Reading and writing the signer protocol's messages on a stream."""

import asyncio
from typing import TypeVar

from node.signing.errors import SignerProtocolFault
from node.signing.messages import (
    LENGTH,
    SIGNER_FRAME_BYTES_MAX,
    SignerMessage,
    from_body,
    to_frame,
)
from wire.errors import MalformedBytes, Oversize

T = TypeVar("T")


async def receive(reader: asyncio.StreamReader, seconds: float) -> SignerMessage:
    """The next message. Raises `SignerProtocolFault`, `TimeoutError`, `EOFError`, `OSError`."""
    async with asyncio.timeout(seconds):
        (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        if size > SIGNER_FRAME_BYTES_MAX:
            raise SignerProtocolFault(f"a frame of {size} bytes")
        body = await reader.readexactly(size)
    try:
        return from_body(body)
    except (MalformedBytes, Oversize) as error:
        raise SignerProtocolFault(error.detail) from None


async def expect(reader: asyncio.StreamReader, kind: type[T], seconds: float) -> T:
    """The next message, which must be a `kind`. Raises as `receive`."""
    message = await receive(reader, seconds)
    if not isinstance(message, kind):
        raise SignerProtocolFault(f"{type(message).__name__} instead of {kind.__name__}")
    return message


async def send(writer: asyncio.StreamWriter, message: SignerMessage, seconds: float) -> None:
    """Send a message. Raises `OSError`, `TimeoutError`."""
    writer.write(to_frame(message))
    async with asyncio.timeout(seconds):
        await writer.drain()
