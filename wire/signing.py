"""Domain-separated Ed25519 under one verification rule that every node shares (docs/adr/0002).

The rule: RFC 8032 section 5.1.7 without the cofactor, plus four refusals, so that no two
libraries can disagree on any input: S >= L, a public key that is not canonical or is of small
order, and an R of small order (a non-canonical R never equals the recomputed one).
The library then only decides the equation itself.
"""

from typing import Final, Generic, NewType, TypeVar

import msgspec
from nacl.bindings import crypto_sign as _nacl_sign
from nacl.bindings import crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from wire.codec import encode
from wire.errors import BadSignature

PublicKey = NewType("PublicKey", bytes)
"""A 32-byte Ed25519 public key."""

Signature = NewType("Signature", bytes)
"""A 64-byte Ed25519 signature."""

T = TypeVar("T")

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_SIGN_BIT: Final = 1 << 255


def _small_order_ys() -> frozenset[int]:
    """y coordinates of the eight points of order 1, 2, 4 and 8 (sign bit apart)."""
    y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
    return frozenset({0, 1, _P - 1, y8, _P - y8})


SMALL_ORDER_Y: Final = _small_order_ys()


class Verified(msgspec.Struct, Generic[T], frozen=True):
    """A value whose signatures have been checked; only `node.verify` and factories make one."""

    value: T


class SigningKey:
    """An Ed25519 private key, held as libsodium holds it (seed and public key)."""

    __slots__ = ("_secret", "public")

    def __init__(self, seed: bytes) -> None:
        """`seed`: 32 secret bytes."""
        public, self._secret = crypto_sign_seed_keypair(seed)
        self.public = PublicKey(public)

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes."""
        return self._secret[:32]

    def sign(self, message: bytes) -> Signature:
        """Signature of `message`; build the message with `signed_bytes`."""
        return Signature(_nacl_sign(message, self._secret)[:64])


def signed_bytes(domain: str, chain_id: str, *fields: object) -> bytes:
    """The bytes a signature is made over: domain tag, chain id, then the fields, canonically."""
    return encode((domain, chain_id, *fields))


def key_is_acceptable(public: bytes) -> bool:
    """Whether `public` may be a key at all: 32 bytes, canonical, not of small order."""
    if len(public) != 32:
        return False
    y = int.from_bytes(public, "little") & ~_SIGN_BIT
    return y < _P and y not in SMALL_ORDER_Y


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` by `public` over `message` is good under the rule above."""
    if len(signature) != 64 or not key_is_acceptable(public):
        return False
    r = int.from_bytes(signature[:32], "little") & ~_SIGN_BIT
    if int.from_bytes(signature[32:], "little") >= _L or r >= _P or r in SMALL_ORDER_Y:
        return False
    try:
        crypto_sign_open(signature + message, public)
    except BadSignatureError:
        return False
    return True


def require(public: bytes, message: bytes, signature: bytes) -> None:
    """Raise `BadSignature` unless `verifies`."""
    if not verifies(public, message, signature):
        raise BadSignature(f"key {public.hex()[:16]}")
