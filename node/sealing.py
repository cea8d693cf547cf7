"""Secrets at rest under a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals.

Both are the `cryptography` library's. A sealed file is JSON that names its own parameters; they
are authenticated, and bounded when read, so that a file cannot make the reader work for hours.
"""

import secrets
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wire.errors import EnvironmentFault

COST: Final = 1 << 17
"""scrypt's N: 128 MB and about half a second for each guess (OWASP's recommendation)."""

COST_MAX: Final = 1 << 20
"""Of a file that is read: 1 GB."""

PASSPHRASE_CHARS_MIN: Final = 12
"""Shorter ones are guessed."""


class PassphraseWrong(EnvironmentFault):
    """The passphrase does not open the sealed file, or the file was altered."""

    code = "PASSPHRASE_WRONG"
    remedy = "Check which passphrase belongs to this file; if it is right, restore the file."


class PassphraseWeak(EnvironmentFault):
    """The passphrase for a new sealed file is too short."""

    code = "PASSPHRASE_WEAK"
    remedy = "Take at least 12 characters, such as four random words or `openssl rand -hex 16`."


class SealedFileUnreadable(EnvironmentFault):
    """A sealed file is not of the form that this version reads."""

    code = "SEALED_FILE_UNREADABLE"
    remedy = "Restore the file from a backup."


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sealed file; bytes are base64."""

    sealed: Literal["scrypt+aes-256-gcm/1"] = "scrypt+aes-256-gcm/1"
    n: Annotated[int, msgspec.Meta(ge=2, le=COST_MAX)]
    r: Annotated[int, msgspec.Meta(ge=1, le=16)] = 8
    p: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=64)]
    nonce: Annotated[bytes, msgspec.Meta(min_length=12, max_length=12)]
    data: bytes

    def key(self, passphrase: str) -> AESGCM:
        """The cipher of this file."""
        made = Scrypt(salt=self.salt, length=32, n=self.n, r=self.r, p=self.p)
        return AESGCM(made.derive(passphrase.encode()))

    @property
    def associated(self) -> bytes:
        """What is authenticated beside the data: every parameter."""
        return msgspec.json.encode(msgspec.structs.replace(self, data=b""))


def is_sealed(data: bytes) -> bool:
    """Whether this is a sealed file, readable or not."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(found, dict) and "sealed" in found


def seal(data: bytes, passphrase: str) -> bytes:
    """`data` under `passphrase`, as a file. Raises `PassphraseWeak`."""
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise PassphraseWeak(f"{len(passphrase)} characters")
    empty = Sealed(n=COST, salt=secrets.token_bytes(16), nonce=secrets.token_bytes(12), data=b"")
    sealed = empty.key(passphrase).encrypt(empty.nonce, data, empty.associated)
    whole = msgspec.structs.replace(empty, data=sealed)
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"


def unseal(data: bytes, passphrase: str) -> bytes:
    """What `seal` sealed. Raises `SealedFileUnreadable`, `PassphraseWrong`."""
    try:
        file = msgspec.json.decode(data, type=Sealed)
        return file.key(passphrase).decrypt(file.nonce, file.data, file.associated)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise SealedFileUnreadable(str(error)) from None
    except InvalidTag:
        raise PassphraseWrong() from None
