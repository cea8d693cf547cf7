"""The signer's process: answers nodes, one request after the other, with one key and state."""

import asyncio
import contextlib
from typing import Any, Final

import structlog

from node.signer import FileSigner
from node.signing.address import Address, listen, require_same_user
from node.signing.errors import SignerProtocolFault
from node.signing.messages import (
    SIGNER_PROTOCOL,
    Greeting,
    Introduction,
    Ping,
    RaiseAnswer,
    RaiseRequest,
    SignAnswer,
    SignerMessage,
    SignRequest,
)
from node.signing.streams import expect, receive, send
from wire.errors import EnvironmentFault

log = structlog.get_logger("signer")

CONNECTIONS_MAX: Final = 4
"""A node has one; when it comes back, its old one may not have been noticed to be dead."""

GREETING_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 10.0
"""A node says something every second."""


class SignerUnusable(EnvironmentFault):
    """The signer's state cannot be written, so it signs nothing any more."""

    code = "SIGNER_STATE_UNWRITABLE"
    remedy = "Look at the disk and the rights of the signer's directory, then start it again."


class SignerServer:
    """Serves one `FileSigner`."""

    def __init__(self, signer: FileSigner) -> None:
        self._signer = signer
        self._turn = asyncio.Lock()
        self._connections: set[asyncio.Task[Any] | None] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, address: Address) -> None:
        """Serve until cancelled; raises `SignerUnusable`, `SignerCertificates`, `OSError`."""
        server = await listen(address, self._accept)
        log.info("signer_listens", address=str(address), key=self._signer.validator.hex())
        try:
            await self._broken
        finally:
            server.close()
            for task in self._connections:
                if task is not None:
                    task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            if len(self._connections) > CONNECTIONS_MAX:
                raise SignerProtocolFault(f"more than {CONNECTIONS_MAX} connections")
            require_same_user(writer)
            await self._converse(reader, writer)
        except SignerProtocolFault as fault:
            log.warning("signer_peer_fault", detail=fault.detail)
        except (OSError, EOFError, TimeoutError) as error:
            log.info("node_gone", detail=type(error).__name__)
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        signer = self._signer
        greeting = await expect(reader, Greeting, GREETING_SECONDS)
        async with self._turn:
            state = signer.state
        introduction = Introduction(SIGNER_PROTOCOL, signer.chain_id, signer.validator, state)
        await send(writer, introduction, GREETING_SECONDS)
        if (greeting.protocol, greeting.chain_id) != (SIGNER_PROTOCOL, signer.chain_id):
            raise SignerProtocolFault(f"a node of chain {greeting.chain_id[:48]}")
        log.info("node_connected", state="lost" if state is None else "known")
        while True:
            request = await receive(reader, IDLE_SECONDS)
            await send(writer, await self._answer(request), IDLE_SECONDS)

    async def _answer(self, request: SignerMessage) -> SignerMessage:
        signer = self._signer
        try:
            async with self._turn:
                match request:
                    case SignRequest(number=number, message=message):
                        signature = await asyncio.to_thread(signer.sign, message)
                        if signature is None:
                            log.warning("refused", height=message.height, round=message.round)
                        return SignAnswer(number, signature)
                    case RaiseRequest(number=number, from_height=height):
                        await asyncio.to_thread(signer.raise_floor, height)
                        log.warning("signs_from_height", height=height)
                        return RaiseAnswer(number)
                    case Ping():
                        return request
        except OSError as error:  # what is not durable must not get out
            if not self._broken.done():
                self._broken.set_exception(SignerUnusable(str(error)))
            raise
        raise SignerProtocolFault(f"a node said {type(request).__name__}")
