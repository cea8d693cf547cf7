"""The node's side of a signer in another process: asks again until it is answered.

Without its signer the node follows. A message that waits is asked for again, in the same bytes,
when the signer is back; a later one takes its place.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from consensus.inputs import Signed, SignRefused
from consensus.messages import Proposal, Vote, sign_bytes, with_signature
from consensus.signer import Place, SignerGone, SignerState, Signing, place_of
from node.core import inputs as i
from node.signer import answer_of
from node.signing.address import Address, connect
from node.signing.errors import SignerCertificates, SignerMisfit, SignerProtocolFault
from node.signing.messages import (
    SIGNER_PROTOCOL,
    Greeting,
    Introduction,
    Ping,
    RaiseAnswer,
    RaiseRequest,
    SignAnswer,
    SignRequest,
)
from node.signing.streams import expect, send
from wire.signing import verifies

UNREACHABLE: Final = "cannot be reached"
"""What a node's status says of a signer that is away."""

log = structlog.get_logger("node")

ANSWER_SECONDS: Final = 2.0
"""A signature takes milliseconds, and a flush to the disk."""

FIRST_PAUSE_SECONDS: Final = 0.05
PAUSE_SECONDS_MAX: Final = 2.0
PING_SECONDS: Final = 1.0

UNSIGNED_BYTES: Final = bytes(64)
"""Stands for the signature on the wire."""

T = TypeVar("T", SignAnswer, RaiseAnswer, Ping)

FAULTS: Final = (
    OSError,
    EOFError,
    TimeoutError,
    SignerProtocolFault,
    SignerMisfit,
    SignerCertificates,
)


class RemoteSigner:
    """A signer at an address. `meet` once, then `run` for as long as the node does."""

    def __init__(
        self,
        address: Address,
        chain_id: str,
        validator: bytes,
        clock_ms: Callable[[], int],
    ) -> None:
        self.report: Callable[[i.Input], None] = lambda _: None
        """Called with answers, and with the news that the signer is back."""
        self.connected = False
        self._address = address
        self._chain_id = chain_id
        self._validator = validator
        self._clock_ms = clock_ms
        self._signing: Signing = SignerGone.AWAY
        self._highest: Place | None = None
        """The last place that the signer has been seen to have signed at."""
        self._message: Vote | Proposal | None = None
        self._floor: int | None = None
        self._wanted = asyncio.Event()
        self._number = 0
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    # ---------------------------------------------------------------- what the node asks
    def signing(self) -> Signing:
        """What the signer has said it remembers; AWAY if it has not been met yet."""
        return self._signing

    async def ask(self, message: Vote | Proposal, now_ms: int) -> Signed | SignRefused | None:
        """Have `message` signed; the answer is reported."""
        del now_ms  # of the moment of asking; the answer bears its own
        self._message = message
        self._wanted.set()
        return None

    async def raise_to(self, from_height: int) -> None:
        """Have the signer sign nothing below `from_height`, as soon as it can be told."""
        self._floor = from_height
        self._wanted.set()

    # ---------------------------------------------------------------- the connection
    async def meet(self) -> None:
        """Try once to reach the signer, so that the node knows at its start what was signed."""
        try:
            await self._connect()
        except FAULTS as error:
            log.warning("signer_away", detail=_text(error))
            self._disconnect()

    async def run(self) -> None:
        """Keep the connection, for ever."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                if self._stream is None:
                    await self._connect()
                    self.report(i.SignerFound(self._signing, self._clock_ms()))
                pause = FIRST_PAUSE_SECONDS
                await self._serve()
            except FAULTS as error:
                if self.connected or pause >= PAUSE_SECONDS_MAX:
                    log.warning("signer_away", detail=_text(error))
            finally:
                self._disconnect()
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    async def _connect(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            self._stream = reader, writer = await connect(self._address)
        await send(writer, Greeting(SIGNER_PROTOCOL, self._chain_id), ANSWER_SECONDS)
        said = await expect(reader, Introduction, ANSWER_SECONDS)
        ours = (SIGNER_PROTOCOL, self._chain_id, self._validator)
        if (said.protocol, said.chain_id, said.validator) != ours:
            self._disconnect()
            raise SignerMisfit(f"chain {said.chain_id[:48]}, key {said.validator.hex()[:16]}")
        self._signing = self._believed(said.state)
        self.connected = True
        if self._message is not None or self._floor is not None:
            self._wanted.set()
        log.info("signer_connected", signing=type(self._signing).__name__)

    def _believed(self, state: SignerState | None) -> Signing:
        """A state that knows less than the signer has signed for this node is an old copy."""
        if state is None:
            return SignerGone.LOST
        last = state.last
        place = None if last is None else (last.height, last.round, last.step)
        if self._highest is not None and (place is None or place < self._highest):
            if state.from_height <= self._highest[0]:
                return SignerGone.LOST
        elif place is not None:
            self._highest = place
        return state

    def _disconnect(self) -> None:
        self.connected = False
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None

    async def _serve(self) -> None:
        """Carry out what is wanted, else see every second whether the signer is still there."""
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                await self._exchange(Ping(self._next()), Ping)
                continue
            self._wanted.clear()
            if self._floor is not None:
                floor = self._floor
                await self._exchange(RaiseRequest(self._next(), floor), RaiseAnswer)
                self._floor = None if self._floor == floor else self._floor
            if self._message is not None:
                await self._sign(self._message)

    async def _sign(self, message: Vote | Proposal) -> None:
        unsigned = with_signature(message, UNSIGNED_BYTES)
        answer = await self._exchange(SignRequest(self._next(), unsigned), SignAnswer)
        signature = answer.signature
        if signature is not None:
            data = sign_bytes(self._chain_id, message)
            if not verifies(self._validator, data, signature):
                raise SignerProtocolFault("a signature that is not good")
            place = place_of(message)
            self._highest = place if self._highest is None else max(self._highest, place)
        if self._message is message:
            self._message = None
        now_ms = self._clock_ms()
        self.report(i.SignerAnswered(answer_of(message, signature, now_ms), now_ms))

    async def _exchange(self, request: SignRequest | RaiseRequest | Ping, kind: type[T]) -> T:
        assert self._stream is not None
        reader, writer = self._stream
        await send(writer, request, ANSWER_SECONDS)
        answer = await expect(reader, kind, ANSWER_SECONDS)
        if answer.number != request.number:
            raise SignerProtocolFault(f"answer {answer.number} to request {request.number}")
        return answer

    def _next(self) -> int:
        self._number += 1
        return self._number


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
