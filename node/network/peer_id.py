"""Peer identities: the base58 text of a libp2p peer id, from the Ed25519 key alone.

Pure, and free of libp2p (whose import takes a second and 80 MB), so that genesis, configuration
and the command line can name peers cheaply. Source: libp2p specification, "Peer Ids and Keys".
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PREFIX: Final = bytes.fromhex("0024" + "08011220")
"""Identity multihash (0x00) of 36 (0x24) bytes: protobuf {type: Ed25519 (1), data: 32 bytes}."""


def peer_id_of(public_key: bytes) -> str:
    """The peer id of a 32-byte Ed25519 public key; raises `ValueError` on another length."""
    if len(public_key) != 32:
        raise ValueError(f"an Ed25519 public key has 32 bytes, this one {len(public_key)}")
    return _base58(_PREFIX + public_key)


def peer_id_of_seed(seed: bytes) -> str:
    """The peer id of the key whose 32-byte private seed (RFC 8032) is `seed`."""
    return peer_id_of(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def public_key_of(peer_id: str) -> bytes:
    """The 32-byte Ed25519 public key inside `peer_id`; raises `ValueError` if there is none."""
    number = 0
    for character in peer_id[:64]:
        digit = _ALPHABET.find(character)
        if digit < 0:
            raise ValueError(f"peer id {peer_id[:64]!r}: {character!r} is not base58")
        number = number * 58 + digit
    raw = number.to_bytes(48, "big")[-38:]
    if _base58(raw) != peer_id or not raw.startswith(_PREFIX):
        raise ValueError(f"peer id {peer_id[:64]!r} is not that of an Ed25519 key")
    return raw[len(_PREFIX) :]


def _base58(raw: bytes) -> str:
    """Base58 (Bitcoin alphabet); each leading zero byte is one leading '1'."""
    number = int.from_bytes(raw, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + digits
