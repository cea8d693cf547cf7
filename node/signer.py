"""The signer: a consensus key and its durable state file. It never signs two things at one place.

The rule is `consensus.signer`; here is the file. The state is made durable before a signature is
let out, so that after any crash the signer knows at least what the world may have seen. It is in
the node's process, or in one of its own (`node/signing`): the node works the same with both.
"""

import asyncio
from pathlib import Path
from typing import Protocol

from consensus.errors import DoubleSign
from consensus.inputs import Signed, SignRefused
from consensus.messages import Proposal, Vote, sign_bytes, step_of, with_signature
from consensus.signer import (
    SignerGone,
    SignerState,
    Signing,
    admit,
    decode_state,
    encode_state,
    new_state,
    raised,
    signed_state,
)
from node.files import replace_file
from wire.signing import SigningKey


class Signer(Protocol):
    """What a node asks of its signer."""

    def signing(self) -> Signing:
        """What it remembers, or why that is not known."""

    async def ask(self, message: Vote | Proposal, now_ms: int) -> Signed | SignRefused | None:
        """Have `message` signed. None: the answer comes later, as an input, if it ever does."""

    async def raise_to(self, from_height: int) -> None:
        """Sign nothing below `from_height` any more."""


class FileSigner:
    """Signs votes and proposals of one validator."""

    def __init__(self, path: Path, chain_id: str, key: SigningKey) -> None:
        """Read the state at `path`; without the file it is lost. Raises `BadSignerState`."""
        self._path = path
        self._key = key
        self._chain_id = chain_id
        self.state: SignerState | None = None
        """None: lost, and nothing is signed until `raise_to`."""
        if path.exists():
            self.state = decode_state(path.read_bytes(), chain_id, key.public)

    @staticmethod
    def create(path: Path, chain_id: str, key: SigningKey) -> None:
        """The state file of a key that has never signed; once, when the key is made."""
        replace_file(path, encode_state(new_state(chain_id, key.public)))

    @property
    def chain_id(self) -> str:
        """Of the chain that it signs for."""
        return self._chain_id

    @property
    def validator(self) -> bytes:
        """The public key."""
        return self._key.public

    def signing(self) -> Signing:
        """What it remembers."""
        return SignerGone.LOST if self.state is None else self.state

    def sign(self, message: Vote | Proposal) -> bytes | None:
        """The signature, its place durable; None: refused."""
        if self.state is None:
            return None
        try:
            signature = admit(self.state, message)
        except DoubleSign:
            return None
        if signature is None:
            signature = self._key.sign(sign_bytes(self._chain_id, message))
            self._keep(signed_state(self.state, message, signature))
        return signature

    def raise_floor(self, from_height: int) -> None:
        """Sign nothing below `from_height` any more; a lost state is made anew so."""
        self._keep(raised(self.state, self._chain_id, self._key.public, from_height))

    def _keep(self, state: SignerState) -> None:
        replace_file(self._path, encode_state(state))
        self.state = state

    async def ask(self, message: Vote | Proposal, now_ms: int) -> Signed | SignRefused:
        """The signed message, or the refusal."""
        return answer_of(message, await asyncio.to_thread(self.sign, message), now_ms)

    async def raise_to(self, from_height: int) -> None:
        """As `raise_floor`."""
        await asyncio.to_thread(self.raise_floor, from_height)


def answer_of(
    message: Vote | Proposal, signature: bytes | None, now_ms: int
) -> Signed | SignRefused:
    """What consensus is told of a signature, or of none."""
    if signature is None:
        return SignRefused(step_of(message), message.round, now_ms)
    return Signed(with_signature(message, signature), now_ms)
