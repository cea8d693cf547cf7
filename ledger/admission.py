"""Whether a transaction may act at all: network, time window, nonce, and who has signed.

Signatures themselves have been checked before (`Verified`); here it is asked whose they are.
"""

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft
from ledger.transactions import Transaction, is_trade, new_keys
from wire.ids import Lei
from wire.limits import VALID_UNTIL_HEIGHTS_MAX

Required = tuple[tuple[Lei, o.KeyRole], ...]


def check_window(draft: Draft, tx: Transaction, height: int) -> None:
    """The transaction is for this chain and may stand in block `height`."""
    chain_id = draft.must(t.NETWORK, t.network_key()).chain_id
    if tx.chain_id != chain_id:
        raise r.WrongChain(f"is for {tx.chain_id[:48]}, this is {chain_id}")
    if tx.valid_until < height:
        raise r.Expired(f"was valid until {tx.valid_until}, height is {height}")
    if tx.valid_until > height + VALID_UNTIL_HEIGHTS_MAX:
        raise r.TooFarAhead(
            f"is valid until {tx.valid_until}, at most {height + VALID_UNTIL_HEIGHTS_MAX} allowed"
        )


def check_nonces(draft: Draft, tx: Transaction) -> None:
    """No signing key has used the nonce before; a trade is unique by its UTI instead."""
    if is_trade(tx.action):
        return
    for entry in tx.signatures:
        if draft.get(t.NONCES, t.NONCES.key(entry.key, tx.nonce)) is not None:
            raise r.NonceReused(f"nonce {tx.nonce} of key {entry.key.hex()[:16]}")


def use_nonces(draft: Draft, tx: Transaction) -> None:
    """Remember the nonce for every known key that signed, until the valid-until height."""
    if is_trade(tx.action):
        return
    for entry in tx.signatures:
        if draft.get(t.KEYS, t.KEYS.key(entry.key)) is not None:
            draft.put(t.NONCES, t.NONCES.key(entry.key, tx.nonce), o.Nonce(tx.valid_until))


def forget_nonces(draft: Draft, height: int) -> None:
    """Drop the nonces that no transaction in block `height` or later can use."""
    for key in draft.indexed(t.NONCES, height - 1):
        draft.delete(key)


def check_signers(draft: Draft, tx: Transaction, wanted: Required) -> None:
    """Exactly the `wanted` members have signed, each with a key of the right role; and every key
    that the action brings to the ledger."""
    signed: set[Lei] = set()
    roles = dict(wanted)
    brought = list(new_keys(tx.action))
    for entry in tx.signatures:
        if entry.key in brought:
            brought.remove(entry.key)
            continue
        row = draft.get(t.KEYS, t.KEYS.key(entry.key))
        if row is None or row.retired:
            raise r.UnknownKey(f"key {entry.key.hex()[:16]}")
        if row.member not in roles or row.member in signed:
            raise r.SurplusSignature(f"by {row.member}, who need not sign (again)")
        if row.role != roles[row.member]:
            raise r.WrongKeyRole(
                f"key of {row.member} has role {o.KeyRole(row.role).name}, "
                f"needs {o.KeyRole(roles[row.member]).name}"
            )
        signed.add(row.member)
    for lei, role in wanted:
        if lei not in signed:
            raise r.MissingSignature(f"of {lei} with a {o.KeyRole(role).name} key")
    if brought:
        raise r.MissingSignature(f"of the new key {brought[0].hex()[:16]}")
    for lei in sorted(signed):
        checks.acting_member(draft, lei)


def member_of(draft: Draft, key: bytes) -> Lei | None:
    """Whose key it is, or has been."""
    row = draft.get(t.KEYS, t.KEYS.key(key))
    return None if row is None else row.member
