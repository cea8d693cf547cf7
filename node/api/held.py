"""Requests that wait for a second client, on the disk: a node that stops forgets none.

The file is sealed for its chain with a key that only the home's own keys give (HKDF, AES-256-GCM):
one that was altered, or is another home's, opens to nothing, and who asked asks again. What a
request is of, when it expires and who has asked is therefore as the node wrote it.
"""

import secrets
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.objects import KeyRole
from ledger.transactions import Transaction, decode_transaction, tx_id
from node.files import replace_file
from wire.codec import encode
from wire.errors import CodedError

log = structlog.get_logger("node")

NAME: Final = "held.sealed"
PURPOSE: Final = "held requests 1"
NONCE_BYTES: Final = 12

Then: TypeAlias = Literal["return", "affirm", "submit"]


class Wanted(NamedTuple):
    """What a client wants signed."""

    tx: Transaction
    roles: tuple[KeyRole, ...]
    client: str
    then: Then
    expires_ms: int

    @property
    def id(self) -> str:
        """That of the transaction, to the byte."""
        return tx_id(self.tx).hex()


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request as it is kept."""

    tx: bytes
    roles: tuple[KeyRole, ...]
    client: str
    then: Then
    expires_ms: int


class HeldFile:
    """The requests of one home, oldest first."""

    def __init__(self, path: Path, key: bytes, chain_id: str) -> None:
        self._path = path
        self._cipher = AESGCM(key)
        self._chain = chain_id.encode()

    def load(self) -> list[Wanted]:
        """What was kept; nothing, and a line in the log, if it is not as it was written."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            plain = self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], self._chain)
            lines = msgspec.msgpack.decode(plain, type=list[_Line])
            return [
                Wanted(decode_transaction(x.tx), x.roles, x.client, x.then, x.expires_ms)
                for x in lines
            ]
        except (InvalidTag, ValueError, CodedError) as error:
            why = type(error).__name__
        log.error("held_requests_refused", path=str(self._path), detail=why)
        return []

    def save(self, requests: list[Wanted]) -> None:
        """Keep these, and only these, from now on."""
        lines = [_Line(encode(x.tx), x.roles, x.client, x.then, x.expires_ms) for x in requests]
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, msgspec.msgpack.encode(lines), self._chain)
        replace_file(self._path, nonce + sealed)
