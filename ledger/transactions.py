"""Transactions: an action and the envelope that carries it.

Everybody who must sign signs the same bytes: domain, chain id, nonce, valid-until height, the
action's tag and the commitment to the action. The id of a transaction is the hash of those bytes,
so it is the same before and after the counterparty has signed, and no one can alter it by
altering a signature.
"""

from typing import Final, NewType

from ledger.actions import (
    Action,
    ApplyMembership,
    Bootstrap,
    RegisterTrade,
    RetireBootstrap,
    RotateKey,
    TradeBatch,
)
from wire import merkle
from wire.codec import Digest, Record, decode, encode, sha256
from wire.errors import BadSignature, MalformedBytes
from wire.ids import Uti
from wire.limits import HEIGHT_MAX, NONCE_MAX, SIGNATURES_MAX, TRANSACTION_BYTES_MAX
from wire.signing import SigningKey, Verified, signed_bytes, verifies

TxId = NewType("TxId", bytes)
"""SHA-256 of the signed bytes."""

DOMAIN: Final = "dcn/transaction/1"


class KeySignature(Record, frozen=True):
    """One signature and the key that made it."""

    key: bytes
    signature: bytes


class Transaction(Record, frozen=True):
    """An action with everything that makes it acceptable once, on one network, for a while."""

    chain_id: str
    nonce: int
    """Unique for each signing key until `valid_until`; 0 for trades, whose identity is the UTI."""
    valid_until: int
    """Height of the last block it may stand in."""
    action: Action
    signatures: tuple[KeySignature, ...]
    """Sorted by key."""


def commitment(action: Action) -> Digest:
    """What a signature says of the action: its hash; of a batch the RFC 6962 root of its trades,
    so that one trade of it can be proved to have been signed."""
    if isinstance(action, TradeBatch):
        return merkle.root([encode(trade) for trade in action.trades])
    return sha256(encode(action))


def body(tx: Transaction) -> bytes:
    """The bytes that every signature of `tx` is made over."""
    tag = tx.action.__struct_config__.tag
    return signed_bytes(DOMAIN, tx.chain_id, tx.nonce, tx.valid_until, tag, commitment(tx.action))


def tx_id(tx: Transaction) -> TxId:
    """The transaction's id, 32 bytes; independent of its signatures."""
    return TxId(sha256(body(tx)))


def is_trade(action: Action) -> bool:
    """Whether the action is identified by UTIs instead of nonces."""
    return isinstance(action, RegisterTrade | TradeBatch)


def new_keys(action: Action) -> tuple[bytes, ...]:
    """Keys that an action itself names: each signs it, to show that it is held."""
    match action:
        case ApplyMembership(keys=keys):
            return tuple(entry.public_key for entry in keys)
        case RotateKey(new=new):
            return (new,)
        case Bootstrap(key=key) | RetireBootstrap(key=key):
            return (key,)
        case _:
            return ()


def utis(action: Action) -> tuple[Uti, ...]:
    """The UTIs an action registers."""
    match action:
        case RegisterTrade(trade=trade):
            return (trade.uti,)
        case TradeBatch(trades=trades):
            return tuple(trade.uti for trade in trades)
        case _:
            return ()


def unsigned(chain_id: str, action: Action, *, nonce: int, valid_until: int) -> Transaction:
    """A transaction without signatures; add them with `signed`."""
    return Transaction(chain_id, nonce, valid_until, action, ())


def signed(tx: Transaction, *keys: SigningKey) -> Transaction:
    """`tx` with the signatures of `keys` added; a key that has signed before signs anew."""
    message = body(tx)
    have = {entry.key: entry for entry in tx.signatures}
    for key in keys:
        have[key.public] = KeySignature(key.public, key.sign(message))
    ordered = tuple(have[key] for key in sorted(have))
    return Transaction(tx.chain_id, tx.nonce, tx.valid_until, tx.action, ordered)


def decode_transaction(data: bytes) -> Transaction:
    """The transaction of canonical bytes; raises `Oversize` or `MalformedBytes`."""
    tx = decode(data, Transaction, TRANSACTION_BYTES_MAX)
    check_form(tx)
    return tx


def check_form(tx: Transaction) -> None:
    """What the type alone does not say of a transaction's form; raises `MalformedBytes`."""
    keys = [entry.key for entry in tx.signatures]
    if keys != sorted(set(keys)) or len(keys) > SIGNATURES_MAX:
        raise MalformedBytes("signatures are too many, not sorted by key, or one key signs twice")
    if not 0 <= tx.nonce <= NONCE_MAX or not 0 <= tx.valid_until <= HEIGHT_MAX:
        raise MalformedBytes("nonce or valid-until height is out of range")


def verified(tx: Transaction) -> Verified[Transaction]:
    """`tx` with every signature on it checked; raises `BadSignature`.

    Stateless on purpose: keys come with the transaction, so this runs in bulk outside the core.
    Whether they are the right keys is the ledger's question.
    """
    message = body(tx)
    for entry in tx.signatures:
        if not verifies(entry.key, message, entry.signature):
            raise BadSignature(
                f"transaction {sha256(message).hex()[:16]}, key {entry.key.hex()[:16]}"
            )
    return Verified(tx)
